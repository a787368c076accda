#include <gmock/gmock.h>

#include <atomic>
#include <csignal>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using Action = Proxy::Action;
using Direction = Proxy::Direction;

/// pgsluice's own tables are made by whoever comes first; a connection that is lost meanwhile is
/// lost as at any other time.
class OwnSchema : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int)"); }

  /// By way of a proxy that does this to the connection, once, when such a statement passes.
  void with_loss(const std::string& statement, Action action,
                 const std::function<void(const std::string& url)>& run) {
    std::atomic<bool> is_done = false;
    Proxy proxy(url(), [&](std::size_t, Direction direction, const std::string& bytes) {
      if (direction != Direction::to_server || !bytes.contains(statement)) return Action::pass;
      return is_done.exchange(true) ? Action::pass : action;
    });
    run(proxy.url(url()));
    EXPECT_TRUE(is_done) << statement;
    db().run("drop schema pgsluice cascade; truncate t");
  }
  /// What makes the tables begins so, and ends with its history.
  void at_each_loss(const std::function<void(const std::string& url)>& run) {
    for (const char* statement : {"'pgsluice ledger'", "V001__loads_and_chunks.sql"}) {
      for (const Action action : {Action::cut, Action::reset, Action::swallow}) {
        SCOPED_TRACE(statement + std::to_string(static_cast<int>(action)));
        with_loss(statement, action, run);
      }
    }
  }
  TemporaryFolder folder_;
};

TEST_F(OwnSchema, IsMadeByALoadWhoseConnectionIsLost) {
  const std::string path = folder_.write("a.csv", "id\n1\n");
  at_each_loss([&](const std::string& way) {
    const Finished finished = pgsluice({"load", path, "-t", "t", "-d", way, "--progress", "none"});
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(1, db().number("select count(*) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
  });
}

TEST_F(OwnSchema, IsMadeByAMigrationWhoseConnectionIsLost) {
  folder_.write("V1__a.sql", "insert into t values (1);");
  at_each_loss([&](const std::string& way) {
    const Finished finished = pgsluice({"migrate", "up", "--dir", folder_.path(), "-d", way});
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(1, db().number("select count(*) from t"));
  });
}

TEST_F(OwnSchema, IsMadeByASchedulerWhoseConnectionIsLost) {
  folder_.write("a.sql", "insert into t values (1);");
  const std::string config = folder_.write(
      "pgsluice.toml", "[[job]]\nname = \"j\"\ncron = \"@every 1s\"\nsql = \"a.sql\"\n");
  at_each_loss([&](const std::string& way) {
    const Finished finished =
        pgsluice({"schedule", "run", "--once", "--config", config, "-d", way});
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_EQ(1, db().number("select count(*) from pgsluice.jobs"));
  });
}

}  // namespace
}  // namespace sluice::test

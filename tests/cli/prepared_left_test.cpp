#include <gmock/gmock.h>

#include <atomic>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What commands say and do about transactions that a load has prepared which is gone.
class PreparedLeft : public DatabaseTest {
 protected:
  void SetUp() override {
    if (db().number("show max_prepared_transactions") == 0)
      GTEST_SKIP() << "the server prepares no transactions";
    db().run("create table t (id int primary key, v text, load bigint)");
    std::string csv = "id,v\n";
    for (int i = 1; i <= 3000; ++i) csv += std::to_string(i) + ",value\n";
    path_ = folder_.write("in.csv", csv);
  }
  /// A database with something prepared in it cannot be dropped.
  void TearDown() override {
    for (const auto& row :
         db().rows("select gid from pg_prepared_xacts where database = current_database()"))
      db().run("rollback prepared '" + row[0] + "'");
  }

  Finished load(const std::string& at, const std::string& way = "--atomic=prepared") const {
    return pgsluice({"load", path_, "-t", "t", "-d", at, way, "--chunk-size", "4K", "--jobs", "3",
                     "--retry-for", "0", "--add", "load=:load", "--progress", "none"});
  }
  /// Cut off in front of its decision, or behind it.
  void leave(const char* in_front_of) {
    std::atomic<int> seen = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction direction, const std::string& bytes) {
      const bool is_it = direction == Proxy::Direction::to_server && bytes.contains(in_front_of);
      return is_it && seen++ == 0 ? Proxy::Action::reset : Proxy::Action::pass;
    });
    const Finished finished = load(proxy.url(url()));
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr("The same command ends them, and finishes the load."));
    EXPECT_TRUE(no_session_left());
    EXPECT_LT(0, left());
  }
  std::int64_t left() {
    return db().number(
        "select count(*) from pg_prepared_xacts where database = current_database()");
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(PreparedLeft, IsSeenByDoctorAndGivenUp) {
  leave("set committing = 'run");
  const Finished seen = pgsluice({"doctor", "-d", url()});
  EXPECT_THAT(seen.out, HasSubstr("have left prepared transactions, with their rows and locks, of "
                                  "loads: 1"));
  const Finished forgotten = pgsluice({"loads", "forget", "1", "-d", url()});
  EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
  EXPECT_EQ(0, left());
  EXPECT_EQ(0, rows());
  EXPECT_EQ(0, load(url()).exit_code);
  EXPECT_EQ(3000, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(PreparedLeft, IsTakenOutWhereItIsDecided) {
  const auto undo = [this](const char* id) {
    return pgsluice({"loads", "undo", id, "-t", "t", "--column", "load", "-d", url()});
  };
  leave("set committing = 'run");
  EXPECT_THAT(undo("1").err, HasSubstr("pgsluice loads forget gives them up"));
  EXPECT_EQ(0, pgsluice({"loads", "forget", "1", "-d", url()}).exit_code);
  leave("commit prepared");
  const Finished undone = undo("2");
  EXPECT_EQ(0, undone.exit_code) << undone.err << undone.out;
  EXPECT_THAT(undone.out, HasSubstr("deleted 3,000 rows"));
  EXPECT_EQ(0, left());
  EXPECT_EQ(0, rows());
  EXPECT_EQ(0, load(url(), "--atomic").exit_code);
  EXPECT_EQ(3000, rows());
}

/// Whatever the role loads next ends it, also a single record that would wait for it.
TEST_F(PreparedLeft, IsEndedByAShortFile) {
  leave("set committing = 'run");
  const Finished shown = pgsluice({"loads", "show", "1", "-d", url()});
  EXPECT_THAT(shown.out, HasSubstr("load 1: unfinished\n"));
  EXPECT_THAT(shown.out, HasSubstr("3 transactions with rows and locks, to be rolled back by the"));
  EXPECT_THAT(shown.out, HasSubstr("The same command begins again"));
  const std::string other = folder_.write("other.csv", "id,v\n7,x\n");
  const Finished finished = pgsluice({"load", other, "-t", "t", "-d", url()});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(1, rows());
  EXPECT_EQ(0, left());
}

/// A role that may not end them is told whose they are, and does not wait.
TEST_F(PreparedLeft, OfAnotherRoleIsLeftToIt) {
  leave("set committing = 'run");
  const std::string other = url_of_new_role("prepared_other");
  db().run(
      "grant usage on schema pgsluice to prepared_other; grant select, insert, update on all "
      "tables in schema pgsluice to prepared_other; grant insert on t to prepared_other");
  const Finished refused = pgsluice({"loads", "forget", "1", "-d", other});
  EXPECT_EQ(1, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("left to role "));
  EXPECT_LT(0, left());
  EXPECT_EQ(0, load(url()).exit_code);
}

}  // namespace
}  // namespace sluice::test

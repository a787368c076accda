#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "support/migrations.hpp"
#include "support/proxy.hpp"
#include "support/thorough.hpp"

namespace sluice::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

/// migrate down and adopt, with all that happens to up.
class MigrateBackFaults : public MigrationTest {
 protected:
  Finished by(const std::string& other_url, const std::string& subcommand,
              std::vector<std::string> more) const {
    more.insert(more.end(), {"--yes"});
    std::vector<std::string> arguments = command(subcommand, std::move(more));
    *(std::ranges::find(arguments, "-d") + 1) = other_url;
    return pgsluice(std::move(arguments));
  }
  std::string state_of(const std::string& project) {
    return db().value(
        "select coalesce(string_agg(version || ' ' || state, ', ' order by version), '') from "
        "pgsluice.migrations where project = '" +
        project + "'");
  }
};

/// Each way back is taken once, whichever connection is cut, by this run or by the next.
TEST_F(MigrateBackFaults, DownIsCutAnywhere) {
  db().run("create table log (project text, what text)");
  std::atomic<std::size_t> cuts = 0;
  for (std::size_t place = 0; place < 40; place += every(3)) {
    const std::string project = "p" + std::to_string(place);
    for (int file = 1; file <= 2; ++file) {
      write(std::to_string(file) + "_f.sql", "-- migrate:up\ninsert into log values ('" + project +
                                                 "', 'up');\n-- migrate:down\n"
                                                 "insert into log values ('" +
                                                 project + "', 'down " + std::to_string(file) +
                                                 "');\n");
    }
    write("3_f.sql",
          "-- +goose NO TRANSACTION\n-- +goose Up\ncreate index concurrently if not "
          "exists i" +
              project +
              " on log (project);\n-- +goose Down\ndrop index "
              "concurrently if exists i" +
              project + ";\nanalyze log;\n");
    ASSERT_EQ(0, up({"--project", project}).exit_code);
    std::atomic<std::size_t> seen = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction, const std::string&) {
      const bool here = seen++ == place;
      if (here) ++cuts;
      return here ? Proxy::Action::cut : Proxy::Action::pass;
    });
    const std::vector<std::string> all{"--project", project, "--to", "0", "--no-transaction"};
    const Finished first = by(proxy.url(url()), "down", all);
    EXPECT_THAT(first.exit_code, AnyOf(0, 1, 4)) << first.err;
    const Finished second = by(url(), "down", all);
    EXPECT_EQ(0, second.exit_code) << place << ": " << second.err;
    EXPECT_EQ("down 1,down 2",
              db().value("select string_agg(what, ',' order by what) from log where project = '" +
                         project + "' and what <> 'up'"))
        << place << ": " << first.err << second.err;
    EXPECT_EQ("", state_of(project));
    EXPECT_EQ(
        3, db().number("select count(*) from pgsluice.reverted where project = '" + project + "'"));
    EXPECT_EQ("", db().value("select coalesce(to_regclass('i" + project + "')::text, '')"));
  }
  EXPECT_GT(cuts.load(), 20U / every(3));
}

TEST_F(MigrateBackFaults, LostAnswerToTheCommitIsLookedUp) {
  write("1_a.up.sql", "create table a (id int)");
  write("1_a.down.sql", "drop table a");
  ASSERT_EQ(0, up().exit_code);
  std::atomic<bool> lost = false;
  Proxy proxy(url(), [&lost](std::size_t, Proxy::Direction direction, const std::string& bytes) {
    if (direction == Proxy::Direction::to_server && bytes.contains("drop table a") && !lost) {
      lost = true;
      return Proxy::Action::swallow;
    }
    return Proxy::Action::pass;
  });
  const Finished done = by(proxy.url(url()), "down", {});
  EXPECT_TRUE(lost);
  EXPECT_EQ(0, done.exit_code) << done.err;
  EXPECT_THAT(done.err,
              HasSubstr("1_a.down.sql: the connection to the server was lost; the history "
                        "will say whether it was taken back"));
  EXPECT_THAT(done.out, HasSubstr("took back " + path("1_a.down.sql")));
  EXPECT_EQ("", history());
}

/// Two at once: the second finds another history than it has asked about.
TEST_F(MigrateBackFaults, TwoTakeBackEachFileOnce) {
  for (int i = 1; i <= 6; ++i) {
    const std::string n = std::to_string(i);
    write(n + "_t.up.sql", "create table t" + n + " (id int)");
    write(n + "_t.down.sql", "select pg_sleep(0.05); drop table t" + n);
  }
  ASSERT_EQ(0, up().exit_code);
  Process one(command("down", {"--steps", "3", "--yes"}));
  Process other(command("down", {"--steps", "3", "--yes"}));
  const Finished first = one.wait();
  const Finished second = other.wait();
  EXPECT_THAT(first.exit_code, AnyOf(0, 6)) << first.err;
  EXPECT_THAT(second.exit_code, AnyOf(0, 6)) << second.err;
  EXPECT_TRUE(first.exit_code == 0 || second.exit_code == 0);
  const auto left =
      db().number("select count(*) from pgsluice.migrations where project = 'default'");
  EXPECT_EQ(first.exit_code == 0 && second.exit_code == 0 ? 0 : 3, left);
  EXPECT_EQ(left, db().number("select count(*) from pg_class where relname ~ '^t[1-6]$'"));
}

TEST_F(MigrateBackFaults, SilencedHistoryTakesNothingBack) {
  write("1_a.up.sql", "create table a (id int)");
  write("1_a.down.sql", "drop table a; delete from pgsluice.migrations where project = 'default'");
  ASSERT_EQ(0, up().exit_code);
  const Finished failed = by(url(), "down", {});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("pgsluice.migrations did not keep what was written to it"));
  EXPECT_TRUE(has_table("a"));
  EXPECT_EQ("1 applied", history());
}

/// All of it is recorded or nothing.
TEST_F(MigrateBackFaults, AdoptIsCutAnywhere) {
  for (int i = 1; i <= 5; ++i) write(std::to_string(i) + "_t.up.sql", "select 1");
  db().run(
      "create table schema_migrations (version bigint not null primary key, dirty boolean not "
      "null); insert into schema_migrations values (4, false)");
  std::atomic<std::size_t> cuts = 0;
  for (std::size_t place = 0; place < 60; place += every(3)) {
    const std::string project = "p" + std::to_string(place);
    std::atomic<std::size_t> seen = 0;
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction, const std::string&) {
      const bool here = seen++ == place;
      if (here) ++cuts;
      return here ? Proxy::Action::cut : Proxy::Action::pass;
    });
    const Finished first = by(proxy.url(url()), "adopt", {"--project", project});
    EXPECT_THAT(first.exit_code, AnyOf(0, 1, 4)) << first.err;
    const bool has_history =
        db().value("select to_regclass('pgsluice.migrations') is not null") == "t";
    const std::string state = has_history ? state_of(project) : "";
    EXPECT_THAT(state, AnyOf("", "1 applied, 2 applied, 3 applied, 4 applied")) << place;
    const Finished second = by(url(), "adopt", {"--project", project});
    EXPECT_EQ(0, second.exit_code) << place << ": " << first.err << second.err;
    EXPECT_EQ("1 applied, 2 applied, 3 applied, 4 applied", state_of(project)) << place;
  }
  EXPECT_GT(cuts.load(), 20U / every(3));
}

/// The other tool is at work.
TEST_F(MigrateBackFaults, AdoptWaitsForNobodyLong) {
  write("1_t.up.sql", "select 1");
  db().run(
      "create table schema_migrations (version bigint, dirty boolean); insert into "
      "schema_migrations values (1, false)");
  Session other(url());
  other.run("begin; lock table schema_migrations in access exclusive mode");
  const Finished refused = by(url(), "adopt", {});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("public.schema_migrations: canceling statement due to lock "
                                     "timeout"));
  other.run("rollback");
  EXPECT_EQ(0, by(url(), "adopt", {}).exit_code);
}

}  // namespace
}  // namespace sluice::test

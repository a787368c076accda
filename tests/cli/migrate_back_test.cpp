#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// migrate down and redo.
class MigrateBack : public MigrationTest {
 protected:
  void write_three() {
    write("1_a.up.sql", "create table a (id int)");
    write("1_a.down.sql", "drop table a");
    write("2_b.up.sql", "create table b (id int)");
    write("2_b.down.sql", "drop table b");
    write("3_c.up.sql", "create table c (id int)");
    write("3_c.down.sql", "drop table c");
  }
  Finished down(std::vector<std::string> more = {}) {
    more.emplace_back("--yes");
    return migrate("down", std::move(more));
  }
  std::string reverted() {
    return db().value(
        "select coalesce(string_agg(file, ', ' order by reverted_id), '') from pgsluice.reverted");
  }
};

TEST_F(MigrateBack, TakesBackTheLastOneOrSoMany) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  const Finished one = down();
  EXPECT_EQ(0, one.exit_code) << one.err;
  EXPECT_THAT(one.out, HasSubstr("took back " + path("3_c.down.sql") + " in "));
  EXPECT_EQ("1 applied, 2 applied", history());
  EXPECT_FALSE(has_table("c"));
  EXPECT_EQ(10, migrate("status").exit_code);
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ(0, down({"--steps", "2"}).exit_code);
  EXPECT_EQ("1 applied", history());
  ASSERT_EQ(0, up().exit_code);
  EXPECT_EQ(0, down({"--to", "2"}).exit_code);
  EXPECT_EQ("1 applied, 2 applied", history());
  EXPECT_EQ(0, down({"--to", "0"}).exit_code);
  EXPECT_EQ("", history());
  EXPECT_FALSE(has_table("a"));
  EXPECT_EQ("3_c.up.sql, 3_c.up.sql, 2_b.up.sql, 3_c.up.sql, 2_b.up.sql, 1_a.up.sql", reverted());
  const Finished nothing = down();
  EXPECT_EQ(0, nothing.exit_code);
  EXPECT_THAT(nothing.out, HasSubstr("nothing was taken back"));
}

TEST_F(MigrateBack, IsAskedForAndNotDoneElsewhere) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  const Finished refused = migrate("down", {"--steps", "2"});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("this takes back, with all data that is in it:\n  " +
                                     path("3_c.down.sql") + "\n  " + path("2_b.down.sql")));
  EXPECT_THAT(refused.err, HasSubstr("--yes says so"));
  EXPECT_EQ("1 applied, 2 applied, 3 applied", history());
  EXPECT_EQ(2, down({"--steps", "0"}).exit_code);
  EXPECT_EQ(2, down({"--steps", "1", "--to", "1"}).exit_code);
  const Finished unknown = down({"--to", "7"});
  EXPECT_EQ(2, unknown.exit_code);
  EXPECT_THAT(unknown.err, HasSubstr("--to 7: the history has no such version"));
}

/// What somebody reads at a terminal who answers so. It ends after two minutes, whatever comes.
Finished at_a_terminal(const std::vector<std::string>& arguments, const std::string& answer) {
  std::vector<std::string> all{PGSLUICE_SOURCE_DIR "/tests/support/at_terminal.py", "Type yes",
                               answer, PGSLUICE_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return pgsluice(all, {.input = {}, .environment = {}, .program = "/usr/bin/python3"});
}

TEST_F(MigrateBack, IsAskedForAtATerminal) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  const Finished no = at_a_terminal(command("down"), "no\\n");
  EXPECT_THAT(no.out, HasSubstr("nothing was taken back"));
  EXPECT_EQ(0, no.exit_code);
  // Which thread of the program a signal comes to is up to the system.
  for (int i = 0; i < 5; ++i) {
    const Finished interrupted = at_a_terminal(command("down"), "\\x03");
    EXPECT_THAT(interrupted.out, HasSubstr("interrupted; nothing was done"));
    ASSERT_EQ(130, interrupted.exit_code);
  }
  EXPECT_EQ("1 applied, 2 applied, 3 applied", history());
  EXPECT_THAT(at_a_terminal(command("down"), "yes\\n").out, HasSubstr("took back"));
  EXPECT_EQ("1 applied, 2 applied", history());
}

TEST_F(MigrateBack, IsRefusedWhereThereIsNone) {
  write("001_a.sql", "create table a (id int)");
  write("002_b.sql", "-- migrate:up\ncreate table b (id int);\n-- migrate:down\n\n");
  write("003_c.sql", "-- migrate:up\ncreate table c (id int);\n-- migrate:down\ndrop table c;\n");
  ASSERT_EQ(0, up().exit_code);
  const Finished empty = down({"--to", "1"});
  EXPECT_EQ(2, empty.exit_code);
  EXPECT_THAT(empty.err, HasSubstr("002_b.sql: its way back has no statement"));
  EXPECT_TRUE(has_table("c")) << "all are judged before the first runs";
  const Finished none = down({"--to", "0"});
  EXPECT_EQ(2, none.exit_code);
  EXPECT_THAT(none.err, HasSubstr("001_a.sql: has no way back: go forth with a new migration"));
  // Mended behind its back, and no drift.
  write("002_b.sql", "-- migrate:up\ncreate table b (id int);\n-- migrate:down\ndrop table b;\n");
  EXPECT_EQ(0, down({"--to", "1"}).exit_code);
  EXPECT_FALSE(has_table("b"));
}

TEST_F(MigrateBack, NeedsTheFilesThatWereApplied) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  write("3_c.up.sql", "create table c (id bigint)");
  EXPECT_EQ(7, down().exit_code);
  write_three();
  ASSERT_EQ(0, std::remove(path("3_c.up.sql").c_str()));
  ASSERT_EQ(0, std::remove(path("3_c.down.sql").c_str()));
  const Finished gone = down();
  EXPECT_EQ(7, gone.exit_code);
  EXPECT_THAT(gone.err, HasSubstr("3_c.up.sql: was applied, and is not in the folder"));
  const TemporaryFolder other;
  db().run("drop table a, b, c; delete from pgsluice.migrations where project = 'default'");
  write_three();
  ASSERT_EQ(0, migrate("baseline", {"2"}).exit_code);
  ASSERT_EQ(0, up().exit_code);
  const Finished baseline = down({"--to", "0"});
  EXPECT_EQ(2, baseline.exit_code);
  EXPECT_THAT(baseline.err, HasSubstr("version 2 is the baseline"));
  EXPECT_TRUE(has_table("c"));
}

TEST_F(MigrateBack, FailsAsAWhole) {
  write("1_a.up.sql", "create table a (id int); create table b (id int)");
  write("1_a.down.sql", "drop table a;\ndrop table c;\n");
  ASSERT_EQ(0, up().exit_code);
  const Finished failed = down();
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("1_a.down.sql:2:1: table \"c\" does not exist"));
  EXPECT_THAT(failed.err, HasSubstr("nothing is taken back"));
  EXPECT_TRUE(has_table("a"));
  EXPECT_EQ("1 applied", history());
  EXPECT_EQ("", reverted());
}

TEST_F(MigrateBack, WithoutATransactionGoesOnWhereItFailed) {
  write("1_a.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\ncreate table a (id int);\ncreate index "
        "concurrently a_id on a (id);\n-- +goose Down\ndrop index concurrently a_id;\ndrop table "
        "b;\ndrop table a;\n");
  ASSERT_EQ(0, up().exit_code);
  const Finished refused = down();
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("1_a.sql: its way back is no transaction"));
  const Finished failed = down({"--no-transaction"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("1_a.sql:7:1: statement 2 of 3: table \"b\" does not exist"));
  EXPECT_EQ("1 reverting", history());
  const Finished forth = up();
  EXPECT_EQ(7, forth.exit_code);
  EXPECT_THAT(forth.err, HasSubstr("its way back was begun, and has not ended: it stands behind "
                                   "statement 1"));
  EXPECT_EQ(7, migrate("status").exit_code);
  db().run("create table b ()");
  const Finished again = down({"--no-transaction"});
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.err, HasSubstr("goes on behind statement 1 of 3"));
  EXPECT_FALSE(has_table("a"));
  EXPECT_EQ("", history());
  EXPECT_EQ("1_a.sql", reverted());
  ASSERT_EQ(0, up().exit_code);
  ASSERT_EQ(1, down({"--no-transaction"}).exit_code);
  EXPECT_EQ(0, migrate("repair", {"--forget", "1"}).exit_code);
  EXPECT_EQ("", history());
}

TEST_F(MigrateBack, RedoSaysThatTheSecondHalfIsMissing) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  db().run(
      "create function block() returns event_trigger language plpgsql as $$ begin raise "
      "'not now'; end $$; create event trigger block on ddl_command_start when tag in "
      "('CREATE TABLE') execute function block()");
  const Finished failed = migrate("redo", {"--yes"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("not now"));
  EXPECT_THAT(failed.err, HasSubstr("version 3 is taken back, and not applied again"));
  EXPECT_THAT(failed.err, HasSubstr("pgsluice migrate up applies it"));
  db().run("drop event trigger block");
  EXPECT_EQ(0, up().exit_code);
}

TEST_F(MigrateBack, RedoAppliesAgain) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  db().run("insert into c values (1)");
  EXPECT_EQ(2, migrate("redo").exit_code);
  const Finished redo = migrate("redo", {"--yes", "--output", "json"});
  EXPECT_EQ(0, redo.exit_code) << redo.err;
  const auto json = nlohmann::json::parse(redo.out);
  EXPECT_EQ(path("3_c.down.sql"), json["taken_back"][0]["file"]);
  EXPECT_EQ(path("3_c.up.sql"), json["applied"][0]["file"]);
  EXPECT_EQ(0, db().number("select count(*) from c"));
  EXPECT_EQ("1 applied, 2 applied, 3 applied", history());
}

TEST_F(MigrateBack, AUserWhoMayNotIsTold) {
  write_three();
  ASSERT_EQ(0, up().exit_code);
  const std::string as_role = url_of_new_role("back_role");
  db().run(
      "grant usage on schema pgsluice to back_role; grant select, insert, update on "
      "pgsluice.migrations to back_role");
  const Finished refused = pgsluice({"migrate", "down", "--dir", folder(), "-d", as_role, "--yes"});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("grant delete on pgsluice.migrations to back_role"));
  db().run("drop owned by back_role; drop role back_role");
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <functional>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// The table "Privileges" of docs/operations.md: each command works with just the grants that stand
/// there, and without one of them its message names that one.
class Privileges : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create schema s; create table s.t (id int primary key, n serial, v text); create index "
        "by_v on s.t (v)");
    path_ = folder_.write("in.csv", "id,v\n1,a\n");
    // The ledger is there.
    ASSERT_EQ(0, pgsluice({"load", path_, "-t", "s.t", "-d", url()}).exit_code);
    db().run("delete from s.t; revoke temporary on database " + database() + " from public");
  }
  std::string database() { return "\"" + std::string(PQdb(db().raw())) + "\""; }

  struct Case {
    std::vector<std::string> command;
    std::vector<std::string> grants;
    std::function<void()> prepare = {};  ///< before each run
    int exit_code = 0;                   ///< with all of them
  };
  Finished run_as(const Case& c, const std::string& without) {
    if (c.prepare) c.prepare();
    const std::string role = "may_" + std::to_string(++roles_);
    const std::string as = url_of_new_role(role);
    for (const std::string& grant : c.grants) {
      if (grant != without) db().run("grant " + grant + " to " + role);
    }
    std::vector<std::string> all = c.command;
    all.insert(all.end(), {"-d", as});
    Finished finished = pgsluice(all);
    db().run("drop owned by " + role + " cascade; drop role " + role);
    return finished;
  }
  void check(const Case& c) {
    SCOPED_TRACE(::testing::PrintToString(c.command));
    for (const std::string& without : c.grants) {
      const Finished finished = run_as(c, without);
      SCOPED_TRACE("without: " + without + "\n" + finished.out + finished.err);
      EXPECT_NE(0, finished.exit_code);
      const std::string kind = without.substr(0, std::min(without.find(','), without.find(" on ")));
      EXPECT_THAT(finished.err, HasSubstr("grant "));
      EXPECT_THAT(finished.err, HasSubstr(kind));
    }
    const Finished finished = run_as(c, "");
    EXPECT_EQ(c.exit_code, finished.exit_code) << finished.out << finished.err;
  }

  TemporaryFolder folder_;
  std::string path_;
  int roles_ = 0;
};

const std::vector<std::string> of_table{"usage on schema s", "insert on s.t",
                                        "usage on sequence s.t_n_seq"};
const std::vector<std::string> of_ledger{"usage on schema pgsluice",
                                         "select, insert, update on pgsluice.loads, "
                                         "pgsluice.chunks, pgsluice.unlogged_marks",
                                         "usage on sequence pgsluice.loads_load_id_seq"};

std::vector<std::string> operator+(std::vector<std::string> all,
                                   const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_F(Privileges, OfLoadsIntoTables) {
  const std::vector<std::string> load{"load", path_, "-t", "s.t", "--again", "--progress", "none"};
  check({load + std::vector<std::string>{"--no-ledger"}, of_table});
  db().run("delete from s.t");
  check({load, of_table + of_ledger});
  db().run("delete from s.t");
  // A check reports what it finds, also that a sequence is closed: as a bad record.
  db().run("grant usage on sequence s.t_n_seq to public");
  check({{"check", path_, "-t", "s.t", "--progress", "none"},
         {"usage on schema s", "insert on s.t"}});
  db().run("revoke usage on sequence s.t_n_seq from public");
  check({load + std::vector<std::string>{"--truncate"},
         of_table + of_ledger + std::vector<std::string>{"truncate on s.t"}});
  // What is resumed may have left indexes.
  const std::string bad = folder_.write("half.csv", "id,v\n7,a\nx,b\n");
  ASSERT_EQ(1, pgsluice({"load", bad, "-t", "s.t", "-d", url()}).exit_code);
  const Case resumed{{"load", bad, "-t", "s.t", "--progress", "none", "--max-rejects", "9",
                      "--rejects", folder_ / "half.bad.csv"},
                     of_table + of_ledger};
  const Finished refused = run_as(resumed, "");
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("grant select on pgsluice.deferred_indexes to "));
  const Finished granted =
      run_as({resumed.command,
              resumed.grants + std::vector<std::string>{"select on pgsluice.deferred_indexes"}},
             "");
  EXPECT_EQ(3, granted.exit_code) << granted.err;
  const std::string temporary = "temporary on database " + database();
  check({load + std::vector<std::string>{"--on-conflict", "nothing"},
         of_table + of_ledger + std::vector<std::string>{"select on s.t", temporary}});
  check({load + std::vector<std::string>{"--on-conflict", "update"},
         of_table + of_ledger +
             std::vector<std::string>{"select on s.t", "update on s.t", temporary}});
  db().run("delete from s.t");
  check({load + std::vector<std::string>{"--atomic"}, of_table + of_ledger});
  db().run("delete from s.t");
  check({load + std::vector<std::string>{"--atomic=resumable"},
         of_table + of_ledger +
             std::vector<std::string>{"select on s.t", "create on schema pgsluice"}});
  // A closed sequence would make bad records of good ones, as above.
  db().run("grant usage on sequence s.t_n_seq to public");
  check({{"load", bad, "-t", "s.t", "--again", "--progress", "none", "--max-rejects", "1",
          "--rejects-table"},
         std::vector<std::string>{"usage on schema s", "insert on s.t"} + of_ledger +
             std::vector<std::string>{"select on pgsluice.rejects", "insert on pgsluice.rejects",
                                      "delete on pgsluice.rejects"},
         [this] { db().run("delete from s.t"); },
         3});
}

TEST_F(Privileges, OfReadingCommandsAreSelectAlone) {
  const std::string path = folder_.write("V1__a.sql", "select 1");
  ASSERT_EQ(0, pgsluice({"migrate", "up", "--dir", folder_.path(), "-d", url()}).exit_code);
  const std::vector<std::string> select{
      "usage on schema pgsluice",
      "select on pgsluice.loads, pgsluice.chunks, pgsluice.deferred_indexes"};
  check({{"loads"}, select});
  check({{"loads", "show", "1"}, select});
  check(
      {{"loads", "rejects", "1"}, select + std::vector<std::string>{"select on pgsluice.rejects"}});
  check({{"schedule", "history"}, {"usage on schema pgsluice", "select on pgsluice.job_runs"}});
  check({{"migrate", "status", "--dir", folder_.path()},
         {"usage on schema pgsluice", "select on pgsluice.migrations"}});
}

TEST_F(Privileges, OfMigrations) {
  const TemporaryFolder migrations;
  const std::string first = migrations.write("V1__a.sql", "select 1");
  const std::vector<std::string> dir{"--dir", migrations.path()};
  const std::vector<std::string> own{"usage on schema pgsluice", "select on pgsluice.migrations",
                                     "insert on pgsluice.migrations",
                                     "update on pgsluice.migrations"};
  check({std::vector<std::string>{"migrate", "up"} + dir, own});
  // Whoever has none is told of all in one round.
  const Finished none = run_as({std::vector<std::string>{"migrate", "up"} + dir, {}}, "");
  EXPECT_THAT(none.err, HasSubstr("grant usage on schema pgsluice to "));
  EXPECT_THAT(none.err, HasSubstr("grant select, insert, update on pgsluice.migrations to "));
  const Finished reader = run_as({std::vector<std::string>{"migrate", "status"} + dir, {}}, "");
  EXPECT_THAT(reader.err, HasSubstr("grant select on pgsluice.migrations to "));
  migrations.write("V2__b.sql", "-- pgsluice: no-transaction\nselect 1;");
  check({std::vector<std::string>{"migrate", "up"} + dir, own});
  migrations.write("R__c.sql", "select 1;");
  check({std::vector<std::string>{"migrate", "up"} + dir, own});
  migrations.write("V1__a.sql", "select 2");
  check({std::vector<std::string>{"migrate", "repair", "--accept", "1"} + dir, own});
  check({std::vector<std::string>{"migrate", "repair", "--accept-search-path"} + dir, own});
  // A file names what it lacks of the tables that it uses.
  migrations.write("V3__c.sql", "insert into s.t (id) values (3)");
  const Finished refused = run_as({std::vector<std::string>{"migrate", "up"} + dir, own}, "");
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err,
              HasSubstr("V3__c.sql:1:13: permission denied for schema s (SQLSTATE 42501)"));
}

TEST_F(Privileges, OfSchedules) {
  const std::string file = folder_.write("job.sql", "select 1");
  const std::string config = folder_.write(
      "pgsluice.toml", "[[job]]\nname = \"one\"\ncron = \"@every 1s\"\nsql = \"" + file + "\"\n");
  std::vector<std::string> own{"usage on schema pgsluice"};
  for (const char* table : {"jobs", "job_runs"})
    for (const char* privilege : {"select", "insert", "update", "delete"})
      own.push_back(std::string(privilege) + " on pgsluice." + table);
  check({{"schedule", "run", "--once", "--config", config}, own});
}

TEST_F(Privileges, OfIndexesThatWait) {
  const std::string bad = folder_.write("bad.csv", "id,v\n1,a\n-1,b\n");
  db().run(
      "create role owner_of_t; alter table s.t add check (id > 0); alter table s.t owner to "
      "owner_of_t; grant usage, create on schema s to owner_of_t; grant temporary on database " +
      db().value("select current_database()") + " to owner_of_t");
  const std::vector<std::string> journal{
      "select on pgsluice.deferred_indexes", "insert on pgsluice.deferred_indexes",
      "update on pgsluice.deferred_indexes", "delete on pgsluice.deferred_indexes"};
  const std::vector<std::string> owner{"owner_of_t"};
  const auto with_index = [this] {
    db().run(
        "delete from pgsluice.deferred_indexes; drop index if exists s.by_v; create index by_v "
        "on s.t (v)");
  };
  check({{"load", path_, "-t", "s.t", "--again", "--truncate", "--progress", "none",
          "--defer-indexes"},
         owner + of_ledger + journal,
         with_index});
  // Whose indexes they are is the reason why they stay, and no doubt about them.
  const Finished other =
      run_as({{"load", path_, "-t", "s.t", "--again", "--progress", "none", "--defer-indexes"},
              of_table + of_ledger + journal},
             "");
  EXPECT_THAT(other.err, HasSubstr("indexes belong to the owner of s.t, which is owner_of_t"));
  EXPECT_THAT(other.err, ::testing::Not(HasSubstr("which may refuse a record")));
  // Who may not strike the index out again does not drop it.
  with_index();
  const std::string some = url_of_new_role("has_no_delete");
  db().run(
      "grant owner_of_t to has_no_delete; grant usage on schema pgsluice to has_no_delete; grant "
      "select, insert, update on all tables in schema pgsluice to has_no_delete; grant usage on "
      "all sequences in schema pgsluice to has_no_delete");
  const Finished refused = pgsluice({"load", path_, "-t", "s.t", "-d", some, "--again",
                                     "--truncate", "--progress", "none", "--defer-indexes"});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("Ask its owner to run: grant "));
  EXPECT_EQ("s.by_v", db().value("select to_regclass('s.by_v')::text"));
  db().run("drop owned by has_no_delete; drop role has_no_delete");
  // A load that fails leaves the index to be built.
  const auto without_index = [&] {
    with_index();
    EXPECT_EQ(
        1,
        pgsluice({"load", bad, "-t", "s.t", "--again", "--defer-indexes", "-d", url()}).exit_code);
    EXPECT_EQ(1, db().number("select count(*) from pgsluice.deferred_indexes"));
    db().run("update pgsluice.deferred_indexes set load_id = 1");
  };
  check({{"loads", "restore", "1"},
         owner + std::vector<std::string>{"usage on schema pgsluice",
                                          "select on pgsluice.loads, pgsluice.chunks",
                                          "select on pgsluice.deferred_indexes",
                                          "update on pgsluice.deferred_indexes",
                                          "delete on pgsluice.deferred_indexes"},
         without_index});
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.deferred_indexes"));
  db().run(
      "reassign owned by owner_of_t to current_user; drop owned by owner_of_t; drop role "
      "owner_of_t");
}

TEST_F(Privileges, OfWhatGivesLoadsUp) {
  const std::string bad = folder_.write("bad.csv", "id,v\n1,a\nx,b\n");
  ASSERT_EQ(1, pgsluice({"load", bad, "-t", "s.t", "-d", url()}).exit_code);
  const std::vector<std::string> forget{"usage on schema pgsluice", "insert on s.t",
                                        "select on pgsluice.chunks, pgsluice.deferred_indexes",
                                        "select, update on pgsluice.loads"};
  const std::string id = db().value("select max(load_id) from pgsluice.loads");
  check({{"loads", "forget", id}, forget});
  check({{"loads", "prune", "--older", "1h"},
         {"usage on schema pgsluice", "select on pgsluice.chunks, pgsluice.deferred_indexes",
          "select, delete on pgsluice.loads", "select, delete on pgsluice.unlogged_marks"}});
}

}  // namespace
}  // namespace sluice::test

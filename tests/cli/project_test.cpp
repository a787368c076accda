#include <gmock/gmock.h>

#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/migrations.hpp"
#include "support/old_ledger.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Whose migrations these are, and where they were applied.
class Projects : public MigrationTest {
 protected:
  Finished up_in(const std::string& schema, std::vector<std::string> more = {}) const {
    return pgsluice(command("up", std::move(more)),
                    {.input = "",
                     .environment = {"PGOPTIONS=-c search_path=" + schema},
                     .program = PGSLUICE_BINARY});
  }
  std::string projects() {
    return db().value(
        "select coalesce(string_agg(distinct project, ',' order by project), '') from "
        "pgsluice.migrations where project <> 'pgsluice'");
  }
  std::string search_paths() {
    return db().value(
        "select coalesce(string_agg(coalesce(search_path, '?'), '|' order by migration_id), '') "
        "from pgsluice.migrations where project <> 'pgsluice'");
  }
};

TEST_F(Projects, AcceptedGoneNumberStaysTaken) {
  for (const char* n : {"1", "2", "3"})
    write("00" + std::string(n) + "_t" + n + ".sql",
          "create table t" + std::string(n) + " (a int)");
  ASSERT_EQ(0, up().exit_code);
  const std::string checksum = db().value(
      "select checksum from pgsluice.migrations where project = 'default' and version = 3");
  std::filesystem::remove(path("003_t3.sql"));
  ASSERT_EQ(0, migrate("repair", {"--accept", "3"}).exit_code);
  EXPECT_EQ(
      "003_t3.sql " + checksum + " t t",
      db().value("select file || ' ' || checksum || ' ' || (accepted_at is not null)::text::char "
                 "|| ' ' || (accepted_checksum is null)::text::char from pgsluice.migrations "
                 "where project = 'default' and version = 3"))
      << "what was applied is kept";
  EXPECT_EQ(0, up().exit_code);

  write("003_other.sql", "create table other (a int)");
  for (const char* subcommand : {"up", "status", "plan"}) {
    const Finished refused = migrate(subcommand);
    EXPECT_EQ(7, refused.exit_code) << subcommand;
    EXPECT_THAT(refused.err,
                HasSubstr("003_other.sql: is not applied: 3 was applied as 003_t3.sql"));
    EXPECT_THAT(refused.err, Not(HasSubstr("--accept")));
  }
  const Finished accepted = migrate("repair", {"--accept", "3"});
  EXPECT_EQ(2, accepted.exit_code);
  EXPECT_THAT(accepted.err, HasSubstr("this is another file, which was never run"));
  EXPECT_FALSE(has_table("other"));
  std::filesystem::rename(path("003_other.sql"), path("004_other.sql"));
  EXPECT_EQ(0, up().exit_code);
  EXPECT_TRUE(has_table("other"));
}

TEST_F(Projects, WhatIsAcceptedKeepsWhatWasApplied) {
  write("001_a.sql", "create table a (id int)");
  ASSERT_EQ(0, up().exit_code);
  const auto checksum = [this] {
    return db().value("select checksum from pgsluice.migrations where project = 'default'");
  };
  const std::string before = checksum();
  write("001_a.sql", "create table a (id bigint)");
  ASSERT_EQ(0, migrate("repair", {"--accept", "1"}).exit_code);
  EXPECT_EQ(before, checksum());
  EXPECT_EQ(0, up().exit_code);
  write("001_a.sql", "create table a (id int)");
  EXPECT_EQ(0, up().exit_code) << "put back";
  write("001_a.sql", "create table a (id text)");
  EXPECT_EQ(7, up().exit_code);
}

TEST_F(Projects, AnOlderReleaseHasNothingToDo) {
  for (const char* n : {"1", "2", "3"})
    write("00" + std::string(n) + "_t.sql", "create table t" + std::string(n) + " (a int)");
  write("R__v.sql", "create or replace view v as select 2 as n");
  ASSERT_EQ(0, up().exit_code);
  std::filesystem::remove(path("003_t.sql"));
  write("R__v.sql", "create or replace view v as select 1 as n");
  const Finished older = up();
  EXPECT_EQ(0, older.exit_code) << older.err;
  EXPECT_THAT(older.err, HasSubstr("the history goes on behind 002_t.sql, with 1 later file"));
  EXPECT_EQ("2", db().value("select n from v")) << "a later release's view stays";
  const Finished status = migrate("status");
  EXPECT_EQ(0, status.exit_code) << status.err;
  EXPECT_THAT(status.out, HasSubstr("later     003_t.sql"));
  for (const char* subcommand : {"up", "status", "plan"}) {
    EXPECT_EQ(0, migrate(subcommand).exit_code) << subcommand;
    EXPECT_EQ(7, migrate(subcommand, {"--strict"}).exit_code) << subcommand;
  }
  std::filesystem::remove(path("001_t.sql"));
  EXPECT_EQ(7, up().exit_code) << "a hole";
}

TEST_F(Projects, TenantsHaveAHistoryEach) {
  db().run("create schema t1; create schema t2; create schema tools");
  write("001_a.sql", "create table acc (a int)");
  ASSERT_EQ(0, up_in("t1").exit_code);
  EXPECT_EQ("t1", search_paths());
  for (const char* subcommand : {"up", "status", "plan"}) {
    const Finished refused = pgsluice(
        command(subcommand),
        {.input = "", .environment = {"PGOPTIONS=-c search_path=t2"}, .program = PGSLUICE_BINARY});
    EXPECT_EQ(7, refused.exit_code) << subcommand;
    EXPECT_THAT(
        refused.err,
        HasSubstr("project \"default\" was applied with search_path t1, and here it is t2"));
    EXPECT_THAT(refused.err, HasSubstr("--project t2"));
  }
  EXPECT_FALSE(has_table("t2.acc"));
  write("002_b.sql", "drop table if exists acc");
  const Finished nowhere = up_in("t1_mistyped");
  EXPECT_EQ(7, nowhere.exit_code);
  EXPECT_THAT(nowhere.err, HasSubstr("and here it names no schema that exists"));
  EXPECT_TRUE(has_table("t1.acc"));
  std::filesystem::remove(path("002_b.sql"));
  const Finished named = up_in("t2", {"--project", "t2"});
  EXPECT_EQ(0, named.exit_code) << named.err;
  EXPECT_TRUE(has_table("t2.acc"));
  EXPECT_EQ(0, up_in("t1").exit_code);
  EXPECT_EQ(0, up_in("t1,tools").exit_code) << "what is looked for first is the same";
  EXPECT_EQ(0, up_in("t2", {"--project", "t2"}).exit_code);

  db().run("alter schema t1 rename to tenant1");
  EXPECT_EQ(7, up_in("tenant1").exit_code);
  const Finished moved = pgsluice(command("repair", {"--accept-search-path"}),
                                  {.input = "",
                                   .environment = {"PGOPTIONS=-c search_path=tenant1"},
                                   .program = PGSLUICE_BINARY});
  EXPECT_EQ(0, moved.exit_code) << moved.err;
  EXPECT_EQ(0, up_in("tenant1").exit_code);
}

TEST_F(Projects, AreNamedByTheConfiguration) {
  write("pgsluice.toml",
        "project = \"shop\"\n[[job]]\nname = \"j\"\ncron = \"@daily\"\nsql = \"x.sql\"\n");
  std::filesystem::create_directories(path(".git"));
  std::filesystem::create_directories(path("sql/migrations"));
  write("sql/migrations/001_a.sql", "create table a (id int)");
  const std::vector<std::string> up{"migrate", "up", "--dir", path("sql/migrations"), "-d", url()};
  EXPECT_EQ(0, pgsluice(up).exit_code);
  EXPECT_EQ("shop", projects());
  write("pgsluice.toml", "project = \"shop\n");
  EXPECT_EQ(2, pgsluice(up).exit_code);
  write("pgsluice.toml", "project = \"pgsluice\"\n");
  const Finished own = pgsluice(up);
  EXPECT_EQ(2, own.exit_code);
  EXPECT_THAT(own.err, HasSubstr("pgsluice.toml:1:11: project: pgsluice is the project of "));
  std::vector<std::string> flag = up;
  flag.insert(flag.end(), {"--project", "pgsluice"});
  EXPECT_EQ(2, pgsluice(flag).exit_code);
}

/// The same files from a checkout and from a container: one project, applied once.
TEST_F(Projects, PlaceInTheRepositoryIsADefaultThatRunsNothingTwice) {
  std::filesystem::create_directories(path("one/.git"));
  std::filesystem::create_directories(path("one/services/shop/sql/migrations"));
  std::filesystem::create_directories(path("image"));
  const std::string sql = "create table a (id int)";
  write("one/services/shop/sql/migrations/001_a.sql", sql);
  write("image/001_a.sql", sql);
  const auto up_of = [this](const std::string& folder) {
    return pgsluice({"migrate", "up", "--dir", path(folder), "-d", url()});
  };
  const Finished first = up_of("one/services/shop/sql/migrations");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.err, HasSubstr("a new history begins, that of project \"services/shop\" (its "
                                   "place in the repository)"));
  EXPECT_EQ("", up_of("one/services/shop/sql/migrations").err) << "said once";
  const Finished container = up_of("image");
  EXPECT_EQ(0, container.exit_code) << container.err;
  EXPECT_THAT(container.err, HasSubstr("goes on with project \"services/shop\", by which files"));
  EXPECT_EQ("services/shop", projects());

  // Another checkout, whatever it is called, is the same place.
  std::filesystem::create_directories(path("two/.git"));
  std::filesystem::create_directories(path("two/services/shop/sql/migrations"));
  write("two/services/shop/sql/migrations/001_a.sql", sql);
  EXPECT_EQ("", up_of("two/services/shop/sql/migrations").err);
}

/// Files that themselves change where the next one lies: nobody has connected in another way.
class LedElsewhere : public Projects {
 protected:
  void SetUp() override {
    role_url_ = url_of_new_role(role_);
    db().run("grant create on schema public to " + role_ + "; grant create on database " +
             database() + " to " + role_);
  }
  void TearDown() override { db().run("drop owned by " + role_ + " cascade; drop role " + role_); }
  Finished up_as_role(const std::string& options = "") const {
    return pgsluice(
        {"migrate", "up", "--dir", folder(), "-d", role_url_},
        {.input = "", .environment = {"PGOPTIONS=" + options}, .program = PGSLUICE_BINARY});
  }
  void expect_nothing_to_do(const std::string& options = "") {
    const Finished again = up_as_role(options);
    EXPECT_EQ(0, again.exit_code) << again.err;
    EXPECT_THAT(again.out, HasSubstr("nothing to do"));
  }
  std::string led_to() {
    return db().value(
        "select string_agg(led_to, '|' order by migration_id) from pgsluice.migrations where "
        "project <> 'pgsluice'");
  }
  std::string database() { return db().value("select current_database()"); }
  std::string schema_of(const std::string& table) {
    return db().value(
        "select coalesce(string_agg(schemaname, ',' order by 1), '') from pg_tables "
        "where tablename = '" +
        table + "'");
  }

  const std::string role_ = "led_" + std::to_string(::getpid());
  std::string role_url_;
};

TEST_F(LedElsewhere, BySchemaOfTheRole) {
  write("001_schema.sql", "create schema " + role_);
  write("002_t.sql", "create table t (a int)");
  EXPECT_EQ(0, up_as_role().exit_code);
  EXPECT_EQ(role_, schema_of("t"));
  expect_nothing_to_do();
  write("003_u.sql", "create table u (a int)");
  EXPECT_EQ(0, up_as_role().exit_code);
  EXPECT_EQ(role_, schema_of("u"));
  EXPECT_EQ(role_ + ", public|" + role_ + ", public|" + role_ + ", public", led_to());

  const Finished elsewhere = up_as_role("-c search_path=public");
  EXPECT_EQ(7, elsewhere.exit_code);
  EXPECT_THAT(elsewhere.err, HasSubstr("was applied with search_path " + role_ + ", public"));
}

TEST_F(LedElsewhere, BySchemaThatTheConnectionNames) {
  const std::string options = "-c search_path=shop,public";
  write("001_schema.sql", "create schema shop; create table t (a int)");
  EXPECT_EQ(0, up_as_role(options).exit_code);
  EXPECT_EQ("shop", schema_of("t"));
  expect_nothing_to_do(options);
}

TEST_F(LedElsewhere, BySettingOfTheRoleOrTheDatabase) {
  write("001_role.sql", "create schema \"Shop, too\"; alter role " + role_ +
                            " set search_path = \"Shop, too\", "
                            "\"$user\", public");
  write("002_t.sql", "create table t (a int)");
  ASSERT_EQ(0, up_as_role().exit_code);
  EXPECT_EQ("Shop, too", schema_of("t")) << "as if each had run by itself";
  expect_nothing_to_do();

  write("003_database.sql", "-- pgsluice: no-transaction\ncreate schema " + role_ +
                                ";\nalter role " + role_ +
                                " reset "
                                "search_path;\ndo $$ begin execute format('alter role " +
                                role_ +
                                " in database %I set "
                                "search_path = " +
                                role_ + "', current_database()); end $$;\n");
  write("004_u.sql", "create table u (a int)");
  ASSERT_EQ(0, up_as_role().exit_code);
  EXPECT_EQ(role_, schema_of("u"));
  expect_nothing_to_do();
  write("005_v.sql", "create table v (a int)");
  EXPECT_EQ(0, up_as_role().exit_code);
}

TEST_F(LedElsewhere, ByAFileThatFailsInTheMiddle) {
  write("001_schema.sql", "-- pgsluice: no-transaction\ncreate schema " + role_ +
                              ";\ncreate table t (a int);\nselect "
                              "1/0;\n");
  EXPECT_EQ(1, up_as_role().exit_code);
  write("001_schema.sql", "-- pgsluice: no-transaction\ncreate schema " + role_ +
                              ";\ncreate table t (a int);\nselect "
                              "1;\n");
  EXPECT_EQ(0, up_as_role().exit_code) << "it goes on";
  expect_nothing_to_do();
}

TEST_F(LedElsewhere, ByAHookBehindThem) {
  write("001_t.sql", "create table t (a int)");
  write("after.sql", "create schema if not exists " + role_);
  EXPECT_EQ(0, up_as_role().exit_code);
  EXPECT_EQ("public", schema_of("t"));
  EXPECT_EQ(0, up_as_role().exit_code);
}

TEST_F(LedElsewhere, BySettingThatIsTakenAway) {
  db().run("create schema a authorization " + role_ + "; alter role " + role_ +
           " set search_path = a");
  write("001_t.up.sql", "create table t (a int)");
  write("001_t.down.sql", "drop table if exists t");
  write("002_reset.up.sql", "alter role " + role_ + " reset search_path");
  write("002_reset.down.sql", "alter role " + role_ + " set search_path = a");
  write("003_u.up.sql", "create table u (a int)");
  write("003_u.down.sql", "drop table if exists u");
  ASSERT_EQ(0, up_as_role().exit_code);
  EXPECT_EQ("a", schema_of("t"));
  EXPECT_EQ("public", schema_of("u"));
  expect_nothing_to_do();

  db().run("create table public.t (a int); create table a.u (a int)");  // another one's
  const Finished down =
      pgsluice({"migrate", "down", "--to", "0", "--yes", "--dir", folder(), "-d", role_url_});
  EXPECT_EQ(0, down.exit_code) << down.err;
  EXPECT_EQ("public", schema_of("t")) << "each way back runs where its file did";
  EXPECT_EQ("a", schema_of("u"));
}

TEST_F(LedElsewhere, ByAPathOfNoSchema) {
  write("000_t.sql", "create table t (a int)");
  write("001_role.sql", "alter role " + role_ + " set search_path = ''");
  write("002_u.sql", "create table public.u (a int)");
  write("003_role.sql", "alter role " + role_ + " set search_path = public, ''");
  write("004_v.sql", "create table v (a int)");
  write("005_role.sql",
        "-- pgsluice: no-transaction\nalter role " + role_ + " set search_path = '';\n");
  write("006_w.sql", "-- pgsluice: no-transaction\ncreate table public.w (a int)");
  const Finished first = up_as_role();
  EXPECT_EQ(0, first.exit_code) << first.err;
  for (const char* table : {"t", "u", "v", "w"}) EXPECT_EQ("public", schema_of(table));
  expect_nothing_to_do();
  db().run("create schema other authorization " + role_);
  const Finished elsewhere = up_as_role("-c search_path=other");
  EXPECT_EQ(7, elsewhere.exit_code);
  EXPECT_THAT(elsewhere.err, HasSubstr("was applied with search_path of no schema"));
}

TEST_F(LedElsewhere, ByARepeatableFileAndByHooks) {
  write("R__r.sql", "select 1");
  write("001_t.sql", "create table t (a int)");
  ASSERT_EQ(0, up_as_role().exit_code);
  write("002_u.sql", "create table u (a int)");
  ASSERT_EQ(0, up_as_role().exit_code);
  write("R__r.sql", "create schema if not exists " + role_);
  EXPECT_EQ(0, up_as_role().exit_code);
  expect_nothing_to_do();

  write("before.sql", "drop schema if exists " + role_);
  EXPECT_EQ(0, up_as_role().exit_code) << "with nothing else to do";
  write("before.sql", "select 1");
  write("after.sql", "-- pgsluice: no-transaction\ncreate schema " + role_ + ";\nselect 1/0;\n");
  EXPECT_EQ(1, up_as_role().exit_code);
  write("after.sql", "select 1");
  EXPECT_EQ(0, up_as_role().exit_code) << "a hook that fails has led somewhere too";
}

TEST_F(LedElsewhere, ByAFileThatIsForgotten) {
  write("001_t.sql", "create table t (a int)");
  write("002_schema.sql",
        "-- pgsluice: no-transaction\ncreate schema " + role_ + ";\nselect 1/0;\n");
  ASSERT_EQ(1, up_as_role().exit_code);
  const std::vector<std::string> forget{"migrate", "repair", "--forget", "2",
                                        "--dir",   folder(), "-d",       role_url_};
  EXPECT_EQ(0, pgsluice(forget).exit_code);
  write("002_schema.sql", "create schema if not exists " + role_);
  EXPECT_EQ(0, up_as_role().exit_code);
  expect_nothing_to_do();
}

TEST_F(LedElsewhere, NoNameOfTheSettingIsSql) {
  write("001_role.sql",
        "alter role " + role_ + " set search_path = 'a;create/**/table/**/x(a/**/int)', public");
  write("002_t.sql", "create table t (a int)");
  EXPECT_EQ(0, up_as_role().exit_code);
  EXPECT_FALSE(has_table("x"));
  EXPECT_EQ("public", schema_of("t"));
}

/// A database of the version before: nothing runs twice, nothing is left out, and it is said once.
class Upgrades : public Projects {
 protected:
  void SetUp() override {
    make_old_ledger(db());
    db().run("create table a (n int generated always as identity); insert into a default values");
    write("001_a.sql", first_);
    store_old_migration(db(), "default", "001_a.sql", first_);
    write("R__v.sql", view_);
    store_old_migration(db(), "default", "R__v.sql", view_);
  }
  std::int64_t rows() { return db().number("select count(*) from a"); }

  const std::string first_ = "insert into a default values";
  const std::string view_ = "insert into a default values; -- a view";
};

TEST_F(Upgrades, WithoutANameEverythingStaysAsItWas) {
  EXPECT_EQ(0, migrate("status").exit_code);
  const Finished first = up();
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.out, HasSubstr("nothing to do"));
  EXPECT_EQ(1, rows());
  EXPECT_EQ("default", projects());
  EXPECT_EQ("public|public", search_paths()) << "known from now on";
  write("002_b.sql", "create table b (id int)");
  EXPECT_EQ(0, up().exit_code);
  EXPECT_TRUE(has_table("b"));
  db().run("create schema t2");
  EXPECT_EQ(7, up_in("t2").exit_code);
}

TEST_F(Upgrades, TheFirstProjectWhoseFilesTheyAreTakesThemOver) {
  write("002_b.sql", "create table b (id int)");
  EXPECT_EQ(10, migrate("status", {"--project", "shop"}).exit_code);
  const Finished first = up({"--project", "shop"});
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.err, HasSubstr("belongs to project \"shop\" from now on"));
  EXPECT_EQ(1, rows());
  EXPECT_TRUE(has_table("b"));
  EXPECT_EQ("shop", projects());
  EXPECT_EQ("", up({"--project", "shop"}).err) << "said once";
  db().run("drop table b");
  EXPECT_EQ(0, up({"--project", "other"}).exit_code);
  EXPECT_EQ(3, rows()) << "another project has a history of its own";
}

TEST_F(Upgrades, OtherFilesDoNotTakeThemOver) {
  std::filesystem::remove(path("R__v.sql"));
  write("001_a.sql", "insert into a default values; select 1");
  const Finished doubtful = up({"--project", "shop"});
  EXPECT_EQ(7, doubtful.exit_code);
  EXPECT_THAT(doubtful.err, HasSubstr("001_a.sql: was applied before projects had names"));
  EXPECT_EQ(1, rows());
  std::filesystem::rename(path("001_a.sql"), path("001_shop.sql"));
  const Finished another = up({"--project", "shop"});
  EXPECT_EQ(0, another.exit_code) << another.err;
  EXPECT_EQ(2, rows());
  EXPECT_EQ("default,shop", projects());
}

/// A program of the version before would take a history that has another name now for an empty one.
TEST_F(Upgrades, AnOlderProgramCannotWriteIntoTheHistory) {
  ASSERT_EQ(0, up({"--project", "shop"}).exit_code);
  EXPECT_THROW(store_old_migration(db(), "default", "001_a.sql", first_), std::runtime_error);
}

TEST_F(Upgrades, UserWhoMayOnlyReadHasNothingToDo) {
  const std::string reader = url_of_new_role("reader_of_history");
  db().run(
      "grant usage on schema pgsluice to reader_of_history; grant select on all tables in schema "
      "pgsluice to reader_of_history");
  const Finished read = pgsluice({"migrate", "up", "--dir", path(""), "-d", reader});
  EXPECT_EQ(0, read.exit_code) << read.err;
  db().run("drop owned by reader_of_history; drop role reader_of_history");
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// migrate up --schemas.
class MigrateTenants : public MigrationTest {
 protected:
  MigrateTenants() {
    write("001_a.sql", "create table a (id int primary key)");
    write("002_b.sql", "alter table a add column b text;\ninsert into a values (1, 'x')");
  }
  void make(const std::vector<std::string>& schemas) {
    for (const std::string& one : schemas) db().run("create schema " + quoted(one));
  }
  static std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    return text + "\"";
  }
  Json up_in(const std::string& pattern, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--schemas", pattern, "--output", "json"});
    last_ = up(more);
    return Json::parse(last_.out);
  }
  const Finished& last() const { return last_; }
  std::string schemas_with(const std::string& table) {
    return db().value(
        "select coalesce(string_agg(n.nspname, ', ' order by n.nspname), '') from pg_class c join "
        "pg_namespace n on n.oid = c.relnamespace where c.relname = '" +
        table + "'");
  }

 private:
  Finished last_;
};

TEST_F(MigrateTenants, EachSchemaHasItsOwnTablesAndHistory) {
  make({"tenant_1", "tenant_2", "tenant_3", "other"});
  const Finished done = up({"--schemas", "tenant_%"});
  ASSERT_EQ(0, done.exit_code) << done.err;
  EXPECT_THAT(done.out, HasSubstr("schema    state          files\n"));
  EXPECT_THAT(done.out, HasSubstr("tenant_2  applied            2  "));
  EXPECT_THAT(done.out, HasSubstr("3 schemas: 3 applied\n"));
  EXPECT_EQ("tenant_1, tenant_2, tenant_3", schemas_with("a"));
  EXPECT_EQ(2, db().number("select count(*) from pgsluice.migrations where project = "
                           "'default:tenant_1' and search_path = 'tenant_1, public'"));
  make({"tenant_4"});
  write("003_c.sql", "create table c (id int)");
  const Json json = up_in("tenant_%", {"--jobs", "2"});
  EXPECT_EQ(0, last().exit_code) << last().err;
  ASSERT_EQ(4U, json["schemas"].size());
  EXPECT_EQ(1, json["schemas"][0]["files"]);
  EXPECT_EQ(3, json["schemas"][3]["files"]);
  EXPECT_EQ("default:tenant_4", json["schemas"][3]["project"]);
  EXPECT_EQ(6U, json["applied"].size());
  EXPECT_EQ("nothing to do", up_in("tenant_%")["schemas"][0]["state"]);
  EXPECT_EQ("app/tenant_1",
            up_in("tenant_1", {"--project", "app/{schema}"})["schemas"][0]["project"])
      << last().err;
}

TEST_F(MigrateTenants, OneThatFailsDoesNotStopTheOthers) {
  make({"tenant_1", "tenant_2", "tenant_3"});
  db().run("create table tenant_2.a (id int)");
  const Json json = up_in("tenant_%", {"--jobs", "1"});
  EXPECT_EQ(1, last().exit_code);
  EXPECT_EQ("applied", json["schemas"][0]["state"]);
  EXPECT_EQ("failed", json["schemas"][1]["state"]);
  EXPECT_EQ("applied", json["schemas"][2]["state"]);
  EXPECT_THAT(json["schemas"][1]["error"].get<std::string>(),
              HasSubstr(path("001_a.sql") + ":1:1: relation \"a\" already exists"));
  EXPECT_THAT(last().err, HasSubstr("3 schemas: 2 applied, 1 failed\n"));
  EXPECT_THAT(last().err, HasSubstr("schema tenant_2: " + path("001_a.sql")));
  db().run("drop table tenant_2.a");
  const Json again = up_in("tenant_%");
  EXPECT_EQ(0, last().exit_code);
  EXPECT_EQ("nothing to do", again["schemas"][0]["state"]);
  EXPECT_EQ("applied", again["schemas"][1]["state"]);
  // Drift in one is that one's.
  db().run("update pgsluice.migrations set checksum = 'x' where project = 'default:tenant_3'");
  EXPECT_EQ("failed", up_in("tenant_%")["schemas"][2]["state"]);
  EXPECT_EQ(7, last().exit_code);
}

/// Names that would end a quote, a list, an option or a line elsewhere.
TEST_F(MigrateTenants, NamesOfAnyKindAreNames) {
  const std::vector<std::string> names{"t\"x",
                                       "t'x",
                                       "t x",
                                       "t,public",
                                       "t\\x",
                                       "t%x",
                                       "t;drop",
                                       "T",
                                       "t -c role=x",
                                       "t$user",
                                       "t\"\",\"x",
                                       "t\\ \\\\y'",
                                       "t{schema}",
                                       "t\xC3\xA4\xE2\x82\xAC",
                                       "t='x' dbname=postgres"};
  make(names);
  const Json json = up_in("t%");
  const Json upper = up_in("T");
  EXPECT_EQ(0, last().exit_code) << last().err;
  EXPECT_EQ(names.size() - 1, json["schemas"].size());
  for (const Json& one : json["schemas"]) EXPECT_EQ("applied", one["state"]) << one.dump(2);
  EXPECT_EQ(static_cast<std::int64_t>(names.size()),
            db().number("select count(*) from pg_class c join pg_namespace n on n.oid = "
                        "c.relnamespace where c.relname = 'a' and n.nspname ilike 't%'"));
  EXPECT_EQ("f", db().value("select to_regclass('public.a') is not null"));
  // A percent in a name is a pattern too, unless it is escaped.
  EXPECT_EQ(1U, up_in("t\\%x")["schemas"].size());
}

/// What names its schemas makes nothing in a tenant's.
TEST_F(MigrateTenants, ASquashedFileIsRefused) {
  make({"tenant_1"});
  write("003_squashed.sql", "-- pgsluice: replaces " + std::string(64, 'a') +
                                " 003_c.sql\ncreate table public.c (id int)");
  ASSERT_EQ(0, std::remove(path("001_a.sql").c_str()));
  ASSERT_EQ(0, std::remove(path("002_b.sql").c_str()));
  const Finished refused = up({"--schemas", "tenant_%"});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("003_squashed.sql: was squashed, and so names its schemas"));
  EXPECT_EQ("", schemas_with("c"));
}

/// The history tells a project by one line.
TEST_F(MigrateTenants, ANameOfTwoLinesIsRefusedAlone) {
  make({"t\nx", "t1"});
  const Json json = up_in("t%");
  EXPECT_EQ(2, last().exit_code);
  EXPECT_THAT(json["schemas"][0]["error"].get<std::string>(),
              HasSubstr("the name of a project is one line of text"));
  EXPECT_EQ("applied", json["schemas"][1]["state"]);
  EXPECT_THAT(last().err, Not(HasSubstr("t\nx")));
}

TEST_F(MigrateTenants, TheSystemsAndPgsluicesOwnAreNeverMeant) {
  make({"tenant_1"});
  ASSERT_EQ(0, up({"--schemas", "tenant_1"}).exit_code);
  for (const char* const pattern : {"pgsluice", "pg_catalog", "pg_temp%", "pg\\_%",
                                    "information_schema", "nobody", "tenant_1 "}) {
    const Finished none = up({"--schemas", pattern});
    EXPECT_EQ(2, none.exit_code) << pattern;
    EXPECT_THAT(none.err, HasSubstr("no schema has such a name"));
  }
  for (const Json& one : up_in("%")["schemas"]) {
    EXPECT_THAT(one["schema"].get<std::string>(), Not(HasSubstr("pg")));
    EXPECT_NE("information_schema", one["schema"]);
  }
  EXPECT_EQ(2, up({"--schemas", ""}).exit_code);
  EXPECT_EQ(2, up({"--jobs", "2"}).exit_code);
  EXPECT_EQ(2, up({"--schemas", "t%", "--jobs", "0"}).exit_code);
  EXPECT_EQ(1, up({"--schemas", "t\\"}).exit_code) << "no pattern";
}

/// What its owner puts into a schema would run as who migrates.
TEST_F(MigrateTenants, ASchemaOfSomebodyElseIsRefusedUnlessThatIsSaid) {
  url_of_new_role("tenant_owner");
  make({"tenant_1", "tenant_2", "tenant_3"});
  db().run(
      "alter schema tenant_2 owner to tenant_owner; grant create on schema tenant_3 to public");
  const Json json = up_in("tenant_%");
  EXPECT_EQ(2, last().exit_code);
  EXPECT_EQ("applied", json["schemas"][0]["state"]);
  EXPECT_THAT(json["schemas"][1]["error"].get<std::string>(),
              HasSubstr("tenant_owner may put functions and triggers into this schema"));
  EXPECT_THAT(json["schemas"][2]["error"].get<std::string>(), HasSubstr("everybody may put"));
  up_in("tenant_%", {"--trust-schema-owners"});
  EXPECT_EQ(0, last().exit_code) << last().err;
  db().run("drop owned by tenant_owner cascade; drop role tenant_owner");
}

/// A trigger on a table of the schema runs as who migrates, whoever has put it there.
TEST_F(MigrateTenants, SomebodyElsesTriggersAreRefusedWhereverTheirRightsAre) {
  url_of_new_role("tenant_role");
  make({"tenant_1", "tenant_2", "tenant_3", "tenant_4", "tenant_5", "tenant_6"});
  db().run(
      "create schema ev authorization tenant_role; set role tenant_role; create function ev.f() "
      "returns trigger language plpgsql as 'begin execute ''alter role tenant_role superuser''; "
      "return new; end'; create function ev.one() returns int language sql as 'select 1'; reset "
      "role;"
      "create table tenant_1.t (i int); alter table tenant_1.t owner to tenant_role;"
      "create table tenant_2.t (i int); grant trigger on tenant_2.t to tenant_role;"
      "create table tenant_3.t (i int); create trigger tr before insert on tenant_3.t for each row "
      "execute function ev.f();"
      "create function tenant_4.g() returns int language sql as 'select 1'; alter function "
      "tenant_4.g() owner to tenant_role;"
      "create table tenant_5.t (i int default ev.one());"
      "create table tenant_6.t (i int)");
  write("001_a.sql", "create table if not exists t (i int);\ninsert into t values (1)");
  write("002_b.sql", "select 1");
  const Json json = up_in("tenant_%");
  EXPECT_EQ(2, last().exit_code);
  const auto error_of = [&json](int i) {
    return json["schemas"][i].value("error", json["schemas"][i]["state"].get<std::string>());
  };
  EXPECT_THAT(error_of(0), HasSubstr("tenant_role (owner of t) may put functions and triggers"));
  EXPECT_THAT(error_of(0), HasSubstr("--trust-schema-owners"));
  EXPECT_THAT(error_of(1), HasSubstr("tenant_role (TRIGGER on t) may put"));
  EXPECT_THAT(error_of(2), HasSubstr("tenant_role (owner of ev.f, which is called) may put"));
  EXPECT_THAT(error_of(3), HasSubstr("tenant_role (owner of g) may put"));
  EXPECT_THAT(error_of(4), HasSubstr("tenant_role (owner of ev.one, which is called) may put"));
  EXPECT_EQ("applied", error_of(5));
  EXPECT_EQ("f", db().value("select rolsuper from pg_roles where rolname = 'tenant_role'"));
  db().run("grant " + db().value("select quote_ident(current_user)") + " to tenant_role");
  EXPECT_EQ("applied", up_in("tenant_4")["schemas"][0]["state"]) << "who may be us anyway";
  db().run("drop owned by tenant_role cascade; drop role tenant_role");
}

/// A file that loses its schema while it runs must not go on in the next one of the path.
TEST_F(MigrateTenants, ASchemaThatGoesTakesNothingElsewhere) {
  make({"tenant_1", "tenant_2"});
  write("001_a.sql", "drop schema tenant_1 cascade;\ncreate table a (id int)");
  write("002_b.sql", "select 1");
  const Json json = up_in("tenant_1");
  EXPECT_EQ(1, last().exit_code) << json.dump(2);
  EXPECT_EQ("t", db().value("select to_regnamespace('tenant_1') is not null"));
  EXPECT_EQ("f", db().value("select to_regclass('public.a') is not null"));
  write("001_a.sql",
        "-- pgsluice: no-transaction\ndrop schema tenant_1 cascade;\ncreate table a (id int)");
  up_in("tenant_1");
  EXPECT_EQ(1, last().exit_code);
  EXPECT_EQ("f", db().value("select to_regclass('public.a') is not null"));
}

/// What the connection has in its own path comes behind, but no other tenant.
TEST_F(MigrateTenants, FindsWhatAllShareAndNoOtherTenant) {
  make({"shared", "tenant_1", "tenant_2"});
  db().run("create table shared.words (word text); create table tenant_1.only_here (id int)");
  write("001_a.sql", "create table a as select * from words");
  write("002_b.sql", "select * from only_here");
  const std::string there = url() + "?options=-csearch_path%3Dtenant_1,shared";
  const Finished done = pgsluice({"migrate", "up", "--dir", folder(), "-d", there, "--schemas",
                                  "tenant_%", "--output", "json"});
  const Json json = Json::parse(done.out);
  EXPECT_EQ("applied", json["schemas"][0]["state"]) << json.dump(2);
  EXPECT_THAT(json["schemas"][1]["error"].get<std::string>(),
              HasSubstr("relation \"only_here\" does not exist"));
  EXPECT_EQ("tenant_1, tenant_2", schemas_with("a"));
}

TEST_F(MigrateTenants, ADryRunChangesNothing) {
  make({"tenant_1", "tenant_2"});
  const Finished dry = up({"--schemas", "tenant_%", "--dry-run"});
  EXPECT_EQ(0, dry.exit_code) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("tenant_1  would apply"));
  EXPECT_EQ("", schemas_with("a"));
}

/// before.sql and after.sql, with each run.
class MigrateHooks : public MigrationTest {
 protected:
  MigrateHooks() {
    db().run("create table told (n serial, what text)");
    write("before.sql", "insert into told (what) values ('before')");
    write("after.sql", "insert into told (what) values ('after')");
    write("001_a.sql", "insert into told (what) values ('1')");
    write("R__r.sql", "insert into told (what) values ('r')");
  }
  std::string told() {
    return db().value("select coalesce(string_agg(what, ' ' order by n), '') from told");
  }
};

TEST_F(MigrateHooks, RunWithEachRunAroundTheFiles) {
  ASSERT_EQ(0, up().exit_code) << up().err;
  EXPECT_EQ("before 1 r after", told());
  const Finished again = up();
  EXPECT_EQ(0, again.exit_code);
  EXPECT_THAT(again.out, HasSubstr("nothing to do"));
  EXPECT_EQ("before 1 r after before after", told());
  EXPECT_EQ(2, db().number("select count(*) from pgsluice.migrations where project = 'default'"));
  EXPECT_EQ(0, migrate("status").exit_code);
  EXPECT_EQ("before 1 r after before after", told()) << "only up runs them";
  EXPECT_EQ(0, up({"--dry-run"}).exit_code);
  EXPECT_EQ("before 1 r after before after", told());
}

TEST_F(MigrateHooks, OneThatFailsIsSaid) {
  write("before.sql", "select 1;\nselect nonsense");
  const Finished before = up();
  EXPECT_EQ(1, before.exit_code);
  EXPECT_THAT(before.err, HasSubstr(path("before.sql") + ":2:8: "));
  EXPECT_EQ("", told()) << "nothing runs behind it";
  write("before.sql", "select 1");
  write("after.sql", "select nonsense");
  const Finished after = up();
  EXPECT_EQ(1, after.exit_code);
  EXPECT_THAT(after.err, HasSubstr(path("after.sql") + ":1:8: "));
  EXPECT_EQ(
      "1 applied, null applied",
      db().value("select string_agg(coalesce(version::text, 'null') || ' ' || state, ', ' order by "
                 "migration_id) from pgsluice.migrations where project = 'default'"));
  write("after.sql", "insert into told (what) values ('after')");
  EXPECT_EQ(0, up().exit_code);
  EXPECT_EQ("1 r after", told()) << "the next run runs it, though nothing is pending";
  write("after.sql", "select 1;\n\n\\x");
  const Finished wrong = up();
  EXPECT_EQ(2, wrong.exit_code);
  EXPECT_THAT(wrong.err, HasSubstr(path("after.sql") + ":3:1: "));
  // A file that fails is the end: what comes behind all files does not.
  write("after.sql", "insert into told (what) values ('after')");
  write("002_b.sql", "select nonsense");
  EXPECT_EQ(1, up().exit_code);
  EXPECT_EQ("1 r after", told());
}

TEST_F(MigrateHooks, TakePlaceholdersAndNoTransaction) {
  write("before.sql",
        "-- pgsluice: placeholder who\n-- pgsluice: no-transaction\ninsert into told (what) values "
        "(:'who');\nvacuum told;\n");
  const Finished missing = up();
  EXPECT_EQ(2, missing.exit_code);
  EXPECT_EQ(0, up({"--placeholder", "who=me"}).exit_code);
  EXPECT_EQ("me 1 r after", told());
}

}  // namespace
}  // namespace sluice::test

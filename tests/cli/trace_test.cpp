#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Json = nlohmann::json;

/// What each statement is run against; nothing of it is changed.
constexpr const char* scene = R"(
create table t (id bigint primary key, a text, b bigint not null default 1, c int, d varchar(10), at timestamp,
  constraint b_positive check (b > 0));
insert into t select g, 'x', g, g, 'y', now() from generate_series(1, 1000) g;
create index t_a on t (a);
create unique index t_b on t (b);
create table u (id bigint primary key, t_id bigint references t (id), n bigint);
create table w (id bigint, constraint w_n check (id > 0) not valid);
create table p (id bigint, n bigint) partition by range (id);
create table p_1 partition of p for values from (1) to (100);
create table q (id bigint, n bigint, check (id >= 100 and id < 200));
create view v as select id, a from t;
create materialized view m as select id, a from t;
create unique index m_id on m (id);
create sequence s;
create type state as enum ('new', 'done');
create domain posint as bigint;
create table x (n posint);
create function f() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger t_f before update on t for each row execute function f();
create unlogged table y (id bigint);
analyze;
)";

/// Kinds of DDL, each with locks of its own.
const std::vector<const char*> kinds{
    "alter table t add column n text",
    "alter table t add column n text not null default 'x'",
    "alter table t add column n double precision default random()",
    "alter table t add column n bigint generated always as (b + 1) stored",
    "alter table t add column n bigint generated always as identity",
    "alter table t add column n bigint references u (id)",
    "alter table t drop column d",
    "alter table t alter column a set not null",
    "alter table t alter column b drop not null",
    "alter table t alter column c type bigint",
    "alter table t alter column d type varchar(20)",
    "alter table t alter column a set default 'z'",
    "alter table t alter column b drop default",
    "alter table t alter column a set statistics 500",
    "alter table t alter column a set storage external",
    "alter table t alter column a set (n_distinct = 5)",
    "alter table t add constraint n check (c > 0)",
    "alter table t add constraint n check (c > 0) not valid",
    "alter table t add constraint n unique (c)",
    "alter table t add constraint n unique using index t_b",
    "alter table u add constraint n foreign key (n) references t (id) not valid",
    "alter table u add constraint n foreign key (t_id) references t (id)",
    "alter table u add exclude using btree (n with =)",
    "alter table w add primary key (id)",
    "alter table w validate constraint w_n",
    "alter table t drop constraint b_positive",
    "alter table t rename column a to z",
    "alter table t rename to z",
    "alter table t rename constraint b_positive to z",
    "alter table t disable trigger t_f",
    "alter table t enable row level security",
    "alter table t replica identity full",
    "alter table t set (fillfactor = 70)",
    "alter table q set unlogged",
    "alter table y set logged",
    "alter table t cluster on t_a",
    "alter table t inherit y",
    "alter table t owner to current_user",
    "alter table p attach partition q for values from (100) to (200)",
    "alter table p detach partition p_1",
    "alter table p add column z text",
    "alter index t_a rename to z",
    "alter index t_a set (fillfactor = 70)",
    "alter view v rename to z",
    "alter materialized view m rename to z",
    "alter sequence s restart with 7",
    "alter type state rename value 'new' to 'fresh'",
    "alter domain posint add constraint n check (value > 0)",
    "create index z on t (c)",
    "create unique index z on only p (id)",
    "create table z (id bigint references t (id))",
    "create table z partition of p for values from (300) to (400)",
    "create table z as select * from t",
    "create table z (like t including all)",
    "create view z as select * from t",
    "create materialized view z as select * from t",
    "create trigger z after insert on t for each row execute function f()",
    "create rule z as on delete to u do instead nothing",
    "create policy z on t using (true)",
    "create statistics z on a, b from t",
    "drop index t_a",
    "drop table u",
    "drop table p cascade",
    "drop view v",
    "drop materialized view m",
    "drop trigger t_f on t",
    "truncate u",
    "truncate t cascade",
    "refresh materialized view m",
    "reindex table t",
    "reindex index t_a",
    "cluster t using t_a",
    "lock table t in share row exclusive mode",
    "comment on table t is 'x'",
    "grant select on t to public",
    "analyze t",
};

using Locks = std::set<std::pair<std::string, std::string>>;

class Trace : public MigrationTest {
 protected:
  Trace() { db().run(scene); }

  Json trace(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--trace", "--output", "json"});
    last_ = migrate("plan", more);
    return Json::parse(last_.out);
  }
  const Finished& last() const { return last_; }

  static Locks locks_of(const Json& statement) {
    Locks locks;
    for (const Json& lock : statement["locks"]) locks.emplace(lock["relation"], lock["mode"]);
    return locks;
  }

  Locks seen_from_outside(const std::string& process) {
    Locks locks;
    for (const auto& row :
         db().rows("select n.nspname || '.' || c.relname, l.mode from pg_locks l join pg_class c "
                   "on c.oid "
                   "= l.relation join pg_namespace n on n.oid = c.relnamespace where l.pid = " +
                   process + " and l.granted and n.nspname = 'public'"))
      locks.emplace(row[0], row[1]);
    return locks;
  }
  std::vector<std::vector<std::string>> files(Session& session) {
    return session.rows(
        "select c.oid::regclass::text, c.relfilenode from pg_class c where c.relnamespace = "
        "'public'::regnamespace and c.relkind in ('r', 'i', 'm', 'S') order by 1");
  }
  std::string schema() {
    return db().value(
        "select md5(string_agg(c.oid || ' ' || c.relname || ' ' || c.relfilenode || ' ' || "
        "c.relnatts, ',' order by c.oid)) from pg_class c where relnamespace = "
        "'public'::regnamespace");
  }

 private:
  Finished last_;
};

TEST_F(Trace, SaysTheLocksThatAreSeenFromOutside) {
  ASSERT_GE(kinds.size(), 60U);
  const std::string before = schema();
  Session other(url());
  const std::string process = other.value("select pg_backend_pid()");
  for (const char* const kind : kinds) {
    SCOPED_TRACE(kind);
    write("001_kind.sql", kind);
    const Json json = trace();
    ASSERT_EQ(0, last().exit_code) << last().err;
    const Json& statements = json["trace"][0]["statements"];
    ASSERT_EQ(1U, statements.size());

    other.run("begin");
    other.run(kind);
    const Locks outside = seen_from_outside(process);
    other.run("rollback");
    EXPECT_EQ(outside, locks_of(statements[0]));
  }
  EXPECT_EQ(before, schema()) << "nothing of it is kept";
}

TEST_F(Trace, SaysWhatIsWrittenAnew) {
  Session other(url());
  for (const char* const kind : kinds) {
    SCOPED_TRACE(kind);
    write("001_kind.sql", kind);
    const Json statement = trace()["trace"][0]["statements"][0];
    std::set<std::string> expected;
    const auto before = files(other);
    other.run("begin");
    other.run(kind);
    const auto after = files(other);
    other.run("rollback");
    for (const auto& row : before)
      for (const auto& then : after)
        if (then[0] == row[0] && then[1] != row[1]) expected.insert("public." + row[0]);
    std::set<std::string> said;
    for (const std::string what : statement["rewritten"])
      said.insert(what.substr(what.rfind(' ') + 1));
    EXPECT_EQ(expected, said);
  }
}

TEST_F(Trace, SaysWhomALockBlocksAndHowLargeTheTableIs) {
  write("001_a.sql",
        "select 1;\nalter table t add column n text;\ncreate index u_n on u (n);\n"
        "alter table u add constraint n_check check (n > 0) not valid;");
  const Json json = trace();
  const Json& statements = json["trace"][0]["statements"];
  ASSERT_EQ(4U, statements.size());
  EXPECT_THAT(statements[0]["locks"], IsEmpty());
  const Json& lock = statements[1]["locks"][0];
  EXPECT_EQ("public.t", lock["relation"]);
  EXPECT_EQ(true, lock["blocks_reads"]);
  EXPECT_EQ(1000, lock["rows"]);
  EXPECT_EQ(db().number("select pg_total_relation_size('t')"), lock["bytes"].get<std::int64_t>());
  EXPECT_EQ(2, statements[1]["line"]);
  bool blocks_writes = false;
  for (const Json& one : statements[2]["locks"]) {
    EXPECT_EQ(false, one["blocks_reads"]);
    blocks_writes =
        blocks_writes || (one["relation"] == "public.u" && one["blocks_writes"] == true);
  }
  EXPECT_TRUE(blocks_writes);
  EXPECT_EQ("index public.u_n", statements[2]["made"][0]);
  EXPECT_EQ("constraint n_check of u (check, not valid)", statements[3]["made"][0]);

  const Finished text = migrate("plan", {"--trace"});
  EXPECT_THAT(text.out, HasSubstr("locks table public.t (1,000 rows, "));
  EXPECT_THAT(text.out, HasSubstr("): AccessExclusiveLock, blocks reads and writes\n"));
  EXPECT_THAT(text.out, HasSubstr("all is rolled back\n"));
  EXPECT_EQ("f", db().value("select to_regclass('pgsluice.migrations') is not null"));
}

TEST_F(Trace, AFileSeesWhatTheOneBeforeHasMade) {
  write("001_a.sql", "create table z (id bigint)");
  write("002_b.sql", "alter table z add column n text; alter table t add column n text");
  const Json json = trace();
  EXPECT_EQ(0, last().exit_code) << last().err;
  EXPECT_EQ("table public.z", json["trace"][0]["statements"][0]["made"][0]);
  EXPECT_THAT(json["trace"][1]["statements"][0]["locks"], IsEmpty()) << "nobody waits for it";
  EXPECT_EQ(1U, json["trace"][1]["statements"][1]["locks"].size());
}

TEST_F(Trace, SaysForWhomItWaits) {
  write("001_a.sql", "set lock_timeout = 0;\nalter table t add column n text");
  Session other(url());
  other.run("begin; lock table t in access share mode");
  const Json json = trace({"--lock-timeout", "400ms"});
  EXPECT_EQ(1, last().exit_code);
  EXPECT_THAT(last().err, HasSubstr("001_a.sql:2:1: "));
  EXPECT_THAT(last().err, HasSubstr("(SQLSTATE 55P03)"));
  const Json& waits = json["trace"][0]["statements"][1]["waits"];
  ASSERT_EQ(1U, waits.size());
  EXPECT_THAT(waits[0].get<std::string>(),
              HasSubstr("AccessExclusiveLock on public.t, behind process " +
                        other.value("select pg_backend_pid()") + " ("));
  EXPECT_THAT(waits[0].get<std::string>(), HasSubstr("idle in transaction"));
  other.run("rollback");
  EXPECT_EQ(0, migrate("plan", {"--trace"}).exit_code);
}

TEST_F(Trace, AFileThatFailsIsSaidWithItsPlace) {
  write("001_a.sql", "select 1;\nalter table t add column a text");
  const Json json = trace();
  EXPECT_EQ(1, json["exit_code"]);
  EXPECT_THAT(json["trace"][0]["error"].get<std::string>(), HasSubstr("001_a.sql:2:"));
  EXPECT_THAT(last().err, HasSubstr("already exists"));
}

TEST_F(Trace, DoesNotWaitForItselfWhereCatalogsAreLocked) {
  for (const char* sql :
       {"reindex table pg_class", "lock table pg_catalog.pg_class in access exclusive mode",
        "lock table pg_catalog.pg_namespace in access exclusive mode"}) {
    SCOPED_TRACE(sql);
    write("001_a.sql", std::string(sql) + ";\nalter table t add column n text");
    const Json json = trace({"--stall-timeout", "20s"});
    ASSERT_EQ(0, last().exit_code) << last().err;
    const Json& statements = json["trace"][0]["statements"];
    ASSERT_EQ(2U, statements.size());
    EXPECT_EQ(true, statements[0]["is_hidden"]);
    EXPECT_EQ(true, statements[1]["is_hidden"]);
    EXPECT_THAT(migrate("plan", {"--trace"}).out,
                HasSubstr("catalogs are locked that are read to see what it locks"));
  }
  write("001_a.sql", "alter table t add column n text");
  EXPECT_EQ(false, trace()["trace"][0]["statements"][0]["is_hidden"]);
}

TEST_F(Trace, WithoutATransactionItIsNotRun) {
  write("001_a.sql", "-- pgsluice: no-transaction\nvacuum t");
  EXPECT_EQ(false, trace()["trace"][0]["run"]);
  EXPECT_THAT(migrate("plan", {"--trace"}).out, HasSubstr("not traced"));
  EXPECT_EQ(2, migrate("plan", {"--scratch"}).exit_code);
}

TEST_F(Trace, AScratchDatabaseHasTheSchemaAndTheSizesOfTheTarget) {
  const std::string before = schema();
  write("001_a.sql", "alter table t alter column c type bigint");
  write("002_b.sql", "-- pgsluice: no-transaction\ncreate index concurrently z on t (c)");
  write("003_c.sql", "alter table t drop column d");
  const Json json = trace({"--scratch"});
  // A pg_dump that is older than the server reads nothing of it.
  const bool is_too_old = last().err.find("server version mismatch") != std::string::npos;
  if (is_too_old) {
    EXPECT_EQ(1, last().exit_code);
    EXPECT_GT(db().number("show server_version_num"), 160000);
  } else {
    ASSERT_EQ(0, last().exit_code) << last().err;
    const Json& files = json["trace"];
    EXPECT_EQ("public.t", files[0]["statements"][0]["locks"][0]["relation"]);
    EXPECT_EQ(1000, files[0]["statements"][0]["locks"][0]["rows"]);
    EXPECT_THAT(files[0]["statements"][0]["rewritten"].dump(), HasSubstr("table public.t"));
    // Without a transaction its locks are gone when it is looked at.
    EXPECT_EQ(1U, files[1]["statements"].size());
    bool is_locked = false;
    for (const Json& lock : files[2]["statements"][0]["locks"])
      is_locked = is_locked || lock["mode"] == "AccessExclusiveLock";
    EXPECT_TRUE(is_locked) << "a lock of the first file was let go";
  }
  EXPECT_EQ(0, db().number("select count(*) from pg_database where datname like "
                           "'pgsluice_scratch%'"));
  EXPECT_EQ(before, schema());
  const Finished missing = migrate("plan", {"--trace", "--scratch", "--pg-dump", "/no/such"});
  EXPECT_EQ(1, missing.exit_code);
  EXPECT_THAT(missing.err, HasSubstr("--pg-dump PROGRAM says where it is"));
}

}  // namespace
}  // namespace sluice::test

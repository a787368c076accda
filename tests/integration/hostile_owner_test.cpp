#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Somebody who may do what pgsluice's message advises to grant, and owns a schema; and a superuser
/// who restores indexes. Nothing of hers may run so that it can become the superuser: a number that
/// only superusers can draw from a sequence, which no rollback takes back, tells.
class HostileOwner : public DatabaseTest {
 protected:
  void SetUp() override {
    const std::string one = folder_.write("one.csv", "id\n1\n");
    db().run("create table own (id int)");
    ASSERT_EQ(0, pgsluice({"load", one, "-t", "own", "-d", url()}).exit_code);
    mallory_ = std::make_unique<Session>(url_of_new_role("hostile_owner"));
    db().run(
        "create schema m authorization hostile_owner; grant usage on schema pgsluice to "
        "hostile_owner; grant select, insert, update, delete on all tables in schema pgsluice to "
        "hostile_owner; grant usage on all sequences in schema pgsluice to hostile_owner; "
        "create sequence drawn; revoke all on sequence drawn from public");
    mallory_->run(
        "create function m.draw() returns int language plpgsql volatile as $$ declare who text; "
        "begin foreach who in array array['none', session_user::text] loop begin "
        "perform set_config('role', who, true); perform nextval('public.drawn'); "
        "exception when others then null; end; end loop; "
        "perform set_config('standard_conforming_strings', 'off', false); return 1; end $$; "
        "create function m.become(int) returns int language plpgsql immutable as "
        "$$ begin return m.draw(); end $$; "
        "create function m.refuse(int) returns int language plpgsql immutable as "
        "$$ begin perform m.draw(); raise 'no'; end $$;"
        "create table m.t (id int, v text); insert into m.t values (1, 'x');"
        "create domain m.checked as int check (m.become(value) > 0);"
        "create type m.pair as (a m.checked, b int);"
        "create type m.span as range (subtype = m.checked);"
        "create function m.of_pair(m.pair) returns int language sql immutable as 'select 1';"
        "create function m.of_array(m.checked[]) returns int language sql immutable as 'select 1';"
        "create function m.of_span(m.span) returns int language sql immutable as 'select 1'");
  }
  ~HostileOwner() override {
    mallory_.reset();
    db().run("drop owned by hostile_owner cascade; drop role hostile_owner");
  }

  /// She says that a load of hers has dropped such an index.
  void journal(const std::string& body) {
    mallory_->run(
        "insert into pgsluice.loads (target, target_oid, source, source_path, source_stamp, "
        "fingerprint, options, chunk_bytes, record_bytes_max, state, finished_at, origin) select "
        "'m.t', 'm.t'::regclass, 'x', 'x', 'x', 'x', '{}', 1, 1, 'finished', now(), origin from "
        "pgsluice.loads limit 1; "
        "insert into pgsluice.deferred_indexes (load_id, index_name, target_oid, definition, "
        "origin, target_schema, target_name, name) select load_id, 'm.forged', 'm.t'::regclass, "
        "$q$CREATE INDEX forged ON m.t " +
        body + "$q$, origin, 'm', 't', 'forged' from pgsluice.loads order by load_id desc limit 1");
  }
  std::vector<std::string> restore() {
    return {"loads", "restore", db().value("select max(load_id) from pgsluice.loads"), "-d", url()};
  }
  bool was_drawn() { return db().value("select is_called from drawn") == "t"; }

  TemporaryFolder folder_;
  std::unique_ptr<Session> mallory_;
};

/// Wherever a definition has something of hers: what the server reads while it understands the
/// text, what it calls for each row, and what it would call to read the table once more.
TEST_F(HostileOwner, OfAnIndexBecomesNobodyElse) {
  db().run("begin; set local role hostile_owner; select m.become(1); rollback");
  ASSERT_TRUE(was_drawn()) << "what is tried here would work under SET ROLE alone";
  db().run("reset all; select setval('drawn', 1, false)");
  // Evaluated by the planner of whatever reads the table.
  mallory_->run("create index on m.t ((m.become(1) + id))");
  const std::vector<std::string> bodies{
      "USING btree (m.become(id))",
      "USING btree (id) WHERE (m.become(id) > 0)",
      "USING btree (m.of_pair('(1,2)'::m.pair), id)",
      "USING btree (m.of_array('{1}'::m.checked[]), id)",
      "USING btree (m.of_span('[1,5)'::m.span), id)",
      "USING btree (id) WHERE (m.of_pair('(1,2)'::m.pair) = id)",
      "USING btree (m.refuse(id))",
      "USING btree (id) WHERE (m.refuse(id) > 0)",
      "USING btree (m.refuse(1))",
      "USING btree (((1)::m.checked))",
      "USING btree (id); select m.become(1)",
      "USING btree (id); reset role; select m.become(1)",
  };
  for (const std::string& body : bodies) {
    journal(body);
    const Finished restored = pgsluice(restore());
    EXPECT_FALSE(was_drawn()) << body;
    EXPECT_THAT(restored.err, Not(HasSubstr("It is because of row"))) << body;
    EXPECT_EQ(db().value("select count(*) from pgsluice.deferred_indexes"),
              db().value("select case when to_regclass('m.forged') is null then 1 else 0 end"))
        << body << restored.err;
    db().run(
        "drop index if exists m.forged; delete from pgsluice.deferred_indexes; "
        "select setval('drawn', 1, false)");
  }
}

/// Her index is built for her as it was, by somebody who does not trust her.
TEST_F(HostileOwner, GetsIndexesThatAreHarmless) {
  mallory_->run("create type m.mood as enum ('ok', 'bad'); alter table m.t add w m.mood");
  for (const std::string body :
       {"USING btree (id)", "USING btree (lower(v))", "USING hash (v) WHERE (w <> 'bad'::m.mood)",
        "USING btree (id) INCLUDE (v) WITH (fillfactor='70') WHERE (v = 'it''s \\'::text)"}) {
    journal(body);
    const Finished restored = pgsluice(restore());
    EXPECT_EQ(0, restored.exit_code) << restored.err;
    EXPECT_EQ("hostile_owner|CREATE INDEX forged ON m.t " + body,
              db().value("select relowner::regrole || '|' || pg_get_indexdef(oid) from pg_class "
                         "where oid = to_regclass('m.forged')"));
    db().run("drop index m.forged");
  }
  db().run(
      "do $$ begin execute 'revoke temporary on database ' || current_database() || ' from "
      "public'; end $$");
  journal("USING btree (id)");
  const Finished refused = pgsluice(restore());
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("permission denied to create temporary tables"),
                                 HasSubstr("To build it by hand: CREATE INDEX")));
}

/// The schema is hers, the table and the index are the superuser's. Between the index that is
/// refused and the search for the row she puts a view into the table's place.
TEST_F(HostileOwner, OfASchemaPutsNothingInTheTablesPlace) {
  db().run(
      "create table m.s (id int, v text); insert into m.s select 1, string_agg(md5(i::text), '') "
      "from generate_series(1, 300) i");
  db().run(
      "insert into pgsluice.deferred_indexes (load_id, index_name, target_oid, definition, origin, "
      "target_schema, target_name, name) select load_id, 'm.wide', 'm.s'::regclass, 'CREATE INDEX "
      "wide ON m.s USING btree (v)', origin, 'm', 's', 'wide' from pgsluice.loads");
  const Finished honest = pgsluice(restore());
  EXPECT_THAT(honest.err, HasSubstr("It is because of row (0,1) of"));
  Session writer(url());
  writer.run("begin; lock table m.s in row exclusive mode");
  Process restoring(restore());
  const auto waiting = [](int count) {
    return "select count(*) = " + std::to_string(count) +
           " from pg_locks where relation = 'm.s'::regclass and not granted";
  };
  ASSERT_TRUE(comes_true(waiting(1)));
  ASSERT_EQ(1, PQsendQuery(mallory_->raw(),
                           "begin; drop table m.s; create view m.s as select m.become(1) as id, "
                           "'x'::text as v, '(0,1)'::tid as ctid; commit"));
  ASSERT_TRUE(comes_true(waiting(2)));
  writer.run("commit");
  const Finished restored = restoring.wait();
  EXPECT_EQ(1, restored.exit_code);
  EXPECT_FALSE(was_drawn()) << restored.err;
  EXPECT_THAT(restored.err,
              AllOf(HasSubstr("index m.wide of load"), Not(HasSubstr("It is because of row"))));
  while (PGresult* result = PQgetResult(mallory_->raw())) PQclear(result);
  EXPECT_EQ("v", db().value("select relkind from pg_class where oid = 'm.s'::regclass"));
}

}  // namespace
}  // namespace sluice::test

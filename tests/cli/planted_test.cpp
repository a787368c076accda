#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Whoever loads first makes the ledger, and can leave something in it that runs with the rights of
/// those who load behind him, when its tables have long been taken from him.
class Planted : public DatabaseTest {
 protected:
  void SetUp() override {
    low_ = url_of_new_role("planter");
    db().run(
        "do $$ begin execute format('grant create on database %I to planter', current_database()); "
        "end $$; create table theirs (id int); create table t (id int); grant insert on theirs to "
        "planter");
    file_ = folder_.write("in.csv", "id\n1\n");
    plant();
  }
  void plant() {
    ASSERT_EQ(0, pgsluice({"load", file_, "-t", "theirs", "-d", low_}).exit_code);
    planter_ = std::make_unique<Session>(low_);
    planter_->run(
        "create schema evil; create function evil.f(int8) returns int language plpgsql as $$ begin "
        "if (select rolsuper from pg_roles where rolname = current_user) then execute 'alter role "
        "planter superuser'; end if; return 1; end $$; create function evil.i(int8) returns int "
        "language plpgsql immutable as $$ begin return evil.f($1); end $$; create function "
        "evil.b(int8, int8) returns boolean language sql as 'select evil.f($1) = 1'; create "
        "function evil.t() returns trigger language plpgsql as $$ begin perform evil.f(1); return "
        "null; end $$; create operator evil.<<>> (leftarg = int8, rightarg = int8, function = "
        "evil.b); create domain evil.d as int8 check (evil.f(value) = 1)");
  }
  ~Planted() override {
    planter_.reset();
    db().run(
        "alter role planter nosuperuser; reassign owned by planter to current_user; drop owned by "
        "planter; drop role planter");
  }

  void take_ledger() {
    db().run(
        "do $$ declare r text; begin for r in select format('alter table %s owner to %I', "
        "oid::regclass, current_user) from pg_class where relnamespace = 'pgsluice'::regnamespace "
        "and relkind = 'r' union all select format('alter function %s owner to %I', "
        "oid::regprocedure, current_user) from pg_proc where pronamespace = "
        "'pgsluice'::regnamespace loop execute r; end loop; end $$; alter schema pgsluice owner to "
        "current_user");
  }
  Finished load() {
    return pgsluice({"load", file_, "-t", "t", "--again", "-d", url(), "--progress", "none"});
  }
  bool is_superuser() {
    return db().value("select rolsuper from pg_roles where rolname = 'planter'") == "t";
  }

  TemporaryFolder folder_;
  std::string low_;
  std::string file_;
  std::unique_ptr<Session> planter_;
};

TEST_F(Planted, NothingRunsAsWhoLoadsNext) {
  for (const auto& [what, statement] : std::initializer_list<std::pair<const char*, const char*>>{
           {"function evil.f(bigint)",
            "alter table pgsluice.chunks add column more int default evil.f(1)"},
           {"function evil.f(bigint)",
            "alter table pgsluice.chunks alter stored_at set default case when evil.f(1) = 1 then "
            "now() end"},
           {"function evil.f(bigint)",
            "alter table pgsluice.loads add constraint c check (evil.f(load_id) = 1)"},
           {"operator evil.<<>>(bigint,bigint)",
            "alter table pgsluice.loads add constraint c check (load_id operator(evil.<<>>) 1)"},
           {"function evil.i(bigint)", "create index on pgsluice.chunks (evil.i(load_id))"},
           {"function evil.i(bigint)",
            "create index on pgsluice.chunks (load_id) where evil.i(load_id) = 1"},
           {"function evil.i(bigint)",
            "create statistics pgsluice.s on (evil.i(load_id)), chunk from pgsluice.chunks"},
           {"function evil.t()",
            "create trigger x after insert on pgsluice.chunks execute function evil.t()"},
           {"type evil.d", "alter table pgsluice.chunks add column more evil.d default 1"},
           {"table evil.child", "create table evil.child () inherits (pgsluice.loads)"},
           {"table evil.parent",
            "create table evil.parent (load_id int8 not null); alter table pgsluice.chunks inherit "
            "evil.parent"}}) {
    SCOPED_TRACE(statement);
    planter_->run(statement);
    EXPECT_EQ(1, load().exit_code);
    // As a superuser does who takes what lies in front of him, and then as the advice says.
    take_ledger();
    const Finished refused = load();
    EXPECT_EQ(1, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr(std::string(what) + " belongs to planter"));
    const std::size_t advice = refused.err.find("what is in there: ");
    ASSERT_NE(std::string::npos, advice);
    const std::size_t begin = advice + std::string("what is in there: ").size();
    db().run(refused.err.substr(begin, refused.err.find('\n', begin) - begin));
    // A default of ours that he had replaced is gone with that.
    db().run("alter table pgsluice.chunks alter stored_at set default clock_timestamp()");
    const Finished done = load();
    EXPECT_EQ(0, done.exit_code) << done.err;
    db().run("analyze pgsluice.loads, pgsluice.chunks");
    EXPECT_FALSE(is_superuser());
    // Anew for the next one.
    db().run(
        "drop schema evil cascade; drop schema pgsluice cascade; delete from theirs; delete from "
        "t");
    plant();
  }
}

/// What nothing of ours names stops nobody.
TEST_F(Planted, WhatLiesBesideIsNoMatter) {
  take_ledger();
  db().run("grant usage, create on schema pgsluice to planter");
  ASSERT_EQ(0, load().exit_code);
  planter_->run(
      "create table pgsluice.beside (id int); create view pgsluice.seen as select 1 as x; create "
      "function pgsluice.called() returns int language sql as 'select 1'; create sequence "
      "pgsluice.numbers; create materialized view pgsluice.kept as select 1 as x");
  EXPECT_EQ(0, load().exit_code);
  EXPECT_EQ(0, pgsluice({"loads", "-d", url()}).exit_code);
}

}  // namespace
}  // namespace sluice::test

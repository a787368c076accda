#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

/// The journal of dropped indexes is a table that many may write to: nothing in it is believed.
class IndexJournal : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int check (id > 0), v int); create index by_v on t (v); create index "
        "by_id on t (id)");
    good_ = folder_.write("good.csv", "id,v\n1,1\n2,2\n");
    bad_ = folder_.write("bad.csv", "id,v\n3,1\n-1,2\n");
  }

  Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-d", url()});
    return pgsluice(std::move(arguments));
  }
  /// Leaves both indexes in the journal.
  void leave_indexes(const std::string& table = "t") {
    ASSERT_EQ(1, run({"load", bad_, "-t", table, "--defer-indexes"}).exit_code);
    ASSERT_EQ(2, missing());
  }
  /// Makes a role with the rights that pgsluice's own message advises to grant.
  std::string url_of_loader(const std::string& role) {
    std::string url = url_of_new_role(role);
    db().run("grant usage on schema pgsluice to " + role +
             "; grant select, insert, update, delete on all tables in schema pgsluice to " + role +
             "; grant usage on all sequences in schema pgsluice to " + role);
    return url;
  }
  std::string id_of_last() { return db().value("select max(load_id) from pgsluice.loads"); }
  std::int64_t missing() { return db().number("select count(*) from pgsluice.deferred_indexes"); }
  std::string indexes_of(const std::string& table) {
    return db().value(
        "select coalesce(string_agg(indexrelid::regclass::text, ',' order by "
        "indexrelid::regclass::text), '') from pg_index where indrelid = '" +
        table + "'::regclass");
  }

  TemporaryFolder folder_;
  std::string good_;
  std::string bad_;
};

/// What is refused to whom has only the rights that are advised: to write of tables that are not
/// his, to change or to delete such rows, to write under another name.
TEST_F(IndexJournal, IsWrittenByOwnersOfTablesOnly) {
  leave_indexes();
  const std::string database = db().value("select current_database()");
  Session mallory(url_of_loader("journal_mallory"));
  db().run("grant create on schema public to journal_mallory");
  const auto is_refused = [&mallory](const std::string& sql) {
    try {
      mallory.run(sql);
    } catch (const std::exception&) {
      return true;
    }
    return false;
  };
  EXPECT_TRUE(is_refused(
      "insert into pgsluice.deferred_indexes (load_id, index_name, target_oid, definition) select "
      "load_id, 'public.nope', target_oid, 'alter role journal_mallory superuser' from "
      "pgsluice.loads"));
  EXPECT_TRUE(is_refused("update pgsluice.deferred_indexes set definition = 'select 1'"));
  EXPECT_TRUE(is_refused("delete from pgsluice.deferred_indexes"));
  mallory.run(
      "create table m (v int); insert into pgsluice.deferred_indexes (load_id, index_name, "
      "target_oid, definition, journaled_by) select load_id, 'public.mine', 'm'::regclass, 'x', "
      "'postgres' from pgsluice.loads limit 1");
  EXPECT_TRUE(is_refused(
      "update pgsluice.deferred_indexes set target_oid = 't'::regclass where index_name = "
      "'public.mine'"));
  EXPECT_EQ("journal_mallory", db().value("select journaled_by from pgsluice.deferred_indexes "
                                          "where index_name = 'public.mine'"));
  mallory.run("delete from pgsluice.deferred_indexes where index_name = 'public.mine'");
  EXPECT_EQ(2, missing());
  db().run("drop table m; drop owned by journal_mallory; drop role journal_mallory");
}

/// Rows that no pgsluice wrote: each is named, none is run, the others are built, and the load that
/// meets them is stored.
TEST_F(IndexJournal, RunsNothingButOneCreateIndex) {
  const std::vector<std::string> definitions{
      "alter table t add column hacked int",
      "create table hacked ()",
      "CREATE INDEX forged ON public.t USING btree (v); create table hacked ()",
      "CREATE INDEX forged ON public.t USING btree (v) -- \n; create table hacked ()",
      "CREATE INDEX forged ON public.other USING btree (v)",
      "CREATE INDEX forged ON public.t.x USING btree (v)",
      "CREATE INDEX other_name ON public.t USING btree (v)",
      "CREATE UNIQUE INDEX forged ON public.t USING btree (v)",
      "CREATE INDEX forged ON public.t USING btree (v, nothing)",
      "CREATE INDEX forged ON public.t USING btree (v) TABLESPACE pg_global",
      "CREATE INDEX forged ON public.t USING btree (v) ; ; select 1",
      "/* */ CREATE INDEX forged ON public.t USING btree (v)",
      "",
  };
  db().run("create table other (v int)");
  int number = 10;
  for (const std::string& definition : definitions) {
    leave_indexes();
    db().run(
        "insert into pgsluice.deferred_indexes (load_id, index_name, name, target_schema, "
        "target_name, target_oid, origin, definition) select load_id, 'public.forged', 'forged', "
        "'public', 't', target_oid, origin, $x$" +
        definition + "$x$ from pgsluice.deferred_indexes limit 1");
    db().run("update pgsluice.loads set state = 'void'");
    const std::string path =
        folder_.write("n.csv", "id,v\n" + std::to_string(++number) + "," + "1\n");
    const Finished loaded = run({"load", path, "-t", "t", "--defer-indexes"});
    EXPECT_EQ(1, loaded.exit_code) << definition;
    EXPECT_THAT(loaded.err,
                AllOf(HasSubstr("index public.forged of load"), HasSubstr("All rows are stored")))
        << definition;
    EXPECT_EQ("finished", db().value("select state from pgsluice.loads order by load_id desc "
                                     "limit 1"))
        << definition;
    EXPECT_EQ("by_id,by_v", indexes_of("t")) << definition;
    EXPECT_EQ("", indexes_of("other")) << definition;
    EXPECT_EQ("t", db().value("select to_regclass('hacked') is null and not exists (select from "
                              "pg_attribute where attname = 'hacked')"))
        << definition;
    EXPECT_EQ(1, missing()) << definition;
    db().run("delete from pgsluice.deferred_indexes; delete from pgsluice.loads");
  }
}

/// Structured columns are quoted by us, whatever stands in them.
TEST_F(IndexJournal, QuotesWhatIsNotInTheDefinition) {
  leave_indexes();
  db().run(
      "update pgsluice.deferred_indexes set description = 'x''; create table hacked (); --', "
      "tablespace = '''; create table hacked (); --' where index_name = 'public.by_v'");
  db().run(
      "update pgsluice.deferred_indexes set extensions = array['plpgsql; create table hacked ()'] "
      "where index_name = 'public.by_id'");
  EXPECT_ANY_THROW(db().run("update pgsluice.deferred_indexes set statistics = '1:1; drop'"));
  EXPECT_EQ(1, run({"loads", "restore", "1"}).exit_code);
  EXPECT_EQ("t", db().value("select to_regclass('hacked') is null"));
  db().run("update pgsluice.deferred_indexes set tablespace = '', extensions = '{}'");
  EXPECT_EQ(0, run({"loads", "restore", "1"}).exit_code);
  EXPECT_EQ("x'; create table hacked (); --",
            db().value("select obj_description('by_v'::regclass)"));
}

/// A definition may call functions, so it matters who wrote it: one that points at another's table,
/// by way of a dump's names, is not run, neither as the loader nor as that other.
TEST_F(IndexJournal, BelievesOnlyWhoOwnsTheTable) {
  leave_indexes();
  db().run("grant create on schema public to public");
  Session mallory(url_of_loader("journal_forger"));
  mallory.run(
      "create table m (v int); create function f(int) returns int immutable language plpgsql as $$ "
      "begin raise 'called by %', current_user; end $$");
  mallory.run(
      "insert into pgsluice.deferred_indexes (load_id, index_name, name, target_schema, "
      "target_name, target_oid, origin, definition) values (1, 'public.forged', 'forged', "
      "'public', 't', 'm'::regclass, 'elsewhere', 'CREATE INDEX forged ON public.t USING btree "
      "(f(v))')");
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(1, restored.exit_code);
  EXPECT_THAT(restored.err, HasSubstr("index public.forged of load 1 cannot be built again: its "
                                      "definition was written by journal_forger, who does not own "
                                      "public.t"));
  EXPECT_THAT(restored.err, Not(HasSubstr("f(v)"))) << "nobody is told to run it by hand";
  EXPECT_EQ("by_id,by_v", indexes_of("t"));
  EXPECT_THAT(restored.err, Not(HasSubstr("called by")));
  db().run(
      "drop table m; drop owned by journal_forger cascade; "
      "drop role journal_forger");
}

TEST_F(IndexJournal, BuildsAsTheOwnerOfTheTable) {
  url_of_new_role("journal_owner");
  db().run(
      "create schema journal_owner authorization journal_owner; alter table t set schema "
      "journal_owner; alter table journal_owner.t owner to journal_owner;"
      "create table builders (who name); grant insert on builders to public;"
      "create function note_builder() returns event_trigger language plpgsql as $$ begin insert "
      "into public.builders values (current_user); end $$;"
      "create event trigger note_builder on ddl_command_end when tag in ('CREATE INDEX') execute "
      "function note_builder()");
  leave_indexes("journal_owner.t");
  db().run("truncate builders");
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(0, restored.exit_code) << restored.err;
  EXPECT_EQ("journal_owner", db().value("select string_agg(distinct who, ',') from builders"));
  db().run("drop event trigger note_builder; drop table builders");
  // The owner's rights must be enough; where they are not, the index stays where it is.
  db().run(
      "revoke all on schema journal_owner from journal_owner; alter schema journal_owner owner "
      "to current_user; grant usage on schema journal_owner to journal_owner");
  const Finished kept = run({"load", good_, "-t", "journal_owner.t", "--defer-indexes"});
  EXPECT_EQ(0, kept.exit_code) << kept.err;
  EXPECT_THAT(kept.err, HasSubstr("kept 2 indexes of journal_owner.t"));
  db().run(
      "drop schema journal_owner cascade; drop owned by journal_owner; drop role "
      "journal_owner");
}

/// Whoever owns the table, or has the owner's rights, needs no more than the rights that are
/// advised.
TEST_F(IndexJournal, ServesUsersWhoAreNoSuperusers) {
  ASSERT_EQ(0, run({"load", good_, "-t", "t"}).exit_code);
  const std::string owner = url_of_loader("journal_owner");
  const std::string member = url_of_loader("journal_member");
  db().run(
      "truncate t; alter table t owner to journal_owner; grant create on schema public to "
      "journal_owner; grant journal_owner to journal_member");
  for (const std::string& user : {owner, member}) {
    const Finished failed =
        pgsluice({"load", bad_, "-t", "t", "--defer-indexes", "--again", "-d", user});
    EXPECT_THAT(failed.err, HasSubstr("2 indexes of public.t wait to be built again"));
    EXPECT_EQ(2, missing());
    const Finished restored = pgsluice({"loads", "restore", id_of_last(), "-d", user});
    EXPECT_EQ(0, restored.exit_code) << restored.err;
    const Finished loaded =
        pgsluice({"load", good_, "-t", "t", "--defer-indexes", "--again", "-d", user});
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_THAT(loaded.err, HasSubstr("built 2 indexes again"));
    EXPECT_EQ("by_id,by_v", indexes_of("t"));
    EXPECT_EQ(0, missing());
    ASSERT_EQ(
        1, pgsluice({"load", bad_, "-t", "t", "--defer-indexes", "--again", "-d", user}).exit_code);
    const Finished forgotten =
        pgsluice({"loads", "forget", id_of_last(), "--give-up-indexes", "-d", user});
    EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
    EXPECT_EQ(0, missing());
    db().run("create index by_v on t (v); create index by_id on t (id)");
  }
  db().run(
      "drop table t; drop owned by journal_owner, journal_member; drop role journal_member, "
      "journal_owner");
}

/// A stage that nobody needs is dropped by the next load of somebody who may; it stands in nobody
/// else's way.
TEST_F(IndexJournal, StagesOfOthersStandInNobodysWay) {
  const std::string path = folder_.write("staged.csv", "id,v\n1,1\n2,2\n3,3\nx,1\n");
  const Finished staged = run({"load", path, "-t", "t", "--atomic=resumable", "--chunk-size", "8"});
  ASSERT_EQ(1, staged.exit_code);
  ASSERT_EQ("f", db().value("select to_regclass('pgsluice.stage_1') is null")) << staged.err;
  db().run("update pgsluice.loads set state = 'void'");
  const std::string other = url_of_loader("journal_other");
  db().run("grant create on schema pgsluice to journal_other; grant all on t to journal_other");
  const Finished loaded = pgsluice({"load", good_, "-t", "t", "--atomic=resumable", "-d", other});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("f", db().value("select to_regclass('pgsluice.stage_1') is null"));
  EXPECT_EQ(0, run({"load", good_, "-t", "t", "--atomic=resumable", "--again"}).exit_code);
  EXPECT_EQ("t", db().value("select to_regclass('pgsluice.stage_1') is null"));
  db().run("drop owned by journal_other; drop role journal_other");
}

TEST_F(IndexJournal, FindsTheTableByItsOid) {
  leave_indexes();
  db().run("alter table t rename to t_old; create table t (id int, v int)");
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(0, restored.exit_code) << restored.err;
  EXPECT_EQ("by_id,by_v", indexes_of("t_old"));
  EXPECT_EQ("", indexes_of("t"));
  EXPECT_EQ(0, missing());
}

TEST_F(IndexJournal, FollowsTheTableIntoAnotherSchema) {
  leave_indexes();
  db().run(
      "create schema \"Other One\"; alter table t set schema \"Other One\"; create table t (id "
      "int, v int)");
  EXPECT_EQ(0, run({"loads", "restore", "1"}).exit_code);
  EXPECT_EQ("\"Other One\".by_id,\"Other One\".by_v", indexes_of("\"Other One\".t"));
}

/// A name that something else has, a column that is gone: the row stays and says how to go on.
TEST_F(IndexJournal, KeepsWhatCannotBeBuilt) {
  leave_indexes();
  db().run("create table by_v (id int); alter table t rename column id to number");
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(1, restored.exit_code);
  EXPECT_THAT(restored.err,
              AllOf(HasSubstr("index public.by_v of load 1 cannot be built again: something else "
                              "has its name\n  To build it by hand: CREATE INDEX by_v ON public.t "
                              "USING btree (v);"),
                    HasSubstr("column \"id\" does not exist"),
                    HasSubstr("pgsluice loads forget 1 gives it up")));
  EXPECT_EQ(2, missing());
  db().run("drop table by_v; alter table t rename column number to id");
  // An index has an entry also for a row that a snapshot of before may still see, and ANALYZE,
  // which the server begins by itself, has such a one.
  Finished again = run({"loads", "restore", "1"});
  for (int i = 0; i < 60 && again.exit_code != 0; ++i) {
    std::this_thread::sleep_for(500ms);
    again = run({"loads", "restore", "1"});
  }
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ("by_id,by_v", indexes_of("t"));
}

/// In a dump that was restored, a journal's oids are another database's: here they are those of
/// some other table.
TEST_F(IndexJournal, TrustsNoOidOfAnotherDatabase) {
  leave_indexes();
  db().run("create table innocent (id int, v int)");
  db().run(
      "update pgsluice.deferred_indexes set origin = '1:1', target_oid = "
      "'innocent'::regclass");
  EXPECT_EQ(0, run({"loads", "restore", "1"}).exit_code);
  EXPECT_EQ("by_id,by_v", indexes_of("t"));
  EXPECT_EQ("", indexes_of("innocent"));
}

TEST_F(IndexJournal, IsTakenOverFromAnotherDatabaseByLoadsToo) {
  leave_indexes();
  db().run(
      "update pgsluice.deferred_indexes set origin = '1:1', target_oid = 1; update "
      "pgsluice.loads set state = 'void'");
  const Finished loaded = run({"load", good_, "-t", "t", "--defer-indexes"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("by_id,by_v", indexes_of("t"));
  EXPECT_EQ(0, missing());
}

/// The row that somebody else has put in meanwhile is named; the record of a load cannot be it.
TEST_F(IndexJournal, NamesTheRowThatAnIndexRefuses) {
  db().run(
      "drop table t; create table t (id int check (id > 0), v text); create index by_v on t "
      "(v); create index by_id on t (id)");
  leave_indexes();
  db().run(
      "insert into t select i, 'x' from generate_series(1, 5000) i; insert into t select 77, "
      "string_agg(md5(i::text), '') from generate_series(1, 300) i; insert into t select i, 'y' "
      "from "
      "generate_series(1, 5000) i");
  const std::string place = db().value("select ctid from t where id = 77 and length(v) > 10");
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(1, restored.exit_code);
  EXPECT_THAT(restored.err, AllOf(HasSubstr("index public.by_v of load 1 cannot be built again: "),
                                  HasSubstr("It is because of row " + place +
                                            " of public.t: (77,c4ca4238a0b923820dcc509a6f75849b")));
  EXPECT_EQ("by_id", indexes_of("t")) << "the others are built";
  db().run("delete from t where id = 77 and length(v) > 10");
  // An index has an entry also for a row that is gone, while a snapshot of autovacuum's sees it.
  ASSERT_TRUE(
      comes_true("select not exists (select from pg_stat_activity where datname = "
                 "current_database() and backend_xmin is not null and pid <> pg_backend_pid())"));
  const Finished again = run({"loads", "restore", "1"});
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ("by_id,by_v", indexes_of("t"));
}

/// Rows as the first versions wrote them: several statements, and nobody knows who wrote them. What
/// calls no function is taken over, the rest is named, and none is run.
TEST_F(IndexJournal, OfAnOlderVersionIsTakenOverWhereItIsHarmless) {
  const std::string sources = PGSLUICE_SOURCE_DIR "/sql/ledger/";
  db().run("create schema pgsluice");
  for (const char* file : {"V001__loads_and_chunks", "V002__deferred_indexes", "V003__rejects",
                           "V004__upsert_and_atomic", "V005__jobs"})
    db().run(read_file(sources + file + ".sql"));
  db().run(
      "insert into pgsluice.loads (target, target_oid, source, source_path, source_stamp, "
      "fingerprint, options, chunk_bytes, record_bytes_max) values ('public.t', 't'::regclass, "
      "'f', "
      "'f', '', '', '{}', 1, 1)");
  const std::vector<std::pair<std::string, std::string>> rows{
      {"by_v",
       "set local default_tablespace = ''; CREATE INDEX by_v ON public.t USING btree (v DESC "
       "NULLS LAST) INCLUDE (id) WITH (fillfactor='70'); comment on index public.by_v is "
       "'it''s by v'; alter table public.t cluster on by_v"},
      {"by_id",
       "set local default_tablespace = ''; CREATE INDEX by_id ON public.t USING btree (id); "
       "comment on index public.by_id is NULL"},
      {"computed",
       "set local default_tablespace = ''; CREATE INDEX computed ON public.t USING btree "
       "(((v + 1))); comment on index public.computed is NULL"},
      {"forged",
       "set local default_tablespace = ''; CREATE INDEX forged ON public.t USING btree "
       "(v); comment on index public.forged is NULL; create table hacked ()"},
      {"free", "create table hacked ()"}};
  for (const auto& [name, definition] : rows) {
    db().run(
        "drop index if exists " + name +
        "; insert into pgsluice.deferred_indexes (load_id, index_name, target_oid, definition) "
        "values (1, 'public." +
        name + "', 't'::regclass, $x$" + definition + "$x$)");
  }
  ASSERT_EQ(0, run({"load", good_, "-t", "t"}).exit_code);  // brings the ledger up to date
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(1, restored.exit_code);
  for (const char* name : {"computed", "forged", "free"}) {
    EXPECT_THAT(restored.err, HasSubstr(std::string("index public.") + name +
                                        " of load 1 cannot be built again: an older version"));
  }
  EXPECT_EQ("by_id,by_v", indexes_of("t"));
  EXPECT_EQ(
      "CREATE INDEX by_v ON public.t USING btree (v DESC NULLS LAST) INCLUDE (id) WITH "
      "(fillfactor='70')|it's by v|t",
      db().value("select concat_ws('|', pg_get_indexdef(indexrelid), "
                 "obj_description(indexrelid), indisclustered) from pg_index where indexrelid "
                 "= 'by_v'::regclass"));
  EXPECT_EQ("t", db().value("select to_regclass('hacked') is null"));
  // Built by hand, it is struck out.
  db().run("create index computed on t ((v + 1))");
  EXPECT_THAT(run({"loads", "restore", "1"}).out, HasSubstr("public.computed is there already"));
  EXPECT_EQ(2, missing());
}

TEST_F(IndexJournal, IsGivenUpWithItsLoad) {
  leave_indexes();
  const Finished refused = run({"loads", "forget", "1"});
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("load 1 has dropped index public.by_id of public.t"),
                                 HasSubstr("pgsluice loads restore 1 does so; --give-up-indexes")));
  EXPECT_EQ(2, missing());
  const Finished forgotten = run({"loads", "forget", "1", "--give-up-indexes"});
  EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
  EXPECT_THAT(forgotten.out,
              AllOf(HasSubstr("gave up load 1 of " + bad_ + " into public.t"),
                    HasSubstr("gave up index public.by_v, which was: CREATE INDEX by_v ON public.t "
                              "USING btree (v)")));
  EXPECT_EQ(0, missing());
  EXPECT_EQ("void", db().value("select state from pgsluice.loads"));
  EXPECT_THAT(run({"loads", "forget", "1"}).out, HasSubstr("nothing to do: load 1"));
  EXPECT_EQ(1, run({"loads", "forget", "7"}).exit_code);
}

TEST_F(IndexJournal, OfATableThatIsGoneIsGivenUpWithoutAWord) {
  leave_indexes();
  db().run("drop table t");
  const Finished restored = run({"loads", "restore", "1"});
  EXPECT_EQ(1, restored.exit_code);
  EXPECT_THAT(restored.err, HasSubstr("cannot be built again: its table public.t is gone"));
  EXPECT_EQ(0, run({"loads", "forget", "1"}).exit_code);
  EXPECT_EQ(0, missing());
}

/// Chunks wait in a table of their own; the load failed, and then its table went.
TEST_F(IndexJournal, StagesAreGivenUpToo) {
  std::string csv = "id,v\n";
  for (int i = 1; i <= 100; ++i) csv += std::to_string(i) + "," + std::to_string(i) + "\n";
  const std::string path = folder_.write("staged.csv", csv + "x,1\n");
  ASSERT_EQ(1,
            run({"load", path, "-t", "t", "--atomic=resumable", "--chunk-size", "64"}).exit_code);
  ASSERT_EQ("f", db().value("select to_regclass('pgsluice.stage_1') is null"));
  db().run("drop table t");
  const Finished forgotten = run({"loads", "forget", "1"});
  EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
  EXPECT_THAT(forgotten.out, HasSubstr("dropped pgsluice.stage_1"));
  EXPECT_THAT(forgotten.out, Not(HasSubstr("stay in the table")));
  EXPECT_EQ("t", db().value("select to_regclass('pgsluice.stage_1') is null"));
}

TEST_F(IndexJournal, IsNotGivenUpUnderARun) {
  leave_indexes();
  db().run("begin; lock table t");
  Process running({"load", bad_, "-t", "t", "-d", url(), "--chunk-size", "64"});
  Session other(url());
  const std::string is_at_work =
      "select exists (select from pg_locks where locktype = 'advisory' and granted and database = "
      "(select oid from pg_database where datname = current_database()))";
  ASSERT_TRUE(test::comes_true(other, is_at_work));
  const Finished refused = run({"loads", "forget", "1", "--give-up-indexes"});
  EXPECT_EQ(6, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("a run is at work on this load"));
  db().run("rollback");
  running.wait();
}

}  // namespace
}  // namespace sluice::test

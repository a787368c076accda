#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// Whoever loads may write to the ledger, by the grants that the message of a load advises. What he
/// writes there must not have another one's file left out or loaded twice.
class LedgerLies : public DatabaseTest {
 protected:
  LedgerLies() {
    db().run("create table mine (id int); create unlogged table theirs (id int)");
    theirs_ = folder_.write("theirs.csv", "id\n1\n");
    EXPECT_EQ(0, load(theirs_, "theirs", url()).exit_code);
    low_ = url_of_new_role("ledger_liar");
    db().run(
        "grant usage on schema pgsluice to ledger_liar; grant select, insert, update, delete on "
        "all "
        "tables in schema pgsluice to ledger_liar; grant usage on all sequences in schema pgsluice "
        "to ledger_liar; grant insert on mine to ledger_liar");
    EXPECT_EQ(0, load(folder_.write("mine.csv", "id\n2\n"), "mine", low_).exit_code);
    // So that what is copied from a row of his is something else.
    db().run(
        "update pgsluice.loads set part_gone = true, marked = false, staged = true, updates = "
        "true, "
        "behind_load = 0, rejects_path = 'x', state = 'void', runs = 9, rows_skipped = 9, origin = "
        "'o:o', "
        "rows_deleted = 9, rows_undone = 9, rows_rejected = 9, rows_updated = 9, rows_unchanged = "
        "9, record_bytes_max = 9, "
        "chunk_bytes = 9, "
        "rows_stored = 9, records_read = 9, ledger_oid = 9 where load_id = 2");
    before_ = ledger();
  }
  ~LedgerLies() override { db().run("drop owned by ledger_liar; drop role ledger_liar"); }

  Finished load(const std::string& file, const std::string& table, const std::string& as) {
    return pgsluice({"load", file, "-t", table, "--progress", "none", "-d", as});
  }
  /// What it says of their load.
  std::string ledger() {
    std::string text;
    for (const char* table : {"loads", "chunks", "unlogged_marks"})
      text += db().value(std::string("select jsonb_agg(x)::text from pgsluice.") + table +
                         " x where load_id = 1") +
              "\n";
    return text + db().value("select count(*) from pgsluice.loads") +
           db().value("select count(*) from pgsluice.chunks");
  }
  void expect_refused(const std::string& sql) {
    SCOPED_TRACE(sql);
    Session liar(low_);
    try {
      liar.run(sql);
      ADD_FAILURE() << "was not refused";
    } catch (const std::runtime_error& refused) {
      EXPECT_THAT(refused.what(), ::testing::AnyOf(HasSubstr("is not for user"),
                                                   HasSubstr("is not in pgsluice.loads"),
                                                   HasSubstr("can only be updated to DEFAULT")));
    }
    EXPECT_EQ(before_, ledger());
  }
  std::vector<std::string> columns(const std::string& table) {
    std::vector<std::string> names;
    for (const auto& row :
         db().rows("select quote_ident(attname) from pg_attribute where attrelid = 'pgsluice." +
                   table + "'::regclass and attnum > 0 and not attisdropped order by attnum"))
      names.push_back(row.front());
    return names;
  }

  TemporaryFolder folder_;
  std::string theirs_;
  std::string low_;
  std::string before_;
};

TEST_F(LedgerLies, NoColumnOfAnothersLoadCanBeChanged) {
  for (const char* table : {"loads", "chunks", "unlogged_marks"}) {
    for (const std::string& column : columns(table)) {
      if (column == "part_gone") continue;
      expect_refused(std::string("update pgsluice.") + table + " l set " + column + " = m." +
                     column + " from pgsluice." +
                     (std::string(table) == "unlogged_marks" ? "loads" : table) +
                     " m where l.load_id = 1 and m.load_id = 2");
    }
    expect_refused(std::string("delete from pgsluice.") + table + " where load_id = 1");
  }
  expect_refused("update pgsluice.loads set part_gone = true, state = 'void' where load_id = 1");
  expect_refused("update pgsluice.loads set part_gone = part_gone where load_id = 1");
}

TEST_F(LedgerLies, NoLoadCanBeMadeIntoAnothers) {
  db().run(
      "update pgsluice.loads m set ledger_oid = t.ledger_oid, origin = t.origin from "
      "pgsluice.loads t where "
      "m.load_id = 2 and t.load_id = 1");
  before_ = ledger();
  const std::string mine = "target_oid = 'mine'::regclass";
  for (const char* lie : {"target = 'public.theirs'", "target_oid = 'theirs'::regclass",
                          "target_oid = 'theirs'::regclass, target = 'public.theirs'",
                          "origin = 'elsewhere', target = 'public.theirs'",
                          "ledger_oid = 7, target = 'public.theirs'", "load_id = default"})
    expect_refused(std::string("update pgsluice.loads set ") + lie + " where load_id = 2");

  std::string names;
  for (const std::string& name : columns("loads"))
    if (name != "load_id") names += (names.empty() ? "" : ", ") + name;
  // As theirs is, finished, but for what is said of the table.
  for (const char* place :
       {"'public.theirs', 'theirs'::regclass, ledger_oid, origin",
        "'public.theirs', 'mine'::regclass, ledger_oid, origin",
        "'public.theirs', 'mine'::regclass, ledger_oid, ''",
        "'public.theirs', 'mine'::regclass, ledger_oid, '1:1'",
        "'public.theirs', 'mine'::regclass, 1, origin", "'public.mine', 'mine'::regclass, 1, '1:1'",
        "'public.theirs', 0, ledger_oid, origin", "'public.theirs', 0, 1, '1:1'",
        "'public.mine', 'theirs'::regclass, ledger_oid, origin"}) {
    std::string rest;
    for (const std::string& name : columns("loads"))
      if (name != "load_id" && name != "target" && name != "target_oid" && name != "ledger_oid" &&
          name != "origin")
        rest += ", " + name;
    expect_refused("insert into pgsluice.loads (target, target_oid, ledger_oid, origin" + rest +
                   ") select " + place + rest + " from pgsluice.loads where load_id = 1");
  }
  expect_refused(
      "insert into pgsluice.loads (load_id, " + names + ") overriding system value select 3, " +
      names +
      " from pgsluice.loads where load_id = 2 and nextval('pgsluice.loads_load_id_seq') > 0 and "
      "nextval('pgsluice.loads_load_id_seq') > 0");
  std::string chunk;
  for (const std::string& name : columns("chunks"))
    chunk += (chunk.empty() ? "" : ", ") + (name == "load_id" || name == "chunk" ? "1" : name);
  expect_refused("insert into pgsluice.chunks select " + chunk +
                 " from pgsluice.chunks where load_id = 2");
  db().run("delete from pgsluice.unlogged_marks");
  before_ = ledger();
  expect_refused("insert into pgsluice.unlogged_marks values (1)");
}

TEST_F(LedgerLies, WhatIsToldOfAPartKeepsTheFileAwayAndSaysSo) {
  Session(low_).run("update pgsluice.loads set part_gone = true where load_id = 1");
  const Finished again = load(theirs_, "theirs", url());
  EXPECT_EQ(7, again.exit_code);
  EXPECT_EQ(1, db().number("select count(*) from theirs"));
}

/// A role that may empty a table above says what becomes of the loads below.
/// One statement may wait between its rows until the load that it writes about is entered.
TEST_F(LedgerLies, NothingIsWrittenAboutLoadsThatAreNotEntered) {
  const std::string insert =
      "insert into pgsluice.chunks (load_id, chunk, byte_offset, byte_count, first_line, "
      "first_record, records_read, rows_stored, digest) ";
  expect_refused(insert + "values (3, 0, 0, 3, 2, 1, 1, 1, 1)");
  expect_refused("insert into pgsluice.unlogged_marks (load_id) values (3)");
  db().run(
      "create function enters() returns bigint language plpgsql security definer as $$ begin "
      "insert into pgsluice.loads select (jsonb_populate_record(l, jsonb_build_object('load_id', "
      "3, "
      "'state', 'unfinished'))).* from pgsluice.loads l where load_id = 1; return 1; end $$");
  expect_refused(insert +
                 "select 3, n, 0, 3, 2, 1, 1, 1, case n when 1 then enters() else 1 end from "
                 "generate_series(0, 1) n");
}

/// A chunk that is there already is one that this load has stored: the same bytes.
TEST_F(LedgerLies, AClaimOfOtherBytesIsNoStoredChunk) {
  std::string csv = "id\n";
  for (int i = 0; i < 200; ++i) csv += "3\n";
  const std::string path = folder_.write("long.csv", csv);
  Session other(url());
  other.run("begin; lock table theirs in share mode");
  Process process({"load", path, "-t", "theirs", "--progress", "none", "-d", url(), "--chunk-size",
                   "64", "-j", "1"});
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where not granted and relation = "
                 "'theirs'::regclass)"));
  db().run(
      "insert into pgsluice.chunks (load_id, chunk, byte_offset, byte_count, first_line, "
      "first_record, records_read, rows_stored, digest) select load_id, 1, 67, 64, 34, 33, 32, 32, "
      "7 "
      "from pgsluice.loads where state = 'unfinished'");
  other.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("is there with another content"));
}

TEST_F(LedgerLies, TruncateOfAParentIsNoLie) {
  db().run(
      "create table p (id int) partition by range (id); create table p1 partition of p default; "
      "grant insert, truncate on p to ledger_liar");
  const std::string in = folder_.write("in.csv", "id\n5\n");
  ASSERT_EQ(0, load(in, "p1", url()).exit_code);
  const Finished emptied =
      pgsluice({"load", folder_.write("p.csv", "id\n6\n"), "-t", "p", "--truncate", "-d", low_});
  EXPECT_EQ(0, emptied.exit_code) << emptied.err;
  EXPECT_EQ(0, load(in, "p1", url()).exit_code);
  EXPECT_EQ(2, db().number("select count(*) from p"));
}

/// Somebody who may, deletes chunks of a load that is at work.
TEST_F(LedgerLies, ChunksThatNoCrashHasTakenAreNotSentAgain) {
  db().run(
      "create function public.forget_one() returns trigger language plpgsql as $$ begin delete "
      "from "
      "pgsluice.chunks where load_id = new.load_id and chunk = 0; return null; end $$; "
      "create trigger forget after insert on pgsluice.chunks for each row when (new.chunk = 3) "
      "execute function public.forget_one()");
  std::string csv = "id\n";
  for (int i = 0; i < 2000; ++i) csv += std::to_string(1000 + i) + "\n";
  const std::string in = folder_.write("many.csv", csv);
  const Finished finished =
      pgsluice({"load", in, "-t", "mine", "--chunk-size", "1KiB", "--jobs", "1", "-d", url()});
  EXPECT_EQ(1, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("1 rows of load 3 were deleted from pgsluice.chunks"));
  EXPECT_EQ(0, db().number("select count(*) - count(distinct id) from mine"));
}

}  // namespace
}  // namespace sluice::test

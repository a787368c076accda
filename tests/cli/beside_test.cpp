#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "cli/beside.hpp"
#include "support/patience.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// --truncate empties the table when its load begins: one that began without it is not gone on
/// with.
TEST_F(Beside, WhatBeganWithoutTruncateBeginsAnewWithIt) {
  for (const bool has_stored : {false, true}) {
    db().run("drop table if exists t; create table t (id int); insert into t values (100)");
    std::string csv = "id\n";
    if (has_stored)
      for (int i = 1; i <= 200; ++i) csv += "1\n";
    const std::string file = folder_.write("in.csv", csv + "x\n2\n");
    ASSERT_EQ(1, load(file, "t", {"--chunk-size", "64", "-j", "1"}).exit_code);
    const Finished emptied = load(file, "t", {"--truncate", "--max-rejects", "1"});
    EXPECT_EQ(3, emptied.exit_code) << emptied.err;
    EXPECT_THAT(emptied.err, HasSubstr("is given up"));
    EXPECT_EQ(has_stored ? "201" : "1", db().value("select count(*) from t"));
    EXPECT_EQ("0", db().value("select count(*) from t where id = 100"));
  }
}

/// ... and one that began with it is gone on with, with it and without.
TEST_F(Beside, WhatBeganWithTruncateGoesOn) {
  for (const bool again_with_it : {false, true}) {
    db().run("drop table if exists t; create table t (id int); insert into t values (100)");
    std::string csv = "id\n";
    for (int i = 1; i <= 200; ++i) csv += "1\n";
    const std::string file = folder_.write("in.csv", csv + "x\n2\n");
    ASSERT_EQ(1, load(file, "t", {"--chunk-size", "64", "-j", "1", "--truncate"}).exit_code);
    db().run("insert into t values (7)");  // somebody else's
    std::vector<std::string> more{"--max-rejects", "1"};
    if (again_with_it) more.emplace_back("--truncate");
    const Finished resumed = load(file, "t", more);
    EXPECT_EQ(3, resumed.exit_code) << resumed.err;
    EXPECT_THAT(resumed.err, HasSubstr("resuming load"));
    EXPECT_EQ("202", db().value("select count(*) from t"));
    EXPECT_EQ("1", db().value("select count(*) from t where id = 7"));
  }
}

/// The chunks of a load are those that it began with, whatever the flag says now.
TEST_F(Beside, WhatGoesOnSaysTheChunksThatItHas) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 200; ++i) csv += "1\n";
  const std::string file = folder_.write("in.csv", csv + "x\n2\n");
  ASSERT_EQ(1, load(file, "t", {"--chunk-size", "64", "-j", "1"}).exit_code);
  const std::vector<std::string> more{"--chunk-size", "1MiB", "-j", "2", "--max-rejects", "1"};
  std::vector<std::string> dry = more;
  dry.emplace_back("--dry-run");
  const Finished foreseen = load(file, "t", dry);
  EXPECT_THAT(foreseen.out, ::testing::ContainsRegex("chunks +64 bytes"));
  // It is decided when the ledger can be read.
  Session locker(url());
  locker.run("begin; lock table pgsluice.loads in access exclusive mode");
  Process process(command(file, "t", more));
  ASSERT_TRUE(comes_true("select exists (select from pg_locks where not granted)"));
  std::this_thread::sleep_for(300ms);
  locker.run("rollback");
  const Finished resumed = process.wait();
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming load"));
  EXPECT_THAT(resumed.err, HasSubstr(", 64 bytes chunks"));
  EXPECT_THAT(resumed.err, Not(HasSubstr("1 MiB chunks")));
}

/// What goes on with a load that --again began is the command without it.
TEST_F(Beside, AgainSaysHowItGoesOn) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 200; ++i) csv += "1\n";
  const std::string good = folder_.write("in.csv", csv + "3\n2\n");
  ASSERT_EQ(0, load(good, "t").exit_code);
  db().run("alter table t add check (id <> 3) not valid");
  const Finished failed = load(good, "t", {"--again", "--chunk-size", "64", "-j", "1"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("the same command without --again goes on where it stopped"));
  const auto stored = db().number("select count(*) from t");
  ASSERT_GT(stored, 202);
  const Finished gone_on = load(good, "t", {"--max-rejects", "1"});
  EXPECT_EQ(3, gone_on.exit_code) << gone_on.err;
  EXPECT_EQ(202 + 201, db().number("select count(*) from t"));
  db().run("create table u (id int)");
  ASSERT_EQ(0, load(good, "u", {"--truncate"}).exit_code);
  const Finished once_more = load(good, "u", {"--truncate"});
  EXPECT_THAT(once_more.out, HasSubstr("Nothing was emptied: --again with --truncate does that"));
}

TEST_F(Beside, RowsThatWereUpdatedAreGoneToo) {
  db().run("create table t (id int primary key, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  const std::string b = folder_.write("b.csv", "id,v\n1,x\n2,y\n");
  ASSERT_EQ(0, load(a, "t", {"--on-conflict", "update"}).exit_code);
  ASSERT_EQ(0, load(b, "t", {"--on-conflict", "update"}).exit_code);
  db().run("truncate t");
  EXPECT_EQ(0, load(b, "t", {"--on-conflict", "update"}).exit_code);
  EXPECT_EQ("1 2", ids("t"));
}

TEST_F(Beside, ATableThatBecomesUnloggedHasLostNothing) {
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  db().run("create table t (id int, v text)");
  ASSERT_EQ(0, load(a, "t").exit_code);
  db().run("alter table t set unlogged");
  EXPECT_THAT(load(a, "t").out, HasSubstr("nothing to do"));
  db().run(
      "create table p (id int, v text) partition by range (id); create table p1 partition of p "
      "for values from (0) to (9)");
  ASSERT_EQ(0, load(a, "p").exit_code);
  db().run("create unlogged table p2 partition of p default");
  EXPECT_THAT(load(a, "p").out, HasSubstr("nothing to do"));
}

TEST_F(Beside, WhoSeesNoRowsDoesNotTakeTheTableForEmpty) {
  const std::string as_role = url_of_new_role("beside_writer");
  db().run(
      "create table t (id int, v text); alter table t enable row level security; create policy i "
      "on t for insert with check (true); grant select, insert on t to beside_writer; create "
      "schema pgsluice authorization beside_writer; create table base (id int, v text); create "
      "view w as select * from base where v = 'new'; create table r (id int, v text); create "
      "rule r as on insert to r do instead insert into base values (new.*)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  const std::vector<std::string> by_role{"load", a, "-t", "t", "-d", as_role};
  ASSERT_EQ(0, pgsluice(by_role).exit_code);
  EXPECT_THAT(pgsluice(by_role).out, HasSubstr("nothing to do"));
  EXPECT_EQ("1 2", ids("t"));
  db().run("drop schema pgsluice cascade");
  for (const char* table : {"w", "r"}) {
    db().run("truncate base");
    const Finished first = load(a, table);
    ASSERT_EQ(0, first.exit_code) << first.err;
    EXPECT_THAT(load(a, table).out, HasSubstr("nothing to do")) << table;
    EXPECT_EQ("1 2", ids("base"));
  }
  db().run("drop schema pgsluice cascade; drop table t; drop role beside_writer");
}

/// A table is emptied with what is below it, and a part of what is above it.
TEST_F(Beside, TruncateReachesPartitionsChildrenAndViews) {
  db().run(
      "create table p (id int, v text) partition by range (id); create table p1 partition of p "
      "for values from (0) to (100); create table p2 partition of p default; create table t (id "
      "int, v text); create table c () inherits (t); create view w as select * from t; create "
      "view ww as select * from w");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n200,b\n");
  const std::string small = folder_.write("small.csv", "id,v\n2,c\n");
  const std::string b = folder_.write("b.csv", "id,v\n3,d\n");
  // Below: void.
  ASSERT_EQ(0, load(small, "p1").exit_code);
  ASSERT_EQ(0, load(b, "p", {"--truncate"}).exit_code);
  ASSERT_EQ(0, load(small, "p1").exit_code);
  EXPECT_EQ("2 3", ids("p"));
  ASSERT_EQ(0, load(small, "c").exit_code);
  ASSERT_EQ(0, load(b, "t", {"--truncate"}).exit_code);
  ASSERT_EQ(0, load(small, "c").exit_code);
  EXPECT_EQ("2 3", ids("t"));
  // Above: a part is gone.
  const std::vector<std::pair<std::string, std::string>> parts{
      {"p", "p1"}, {"w", "t"}, {"ww", "t"}, {"t", "c"}};
  for (const auto& [whole, part] : parts) {
    SCOPED_TRACE(whole + ", " + part);
    db().run("truncate p, t; truncate pgsluice.loads cascade");
    ASSERT_EQ(0, load(a, whole).exit_code);
    ASSERT_EQ(0, load(b, part, {"--truncate"}).exit_code);
    const Finished again = load(a, whole);
    EXPECT_EQ(7, again.exit_code);
    EXPECT_THAT(again.err, HasSubstr("has emptied a part of public." + whole));
    if (whole == "w" || whole == "ww") continue;
    EXPECT_EQ(0, load(a, whole, {"--again", "--truncate"}).exit_code);
    EXPECT_EQ("1 200", ids(whole));
    EXPECT_THAT(load(a, whole).out, HasSubstr("nothing to do"));
  }
}

TEST_F(Beside, ARunningLoadLosesAPart) {
  db().run(
      "create table p (id int, v text, w text) partition by range (id); create table p1 "
      "partition of p for values from (0) to (1000); create table p2 partition of p default; "
      "create table t (id int, v text, w text); create table c () inherits (t); create view w as "
      "select * from t");
  const std::string in = big();
  const std::string other = folder_.write("other.csv", "id,v,w\n-1,d,e\n");
  const std::string first = folder_.write("first.csv", "id,v,w\n5,d,e\n");
  const std::vector<std::pair<std::string, std::string>> cases{{"p", "p1"}, {"w", "t"}, {"c", "t"}};
  for (const auto& [loaded, emptied] : cases) {
    SCOPED_TRACE(loaded + ", " + emptied);
    Gate gate = half_way(loaded == "p" ? "p" : "t");
    Process process(in_chunks(in, loaded));
    ASSERT_TRUE(is_under_way(gate));
    Process truncates(command(emptied == "p1" ? first : other, emptied, {"--truncate", "--again"}));
    const auto waits = [this] {
      return db().value(
                 "select exists (select from pg_locks where not granted and locktype = "
                 "'relation')") == "t";
    };
    ASSERT_TRUE(is_seen([&] { return !truncates.running() || waits(); }));
    gate.open();
    const Finished truncating = truncates.wait();
    const Finished finished = process.wait();
    EXPECT_EQ(0, truncating.exit_code) << truncating.err;
    EXPECT_EQ(1, finished.exit_code) << finished.err;
    EXPECT_NE("finished",
              db().value("select state from pgsluice.loads where source like '%big.csv' "
                         "order by load_id desc limit 1"));
    db().run("truncate p, t; truncate pgsluice.loads cascade");
  }
}

TEST_F(Beside, AGrownFileIsNotAppendedToAnEmptiedTable) {
  db().run("create table t (id int, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(a, "t").exit_code);
  db().run("truncate t");
  append(a, "3,c\n");
  EXPECT_EQ(0, load(a, "t", {"--grown", "append"}).exit_code);
  EXPECT_EQ("1 2 3", ids("t"));
}

TEST_F(Beside, AGrownFileWhoseLastRecordWasCutInQuotesBeginsWithThatAgain) {
  db().run("create table t (id int, v text)");
  for (const bool with_backslash : {false, true}) {
    std::vector<std::string> more{"--max-rejects", "3", "--again", "--truncate"};
    if (with_backslash) more.insert(more.end(), {"--escape", "\\"});
    const std::string a = folder_.write(
        "a.csv", with_backslash ? "id,v\n1,\"a\\\"\"\n2,\"b\n" : "id,v\n1,\"a\"\"\"\n2,\"b\n");
    ASSERT_EQ(3, load(a, "t", more).exit_code);
    append(a, "b\"\n3,c\n");
    more = {"--max-rejects", "3", "--grown", "append"};
    if (with_backslash) more.insert(more.end(), {"--escape", "\\"});
    EXPECT_EQ(0, load(a, "t", more).exit_code);
    EXPECT_EQ("1 2 3", ids("t"));
  }
}

TEST_F(Beside, ManyOtherFilesOfThePathHideNone) {
  db().run("create table t (id int, v text)");
  const std::string first = "id,v\n0,first\n";
  const std::string day = folder_.write("day.csv", first);
  ASSERT_EQ(0, load(day, "t").exit_code);
  // 300 of them, as if each had been loaded.
  db().run(R"(do $$ declare columns text; begin
      select string_agg(quote_ident(attname), ', ') into columns from pg_attribute
        where attrelid = 'pgsluice.loads'::regclass and attnum > 0
          and attname not in ('load_id', 'fingerprint', 'head', 'source_stamp');
      execute format('insert into pgsluice.loads (fingerprint, head, source_stamp, %1$s) select
        md5(n::text), md5(n::text), ''host 1:'' || n || '' x'', %1$s from pgsluice.loads,
        generate_series(1, 300) n', columns); end $$)");
  folder_.write("other.csv", first);
  std::filesystem::rename(folder_ / "other.csv", day);
  EXPECT_THAT(load(day, "t").out, HasSubstr("nothing to do"));
}

TEST_F(Beside, ARenamedFileThatHasGrownIsTheSameFile) {
  db().run("create table t (id int, v text); create table b (id int, v text, w text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(a, "t").exit_code);
  std::filesystem::rename(a, folder_ / "a.1.csv");
  append(folder_ / "a.1.csv", "3,c\n");
  EXPECT_EQ(7, load(folder_ / "a.1.csv", "t").exit_code);
  EXPECT_EQ("1 2", ids("t"));
  // And where its load was not finished.
  const std::string in = big();
  Gate gate = half_way("b");
  Process process(in_chunks(in, "b"));
  ASSERT_TRUE(is_under_way(gate));
  kill(process, gate);
  std::filesystem::rename(in, folder_ / "big.1.csv");
  append(folder_ / "big.1.csv", "-1,x,y\n");
  const Finished grown = load(folder_ / "big.1.csv", "b");
  EXPECT_EQ(0, grown.exit_code) << grown.err;
  EXPECT_THAT(grown.err, HasSubstr("resuming load"));
  EXPECT_EQ(60'001, db().number("select count(*) from b"));
  EXPECT_EQ(60'001, db().number("select count(distinct id) from b"));
}

TEST_F(Beside, AFileAndAStreamOfItsBytesDoNotComeAtOnce) {
  db().run("create table t (id int, v text, w text)");
  const std::string in = big();
  Gate gate = half_way("t");
  Process process(in_chunks(in, "t"));
  ASSERT_TRUE(is_under_way(gate));
  const Finished stream = load("-", "t", {}, {.input = in});
  gate.open();
  EXPECT_EQ(6, stream.exit_code) << stream.err;
  EXPECT_THAT(stream.err, HasSubstr("another run holds this load"));
  EXPECT_EQ(0, process.wait().exit_code);
  EXPECT_EQ(60'000, db().number("select count(*) from t"));
}

/// Of a file whose first records alone were loaded, and which has grown, these are not loaded
/// again.
TEST_F(Beside, AFileOfWhichAPartWasLoadedAndThatHasGrownIsRefused) {
  for (const int records : {4, 30'000}) {
    std::string csv = "id,v\n";
    for (int i = 1; i <= records; ++i) csv += std::to_string(i) + ",some text\n";
    const std::string in = folder_.write("in" + std::to_string(records) + ".csv", csv);
    db().run("drop table if exists t; create table t (id int, v text)");
    ASSERT_EQ(0, load(in, "t", {"--limit", "2"}).exit_code);
    EXPECT_EQ(7, load(in, "t").exit_code);
    append(in, "0,x\n");
    EXPECT_EQ(7, load(in, "t").exit_code);
    EXPECT_EQ(7, load(in, "t", {"--grown", "append"}).exit_code);
    EXPECT_EQ("1 2", ids("t"));
  }
}

/// A table that DELETE has emptied is seen to be empty by whatever comes next.
TEST_F(Beside, RowsThatWereAllDeletedAreMissedByTheNextFile) {
  db().run("create table t (id int)");
  const std::string a = folder_.write("a.csv", "id\n1\n2\n");
  const std::string b = folder_.write("b.csv", "id\n3\n");
  ASSERT_EQ(0, load(a, "t").exit_code);
  db().run("delete from t");
  EXPECT_EQ(0, load(b, "t").exit_code);
  EXPECT_EQ(0, load(a, "t").exit_code);
  EXPECT_EQ("1 2 3", ids("t"));
}

/// Two runs of one file whose content differs, as it grows between them, are two runs of one file.
TEST_F(Beside, AFileThatGrowsIsLoadedByOneRunAtATime) {
  db().run("create table t (id int)");
  const std::string in = folder_.write("in.csv", "id\n1\n2\n");
  ASSERT_EQ(0, load(folder_.write("first.csv", "id\n9\n"), "t").exit_code);  // the ledger is there
  Session other(url());
  other.run("begin; lock table t in share mode");
  Process process(command(in, "t"));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where not granted and relation = "
                 "'t'::regclass)"));
  append(in, "3\n");
  const Finished second = load(in, "t");
  EXPECT_EQ(6, second.exit_code) << second.err;
  EXPECT_THAT(second.err, HasSubstr("another run holds this load (process "));
  other.run("commit");
  process.wait();
  EXPECT_EQ("1 2 9", ids("t"));
}

/// A store through a mapping whose page is dirty already changes no time.
TEST_F(Beside, AFileWithTheStampOfThenAndOtherContentIsAnotherOne) {
  db().run("create table t (id int, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(a, "t").exit_code);
  ASSERT_THAT(load(a, "t").out, HasSubstr("nothing to do"));
  folder_.write("b.csv", "id,v\n8,a\n9,b\n");
  std::filesystem::rename(folder_ / "b.csv", a);
  // As if its stamp were still that of then.
  ASSERT_EQ(0, load(a, "t").exit_code);
  db().run(
      "delete from t where id > 2; update pgsluice.loads l set source_stamp = (select "
      "source_stamp from pgsluice.loads where load_id = 2); delete from pgsluice.loads where "
      "load_id = 2");
  const Finished changed = load(a, "t");
  EXPECT_EQ(0, changed.exit_code) << changed.err;
  EXPECT_EQ("1 2 8 9", ids("t"));
}

bool has_open(const Process& process, const std::string& path) {
  const std::string folder = "/proc/" + std::to_string(process.pid()) + "/fd";
  std::error_code gone;
  for (const auto& fd : std::filesystem::directory_iterator(folder, gone))
    if (std::filesystem::read_symlink(fd.path(), gone) == path) return true;
  return false;
}

TEST_F(Beside, AFileThatChangesWhileTheLoadBeginsIsNoticed) {
  const std::string as_role = url_of_new_role("beside_waits");
  db().run(
      "create table t (id int, v text); grant all on t to beside_waits; create schema pgsluice "
      "authorization beside_waits; alter role beside_waits connection limit 0");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n2,b\n");
  for (const char* more : {"3,c\n", ""}) {
    db().run("alter role beside_waits connection limit 0");
    Process process({"load", a, "-t", "t", "-d", as_role, "--again"});
    ASSERT_TRUE(is_seen([&] { return has_open(process, a) || !process.running(); }));
    std::this_thread::sleep_for(300ms);
    if (*more == '\0') {
      std::fstream(a, std::ios::in | std::ios::out) << "id,v\n8,A\n9,B\n";
    } else {
      append(a, more);
    }
    db().run("alter role beside_waits connection limit -1");
    const Finished finished = process.wait();
    EXPECT_EQ(7, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("changed while it was read"));
    const Finished again = pgsluice({"load", a, "-t", "t", "-d", as_role});
    EXPECT_EQ(7, again.exit_code) << again.err << again.out;
  }
  db().run("drop schema pgsluice cascade; drop table t; drop role beside_waits");
}

TEST_F(Beside, TruncateLeavesTheRowsOfThisFileAlone) {
  db().run("create table t (id int, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,a\n");
  const std::string b = folder_.write("b.csv", "id,v\n2,b\n");
  ASSERT_EQ(0, load(a, "t", {"--truncate"}).exit_code);
  EXPECT_THAT(load(a, "t", {"--truncate"}).out, HasSubstr("nothing to do"));
  ASSERT_EQ(0, load(b, "t").exit_code);
  EXPECT_THAT(load(a, "t").out, HasSubstr("nothing to do"));
  EXPECT_EQ(0, load(a, "t", {"--truncate"}).exit_code);
  EXPECT_EQ("1", ids("t"));
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One command, many files.
class ManyFiles : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int primary key, name text)"); }

  Finished load(const std::vector<std::string>& what, const std::vector<std::string>& flags = {}) {
    std::vector<std::string> all{"load", "-t", "t", "-d", url(), "--progress", "none"};
    all.insert(all.end(), flags.begin(), flags.end());
    all.insert(all.end(), what.begin(), what.end());
    return pgsluice(all);
  }
  nlohmann::json load_json(const std::vector<std::string>& what, int exit_code,
                           std::vector<std::string> flags = {}) {
    flags.insert(flags.end(), {"--output", "json"});
    const Finished finished = load(what, flags);
    EXPECT_EQ(exit_code, finished.exit_code) << finished.out << finished.err;
    return nlohmann::json::parse(finished.out);
  }
  std::string table() {
    return db().value(
        "select count(*) || ' ' || coalesce(md5(string_agg(t::text, ' ' order by "
        "id)), '') from t");
  }
  std::string path(const std::string& name) const { return folder_ / name; }

  /// Files of so many rows each, numbered through; each `bad`th has a record that is refused.
  void write_files(const std::vector<int>& rows, std::size_t bad) {
    std::filesystem::create_directories(folder_ / "in");
    int id = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::string text = "id,name\n";
      for (int row = 0; row < rows[i]; ++row)
        text += std::to_string(++id) + ",\"row\n" + std::to_string(row) + "\"\n";
      if (bad > 0 && i % bad == bad - 1) text += "x,bad\n";
      const std::string number = std::to_string(1000 + i);
      folder_.write("in/" + number + ".csv", text);
    }
  }

  TemporaryFolder folder_;
};

/// Ended in the middle of the transaction that stores them all, each file says so.
TEST_F(ManyFiles, TwoSignalsWhileTheyAreStoredTogether) {
  write_files(std::vector<int>(40, 1), 0);
  db().run(
      "create function f() returns trigger language plpgsql as 'begin if new.id > 20 then perform "
      "pg_sleep(60); end if; return new; end'; create trigger slow after insert on t for each row "
      "execute function f()");
  Process loading({"load", path("in"), "-t", "t", "-d", url(), "--progress", "none", "--output",
                   "json", "--jobs", "2"});
  ASSERT_TRUE(
      comes_true("select exists (select from pg_stat_activity where wait_event = 'PgSleep' and "
                 "datname = current_database())"));
  loading.signal(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  loading.signal(SIGTERM);
  const Finished ended = loading.wait();
  EXPECT_EQ(143, ended.exit_code) << ended.err;
  const auto json = nlohmann::json::parse(ended.out);
  EXPECT_EQ(143, json["exit_code"]) << ended.out;
  EXPECT_TRUE(no_session_left());
  db().run("drop trigger slow on t");
  EXPECT_EQ(0, load({path("in")}).exit_code);
  EXPECT_EQ(40, db().number("select count(*) from t"));
}

TEST_F(ManyFiles, SideBySideIsTheSameAsOneByOne) {
  std::vector<int> rows;
  for (int i = 0; i < 120; ++i) rows.push_back(i % 40 == 7 ? 60'000 : i % 10 == 3 ? 0 : 1 + i * 3);
  write_files(rows, 9);
  std::map<std::string, std::string> outcomes;
  for (const char* jobs : {"1", "4", "auto"}) {
    SCOPED_TRACE(jobs);
    db().run("truncate t");
    std::vector<std::string> flags{"--max-rejects", "5", "--again"};
    if (std::string(jobs) != "auto") flags.insert(flags.end(), {"--jobs", jobs});
    const auto json = load_json({path("in")}, 3, flags);
    ASSERT_EQ(120U, json["loads"].size());
    std::string outcome = table();
    for (std::size_t i = 0; i < 120; ++i) {
      const auto& one = json["loads"][i];
      EXPECT_THAT(one["source"].get<std::string>(), HasSubstr(std::to_string(1000 + i) + ".csv"));
      outcome += " " + one["status"].get<std::string>() + one["rows_stored"].dump() + "/" +
                 one["rows_rejected"].dump();
    }
    outcomes[jobs] = outcome;
  }
  EXPECT_EQ(outcomes["1"], outcomes["4"]);
  EXPECT_EQ(outcomes["1"], outcomes["auto"]);
  EXPECT_EQ("0", db().value("select count(*) from pgsluice.loads where state = 'unfinished'"));
}

TEST_F(ManyFiles, TheSameAgainHasNothingToDo) {
  write_files(std::vector<int>(50, 20), 0);
  EXPECT_EQ(0, load({path("in")}).exit_code);
  const std::string before = table();
  folder_.write("in/1010.csv", "id,name\n5000,changed\n");
  folder_.write("in/2000.csv", "id,name\n5001,new\n");
  const Finished told = load({path("in/1001.csv"), path("in/1002.csv")});
  EXPECT_EQ(0, told.exit_code) << told.err;
  for (const char* name : {"in/1001.csv", "in/1002.csv"})
    EXPECT_THAT(told.out, HasSubstr("nothing to do                 0           0  " + path(name)));
  EXPECT_THAT(told.out, ::testing::StartsWith("result ")) << "the table says it, and nothing else";
  const Finished many = load({path("in/10[234]*.csv")});
  EXPECT_THAT(many.out,
              ::testing::AllOf(HasSubstr("\nnothing to do                 0           0  30 files"),
                               HasSubstr("30 of 30 files"), ::testing::Not(HasSubstr("1021.csv"))));
  EXPECT_THAT(load({path("in/1001.csv")}).out, ::testing::StartsWith("nothing to do"));
  const auto json = load_json({path("in/*.csv")}, 0);
  EXPECT_EQ(49, std::ranges::count_if(json["loads"],
                                      [](const auto& one) {
                                        return one["status"] == "nothing to do" ||
                                               one["status"] == "nothing_to_do";
                                      }))
      << json.dump(1);
  EXPECT_EQ("1002", db().value("select count(*) from t"));
}

TEST_F(ManyFiles, AFailureKeepsOthersFromBeginning) {
  write_files(std::vector<int>(60, 5), 0);
  folder_.write("in/1001.csv", "id,name\nx,bad\n");
  const auto json = load_json({path("in")}, 1);
  EXPECT_GT(json["totals"]["not_begun"].get<int>(), 0);
  EXPECT_EQ(1, json["totals"]["failed"].get<int>());
  const auto all = load_json({path("in")}, 1, {"--keep-going"});
  EXPECT_EQ(0, all["totals"]["not_begun"].get<int>());
  EXPECT_EQ("295", db().value("select count(*) from t"));
}

TEST_F(ManyFiles, WhatIsLoadedMayBeMovedAway) {
  write_files(std::vector<int>(30, 5), 10);
  EXPECT_EQ(
      3, load({path("in")}, {"--max-rejects", "1", "--after", "move:" + path("done")}).exit_code);
  EXPECT_EQ("150", db().value("select count(*) from t"));
  std::size_t moved = 0;
  for (const auto& file : std::filesystem::directory_iterator(path("done")))
    moved += file.path().extension() == ".csv";
  EXPECT_EQ(30U, moved);
  const Finished again = load({path("in")});
  EXPECT_EQ(2, again.exit_code);
  EXPECT_THAT(again.err, HasSubstr("has no *.csv"));
}

TEST_F(ManyFiles, FoldersPatternsAndListsMeanFiles) {
  write_files({1, 2, 3}, 0);
  std::filesystem::create_directories(path("in/deep/er"));
  folder_.write("in/deep/er/9.csv", "id,name\n900,deep\n");
  const std::string list =
      folder_.write("list.txt", path("in/1000.csv") + "\n" + path("in/100[12].csv") + "\n");
  EXPECT_EQ(0, load({"@" + list}).exit_code);
  EXPECT_EQ("6", db().value("select count(*) from t"));
  EXPECT_EQ(0, load({path("in/**/*.csv")}).exit_code);
  EXPECT_EQ("7", db().value("select count(*) from t"));
  const Finished none = load({path("in/*.tsv")});
  EXPECT_EQ(2, none.exit_code);
  EXPECT_THAT(none.err, HasSubstr("no file matches this pattern"));
  folder_.write("list.txt", path("in/1000.csv") + "\n# " + path("x") + "\n\n  " +
                                path("in/1001.csv") + " \r\n\tgone.csv \n");
  const Finished gone = load({"@" + list}, {"--keep-going"});
  EXPECT_EQ(2, gone.exit_code) << gone.err;
  EXPECT_THAT(gone.err, HasSubstr("gone.csv: No such file or directory\n  It is named by @" + list +
                                  ", line 5."));
  EXPECT_THAT(gone.out, ::testing::ContainsRegex("nothing to do .*/in/1001.csv\n"));
}

/// A signal ends the command between two files, and it does not say that all is loaded.
TEST_F(ManyFiles, ASignalIsNoEnd) {
  write_files(std::vector<int>(1500, 3), 0);
  for (const char* jobs : {"1", "8"}) {
    SCOPED_TRACE(jobs);
    db().run("drop schema if exists pgsluice cascade; truncate t");
    Process command(
        {"load", path("in"), "-t", "t", "-d", url(), "--progress", "none", "--jobs", jobs});
    for (int i = 0; i < 500 && db().number("select count(*) from t") == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    command.signal(SIGTERM);
    const Finished finished = command.wait();
    const auto rows = db().number("select count(*) from t");
    if (rows == 4500) continue;  // too late
    EXPECT_EQ(143, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("files were not begun"));
    EXPECT_EQ(0, load({path("in")}).exit_code);
    EXPECT_EQ(4500, db().number("select count(*) from t"));
  }
}

/// What is short goes in one transaction, whatever it is packed with or written in.
TEST_F(ManyFiles, ThatAreShortGoTheShortWayInAnyForm) {
  const char* commands[] = {"cat",
                            "gzip -c",
                            "zstd -q -c",
                            "xz -c",
                            "bzip2 -c",
                            "lz4 -c",
                            "tar -c x",
                            "zip -q - x",
                            "tar -cz x",
                            "iconv -f UTF-8 -t UTF-16",
                            "iconv -f UTF-8 -t UTF-16LE | gzip -c"};
  std::filesystem::create_directories(folder_ / "in");
  int id = 0;
  folder_.write("in/00.csv", "id,name\n0,first\n");
  for (const char* command : commands) {
    for (int copy = 0; copy < 3; ++copy) {
      std::string text = "id,name\n";
      for (int row = 0; row < 50; ++row) text += std::to_string(++id) + ",é€\n";
      folder_.write("in/" + std::to_string(10'000 + id) + ".csv",
                    piped("cat > x; < x " + std::string(command), text));
    }
  }
  // Short as it lies there, and long in truth.
  std::string text = "id,name\n";
  for (int row = 0; row < 300'000; ++row) text += std::to_string(++id) + ",aaaa\n";
  folder_.write("in/long.csv.bz2", piped("bzip2 -c", text));
  folder_.write("in/cut.csv.gz", piped("gzip -c", "id,name\n-1,a\n").substr(0, 25));
  for (const char* jobs : {"1", "4"}) {
    SCOPED_TRACE(jobs);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const auto json = load_json({path("in")}, 1, {"--jobs", jobs, "--keep-going"});
    EXPECT_EQ(1, json["totals"]["failed"].get<int>());
    EXPECT_EQ(id + 1, json["totals"]["rows_stored"].get<int>());
    EXPECT_EQ(id + 1, db().number("select count(distinct id) from t"));
    EXPECT_EQ(33, db().number("select count(*) from pgsluice.loads l join pgsluice.chunks c using "
                              "(load_id) where l.xmin = c.xmin"))
        << db().value(
               "select string_agg(source, ' ') from pgsluice.loads l join pgsluice.chunks c "
               "using (load_id) where l.xmin <> c.xmin and chunk = 0");
    const auto again = load_json({path("in")}, 1, {"--jobs", jobs, "--keep-going"});
    EXPECT_EQ(0, again["totals"]["rows_stored"].get<int>());
    EXPECT_EQ(35, again["totals"]["ended_well"].get<int>());
  }
}

/// A table that was made anew still has the loads of the one before it: those of this one are known
/// all the same.
TEST_F(ManyFiles, AreKnownWhereTheNameHadAnotherTableBefore) {
  EXPECT_EQ(0, load({folder_.write("of_former.csv", "id,name\n-1,former\n")}).exit_code);
  db().run(
      "drop table t; create table t (id int primary key, name text); insert into t values (0)");
  write_files(std::vector<int>(100, 3), 0);
  EXPECT_EQ(0, load({path("in")}).exit_code);
  ASSERT_EQ(1, db().number("select count(*) from pgsluice.loads where state <> 'void' and "
                           "target_oid <> 't'::regclass"));
  const std::string before = table();
  const auto transactions = [this] {
    EXPECT_TRUE(no_session_left());
    return Session(url()).number(
        "select xact_commit + xact_rollback from pg_stat_database where datname = "
        "current_database()");
  };
  const std::int64_t so_far = transactions();
  const auto json = load_json({path("in")}, 0);
  EXPECT_EQ(0, json["totals"]["rows_stored"].get<int>());
  EXPECT_EQ(100, json["totals"]["ended_well"].get<int>());
  EXPECT_EQ(before, table());
  EXPECT_LT(transactions() - so_far, 60) << "they were asked for one by one";
}

TEST_F(ManyFiles, OneFileInTwoEncodingsIsNotLoadedTwice) {
  const std::string file = folder_.write("u.csv",
                                         "id,name\n1,Gr\xc3\xbc\xc3\x9f"
                                         "e\n");
  EXPECT_EQ(0, load({file}, {"--encoding", "latin1"}).exit_code);
  const Finished again = load({file});
  EXPECT_EQ(7, again.exit_code) << again.err;
  EXPECT_THAT(again.err, HasSubstr("--encoding"));
  EXPECT_EQ(0, load({file}, {"--encoding", "iso-8859-1"}).exit_code);  // nothing to do
  EXPECT_EQ("1", db().value("select count(*) from t"));
}

/// Rows of the later file win: their order is that of the command.
TEST_F(ManyFiles, OrderCountsWhereKeysMayMeet) {
  for (int i = 0; i < 30; ++i)
    folder_.write("u" + std::to_string(100 + i) + ".csv", "id,name\n1," + std::to_string(i) + "\n");
  EXPECT_EQ(0, load({path("u*.csv")}, {"--on-conflict", "update"}).exit_code);
  EXPECT_EQ("29", db().value("select name from t"));
}

TEST_F(ManyFiles, SmallOnesShareTransactions) {
  write_files(std::vector<int>(100, 3), 0);
  const auto json = load_json({path("in")}, 0, {"--jobs", "2"});
  EXPECT_EQ(300, db().number("select count(*) from t"));
  EXPECT_LT(db().number("select count(distinct xmin::text) from pgsluice.loads"), 8);
  for (const auto& one : json["loads"]) {
    EXPECT_EQ(3, db().number("select sum(rows_stored) from pgsluice.chunks where load_id = " +
                             one["load"].dump() +
                             " and load_id = (select load_id from "
                             "pgsluice.loads where state = 'finished' and source_path = '" +
                             one["source"].get<std::string>() + "')"));
  }
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What the ledger has is of lengths that the command does not know of.
TEST_F(ManyFiles, SmallOnesShareTransactionsBehindShorterOnes) {
  std::filesystem::create_directories(path("former"));
  std::string names;
  for (int i = 1; i <= 12; ++i) {
    names += "x";
    folder_.write("former/" + std::to_string(i) + ".csv",
                  "id,name\n" + std::to_string(-i) + "," + names + "\n");
  }
  load_json({path("former")}, 0);
  write_files(std::vector<int>(100, 50), 0);
  load_json({path("in")}, 0, {"--jobs", "2"});
  EXPECT_EQ(5012, db().number("select count(*) from t"));
  EXPECT_LT(db().number("select count(distinct xmin::text) from pgsluice.loads where source_path "
                        "not like '%former%'"),
            10);
}

/// A crash of the server empties such a table: each load has its mark.
TEST_F(ManyFiles, SmallOnesOfAnUnloggedTableHaveTheirMarks) {
  db().run("alter table t set unlogged");
  write_files(std::vector<int>(30, 2), 0);
  EXPECT_EQ(0, load({path("in")}).exit_code);
  EXPECT_EQ(30, db().number("select count(*) from pgsluice.unlogged_marks join pgsluice.loads "
                            "using (load_id) where marked"));
  EXPECT_EQ(0, load({path("in")}).exit_code);
  EXPECT_EQ(60, db().number("select count(*) from t"));
}

/// Of those that would have been stored with it, nothing is lost.
TEST_F(ManyFiles, WhatOneCannotDoIsItsOwn) {
  write_files(std::vector<int>(60, 5), 0);
  folder_.write("in/1005.csv", "name,id\nturned,7005\n");
  folder_.write("in/1007.csv", "id,name\nx,no number\n7007,b\n");
  folder_.write("in/1009.csv", "id,name\n1,taken\n7009,b\n");  // the key of another file's row
  folder_.write("in/1010.csv", "id,nome\n7010,b\n");
  folder_.write("in/1011.csv", "id,name\n");
  folder_.write("in/1012.csv", "");  // a load of no record
  const auto json = load_json({path("in")}, 1, {"--keep-going", "--jobs", "2"});
  std::map<std::string, int> codes;
  for (const auto& one : json["loads"]) {
    const int code = one["exit_code"].get<int>();
    if (code != 0) codes[std::filesystem::path(one["source"].get<std::string>()).stem()] = code;
  }
  EXPECT_EQ((std::map<std::string, int>{{"1007", 1}, {"1009", 1}, {"1010", 2}}), codes)
      << json.dump(1);
  EXPECT_EQ(54 * 5 + 1, db().number("select count(*) from t"));
  const Finished rest = load({path("in")}, {"--keep-going", "--max-rejects", "1"});
  EXPECT_EQ(54 * 5 + 3, db().number("select count(*) from t")) << rest.err;
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What has no binary form goes as text, and what a list says of a file is of that file.
TEST_F(ManyFiles, SmallOnesGoInEachFormAndWay) {
  db().run("create table p (id int, at circle, src text)");
  std::filesystem::create_directories(path("p"));
  for (int i = 0; i < 20; ++i)
    folder_.write("p/" + std::to_string(100 + i) + ".csv",
                  "id,at\n" + std::to_string(i) + ",\"<(1,2),3>\"\n");
  const std::vector<std::string> into{"-t", "p", "-d", url(), "--progress", "none", "--jobs", "2"};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"load", path("p"), "--again"});
    more.insert(more.end(), into.begin(), into.end());
    const Finished finished = pgsluice(more);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    const std::string found = db().value(
        "select count(*) || ' ' || count(distinct id) || ' ' || "
        "count(distinct src) from p");
    db().run("truncate p");
    return found;
  };
  EXPECT_EQ("20 20 0", run({}));
  EXPECT_EQ("20 20 20", run({"--add", "src=:file"}));
  EXPECT_EQ("20 20 20", run({"--select", "id::int, at::circle, :file as src"}));
  EXPECT_EQ("20 20 0", run({"--writer", "insert"}));
  EXPECT_EQ("10 10 0", run({"--where", "id >= 10"}));
}

/// Whoever comes first with a file has it: the others have nothing to do with that one.
TEST_F(ManyFiles, CommandsAtOnceLoadEachOnce) {
  db().run("alter table t drop constraint t_pkey");
  for (int round = 0; round < 3; ++round) {
    db().run("drop schema if exists pgsluice cascade; truncate t");
    write_files(std::vector<int>(150, 4), 0);
    std::vector<std::unique_ptr<Process>> commands;
    for (int i = 0; i < 3; ++i) {
      commands.push_back(std::make_unique<Process>(std::vector<std::string>{
          "load", path("in"), "-t", "t", "-d", url(), "--progress", "none", "--keep-going"}));
    }
    for (const auto& command : commands) {
      const Finished finished = command->wait();
      EXPECT_THAT(finished.exit_code, ::testing::AnyOf(0, 6)) << finished.err;
    }
    EXPECT_EQ(0, load({path("in")}).exit_code);
    EXPECT_EQ("600 600", db().value("select count(*) || ' ' || count(distinct id) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
  }
}

/// Of those that go together, only the lengths that the ledger knows are looked for.
TEST_F(ManyFiles, GrownOnesAreSeenAmongManyNewOnes) {
  std::filesystem::create_directories(path("old"));
  std::filesystem::create_directories(path("new"));
  int id = 0;
  const auto rows = [&id](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += std::to_string(++id) + ",row\n";
    return text;
  };
  for (int i = 0; i < 12; ++i) {
    const std::string number = std::to_string(100 + i);
    const std::string old = "id,name\n" + rows(1 << i);
    folder_.write("old/" + number + ".csv", old);
    folder_.write("new/" + number + "_grown.csv", old + rows(1 + i));
  }
  const int of_old = (1 << 12) - 1;
  int of_new = 0;
  for (int i = 0; i < 60; ++i) {
    folder_.write("new/" + std::to_string(100 + i) + ".csv", "id,name\n" + rows(1 + 3 * i));
    of_new += 1 + 3 * i;
  }
  load_json({path("old")}, 0);
  EXPECT_EQ(of_old, db().number("select count(*) from t"));
  const auto json = load_json({path("new")}, 7, {"--keep-going"});
  EXPECT_EQ(12, json["totals"]["failed"].get<int>());
  EXPECT_EQ(of_old + of_new, db().number("select count(*) from t"));
}

/// Of a command's own files, some are judged while others have brought their rows already.
TEST_F(ManyFiles, AreLoadedAgainIntoATableThatWasEmptied) {
  write_files(std::vector<int>(60, 3), 0);
  load_json({path("in")}, 0);
  for (const char* const empty :
       {"truncate t", "delete from t", "drop table t; create table t (id int, name text)"}) {
    for (int round = 0; round < 8; ++round) {
      db().run(empty);
      const auto json = load_json({path("in")}, 0);
      ASSERT_EQ(180, db().number("select count(*) from t")) << empty << ", round " << round;
    }
  }
}

/// Files that begin alike are judged one after the other, as if the command were one for each.
TEST_F(ManyFiles, CopiesAndGrownFilesAreNotLoadedTwice) {
  const std::string first = "id,name\n1,a\n2,b\n";
  std::filesystem::create_directories(path("in"));
  for (int i = 0; i < 40; ++i) {
    const std::string number = std::to_string(100 + i);
    folder_.write("in/" + number + ".csv", "id,name\n" + std::to_string(1000 + i) + ",x\n");
  }
  folder_.write("in/110a.csv", first);
  folder_.write("in/120a.csv", first);
  folder_.write("in/130a.csv", first + "3,c\n");
  folder_.write("in/105a.csv", "id,name\n");
  folder_.write("in/106a.csv", "id,name\n");
  std::vector<std::string> outcomes;
  for (const char* jobs : {"1", "8"}) {
    SCOPED_TRACE(jobs);
    db().run("drop schema if exists pgsluice cascade; truncate t");
    const auto json = load_json({path("in")}, 7, {"--keep-going", "--jobs", jobs});
    std::string outcome = table();
    std::set<std::string> of_headers;  // which of the two comes first says the clock
    for (const auto& one : json["loads"]) {
      const auto source = one["source"].get<std::string>();
      const auto status = one["status"].get<std::string>();
      if (source.ends_with("105a.csv") || source.ends_with("106a.csv")) {
        of_headers.insert(status);
      } else {
        outcome += " " + source + status + one["exit_code"].dump();
      }
    }
    EXPECT_THAT(of_headers, ElementsAre("nothing to do", "stored"));
    outcomes.push_back(outcome);
    EXPECT_EQ(42, db().number("select count(*) from t"));
    EXPECT_EQ(2, json["totals"]["failed"].get<int>());
  }
  EXPECT_EQ(outcomes[0], outcomes[1]);
}

}  // namespace
}  // namespace sluice::test

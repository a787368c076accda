#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "integration/bad_inputs.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"

namespace sluice::test {
namespace {

using load::LoadReport;
using ::testing::HasSubstr;

class RejectsTest : public DatabaseTest {
 protected:
  Loaded load(const std::string& csv) {
    options_.path = folder_.write("in.csv", csv);
    options_.table = "t";
    return run_load(url(), options_);
  }
  Loaded load_again() { return run_load(url(), options_); }

  /// The reasons of a reject file.
  static std::vector<nlohmann::json> reasons(const std::string& rejects_path) {
    std::vector<nlohmann::json> lines;
    if (rejects_path.empty()) return lines;
    std::string path = rejects_path;
    std::istringstream in(read_file(path.replace(path.rfind(".csv"), 4, ".jsonl")));
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  /// "3 22P02 a", a line a reject.
  static std::string shown(const std::vector<nlohmann::json>& rejects) {
    std::string text;
    for (const auto& reject : rejects) {
      text += std::to_string(reject["line"].get<std::uint64_t>()) + " " +
              reject["sqlstate"].get<std::string>() + " " + reject["column"].get<std::string>() +
              "\n";
    }
    return text;
  }
  static std::string shown(const BadInput& input) {
    std::string text;
    for (const auto& [line, state, column] : input.rejects)
      text += std::to_string(line) + " " + state + " " + column + "\n";
    return text;
  }

  /// The file without those records.
  static std::string without(std::string csv, const std::vector<nlohmann::json>& rejects) {
    for (auto reject = rejects.rbegin(); reject != rejects.rend(); ++reject) {
      const auto begin = (*reject)["byte_offset"].get<std::size_t>();
      std::size_t end = begin + (*reject)["byte_count"].get<std::size_t>();
      while (
          end < csv.size() && (csv[end] == '\r' || csv[end] == '\n') &&
          (end == begin + (*reject)["byte_count"].get<std::size_t>() || csv[end] != csv[end - 1]))
        ++end;
      csv.erase(begin, end - begin);
    }
    return csv;
  }

  /// What is not a system's: each case begins with nothing.
  void clear() {
    db().run(
        "drop schema public cascade; create schema public; "
        "do $$ begin if to_regclass('pgsluice.loads') is not null then truncate pgsluice.loads, "
        "pgsluice.chunks, pgsluice.deferred_indexes cascade; end if; end $$");
  }

  TemporaryFolder folder_;
  plan::LoadOptions options_;
};

/// No rejects allowed: the first bad record of the file is named, and stops the load.
TEST_F(RejectsTest, MatrixOfBadInputsWithoutABudget) {
  for (const BadInput& input : bad_inputs) {
    for (const std::size_t chunk_bytes : {std::size_t{8}, limits::MiB}) {
      SCOPED_TRACE(std::string(input.name) + ", chunks of " + std::to_string(chunk_bytes));
      clear();
      db().run(input.table);
      options_ = {};
      if (input.options) input.options(options_);
      options_.chunk_bytes = chunk_bytes;
      options_.jobs = input.one_by_one ? 1 : 2;
      options_.rejects.rejects_max = 0;
      const Loaded loaded = load(input.csv);
      if (input.rejects.empty()) {
        EXPECT_TRUE(loaded.ok()) << loaded.message;
        continue;
      }
      ASSERT_TRUE(loaded.bad_record) << loaded.message;
      const auto& [line, state, column] = input.rejects.front();
      EXPECT_EQ(line, loaded.bad_record->reject().position.line) << loaded.message;
      EXPECT_EQ(state, loaded.bad_record->reject().sql_state) << loaded.message;
      EXPECT_EQ(column, loaded.bad_record->reject().column) << loaded.message;
      EXPECT_EQ(FailureKind::bad_record, loaded.failure);
      EXPECT_EQ("", loaded.report.rejects_path);
    }
  }
  EXPECT_GE(bad_inputs.size(), 60U);
}

/// A budget: all of them are rejected, with their bytes and reasons; the rest is what COPY makes of
/// a file without them; and the rejects are refused again when they are loaded.
TEST_F(RejectsTest, MatrixOfBadInputsWithABudget) {
  for (const BadInput& input : bad_inputs) {
    for (const std::size_t chunk_bytes : {std::size_t{8}, limits::MiB}) {
      SCOPED_TRACE(std::string(input.name) + ", chunks of " + std::to_string(chunk_bytes));
      clear();
      db().run(input.table);
      options_ = {};
      if (input.options) input.options(options_);
      options_.chunk_bytes = chunk_bytes;
      options_.jobs = input.one_by_one ? 1 : 2;
      options_.rejects.rejects_max = 100;
      const TemporaryFolder rejects_folder;
      options_.rejects_path = rejects_folder / "rejects.csv";
      const std::string before = content("t");
      const Loaded loaded = load(input.csv);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(LoadReport::Status::stored, loaded.report.status);
      EXPECT_EQ(input.rejects.size(), loaded.report.rows_rejected);
      EXPECT_EQ(loaded.report.records_read, loaded.report.total.rows_stored +
                                                loaded.report.rows_rejected +
                                                loaded.report.total.rows_skipped);
      const auto rejects = reasons(loaded.report.rejects_path);
      EXPECT_EQ(shown(input), shown(rejects));
      for (const auto& reject : rejects) EXPECT_NE("", reject["message"].get<std::string>());

      // The original bytes of each, one behind the other.
      if (!rejects.empty()) {
        const std::string kept = read_file(loaded.report.rejects_path);
        std::size_t at = 0;
        for (const auto& reject : rejects) {
          const std::string bytes = input.csv.substr(reject["byte_offset"].get<std::size_t>(),
                                                     reject["byte_count"].get<std::size_t>());
          at = kept.find(bytes, at);
          ASSERT_NE(std::string::npos, at) << bytes;
          at += bytes.size();
        }
      }
      // The good records alone give the same table.
      const std::string with_rejects = content("t");
      db().run(
          "drop schema public cascade; create schema public; truncate pgsluice.loads, "
          "pgsluice.chunks, pgsluice.deferred_indexes cascade");
      db().run(input.table);
      ASSERT_EQ(before, content("t"));
      const Loaded good = load(without(input.csv, rejects));
      ASSERT_TRUE(good.ok()) << good.message;
      EXPECT_EQ(0U, good.report.rows_rejected);
      EXPECT_EQ(with_rejects, content("t"));
      // And the rejects alone are all refused again.
      if (!rejects.empty() && !input.good_alone) {
        options_.path = loaded.report.rejects_path;
        const Loaded again = run_load(url(), options_);
        ASSERT_TRUE(again.ok()) << again.message;
        EXPECT_EQ(input.rejects.size(), again.report.rows_rejected);
        EXPECT_EQ(0U, again.report.total.rows_stored);
      }
    }
  }
  EXPECT_TRUE(no_session_left());
}

/// check finds what load rejects, and keeps nothing.
TEST_F(RejectsTest, CheckFindsTheSameAndKeepsNothing) {
  for (const BadInput& input : bad_inputs) {
    SCOPED_TRACE(input.name);
    clear();
    db().run(input.table);
    options_ = {};
    if (input.options) input.options(options_);
    options_.chunk_bytes = 16;
    options_.check = true;
    options_.use_ledger = false;
    options_.rejects.rejects_max = 1000;
    std::string found;
    options_.on_reject = [&found](const tuple::Reject& reject) {
      found += std::to_string(reject.position.line) + " " + reject.sql_state + " " + reject.column +
               "\n";
    };
    const std::string before = content("t");
    const Loaded checked = load(input.csv);
    ASSERT_TRUE(checked.ok()) << checked.message;
    EXPECT_EQ(LoadReport::Status::checked, checked.report.status);
    EXPECT_EQ(shown(input), found);
    EXPECT_EQ(before, content("t"));
  }
}

/// Rows and rejects are the same for every chunk size and number of connections.
TEST_F(RejectsTest, SameForEveryChunkSizeAndNumberOfConnections) {
  std::string csv = "id,v\n";
  std::uint64_t bad = 0;
  for (int i = 0; i < 3000; ++i) {
    const bool wrong = i % 97 == 5 || (i > 1000 && i < 1050) || i == 2999;
    bad += wrong ? 1 : 0;
    const char* const value = i % 3 == 0 ? "x" : i % 3 == 1 ? "-7" : "\"1,\n2\"";
    const std::string good = std::to_string(i % 90);
    csv += std::to_string(i) + "," + (wrong ? value : good) + "\n";
  }
  std::string first;
  for (const std::size_t chunk_bytes : {std::size_t{40}, std::size_t{700}, limits::MiB}) {
    for (const std::size_t jobs : {1UL, 4UL}) {
      clear();
      db().run("create table t (id int, v int check (v >= 0))");
      options_ = {};
      options_.chunk_bytes = chunk_bytes;
      options_.jobs = jobs;
      options_.rejects.rejects_max = 5000;
      options_.rejects_path =
          folder_ / ("r" + std::to_string(chunk_bytes) + "-" + std::to_string(jobs) + ".csv");
      const Loaded loaded = load(csv);
      ASSERT_TRUE(loaded.ok()) << loaded.message;
      EXPECT_EQ(bad, loaded.report.rows_rejected);
      const std::string all = content("t") + read_file(loaded.report.rejects_path) +
                              shown(reasons(loaded.report.rejects_path));
      if (first.empty()) first = all;
      EXPECT_EQ(first, all) << chunk_bytes << " " << jobs;
      EXPECT_EQ("", ledger_disagreement("t"));
    }
  }
}

TEST_F(RejectsTest, ExceededBudgetStopsAndCanBeResumedWithALargerOne) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 400; ++i)
    csv += i % 10 == 0 ? "x" + std::to_string(i) + "\n" : std::to_string(i) + "\n";
  options_.chunk_bytes = 100;
  options_.jobs = 2;
  options_.rejects.rejects_max = 12;
  const Loaded stopped = load(csv);
  EXPECT_EQ(FailureKind::budget, stopped.failure) << stopped.message;
  EXPECT_THAT(stopped.message, HasSubstr("--max-rejects allows 12: stopped here"));
  EXPECT_LE(db().number("select sum(rows_rejected) from pgsluice.chunks"), 12);
  EXPECT_EQ("", ledger_disagreement("t"));
  EXPECT_EQ(folder_ / "in.rejects.csv", stopped.report.rejects_path);
  // Those that exceeded it are there to be read.
  EXPECT_GT(reasons(stopped.report.rejects_path).size(), 12U);
  options_.rejects.rejects_max = 40;
  const Loaded resumed = load_again();
  ASSERT_TRUE(resumed.ok()) << resumed.message;
  EXPECT_TRUE(resumed.report.resumed);
  EXPECT_EQ(40U, resumed.report.rows_rejected);
  EXPECT_EQ(360, db().number("select count(*) from t"));
  const auto rejects = reasons(resumed.report.rejects_path);
  ASSERT_EQ(40U, rejects.size());
  for (std::size_t i = 0; i < 40; ++i)
    EXPECT_EQ("x" + std::to_string(10 * (i + 1)), rejects[i]["value"].get<std::string>());
  EXPECT_EQ(LoadReport::Status::nothing_to_do, load_again().report.status);
}

TEST_F(RejectsTest, RatioCountsAllRecordsWhenTheyAreKnown) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 200; ++i) csv += i <= 20 ? "x\n" : std::to_string(i) + "\n";
  options_.rejects.ratio_max = 0.1;
  const Loaded good = load(csv);
  ASSERT_TRUE(good.ok()) << good.message;
  EXPECT_EQ(20U, good.report.rows_rejected);
  options_.rejects.ratio_max = 0.09;
  options_.again = true;
  const Loaded bad = load_again();
  EXPECT_EQ(FailureKind::budget, bad.failure) << bad.message;
  EXPECT_THAT(bad.message, HasSubstr("--max-reject-ratio allows 0.09"));
}

/// Bad records that lie together are no larger share than those that do not, whoever judges first.
TEST_F(RejectsTest, RatioIsThatOfTheWholeFile) {
  db().run("create table t (id int, v text)");
  constexpr int bad = 300;
  constexpr int records = 60'000;
  for (const int begin : {1, records / 2, records - bad + 1}) {
    std::string csv = "id,v\n";
    for (int i = 1; i <= records; ++i)
      csv += (i >= begin && i < begin + bad ? "x" : std::to_string(i)) + ",some text\n";
    for (const std::size_t jobs : {1, 4}) {
      for (const auto& [ratio, is_allowed] : {std::pair{0.005, true}, std::pair{0.0049, false}}) {
        SCOPED_TRACE(std::to_string(begin) + " " + std::to_string(jobs) + " " +
                     std::to_string(ratio));
        options_ = {};
        options_.rejects.ratio_max = ratio;
        options_.jobs = jobs;
        options_.chunk_bytes = 20'000;
        options_.again = true;
        options_.truncate = true;
        const Loaded loaded = load(csv);
        if (is_allowed) {
          ASSERT_TRUE(loaded.ok()) << loaded.message;
          EXPECT_EQ(static_cast<std::uint64_t>(bad), loaded.report.rows_rejected);
          continue;
        }
        EXPECT_EQ(FailureKind::budget, loaded.failure) << loaded.message;
        EXPECT_THAT(loaded.message, HasSubstr("records are bad of 60,000"));
      }
    }
  }
}

TEST_F(RejectsTest, RaggedErrorStopsWhateverTheBudget) {
  db().run("create table t (a int, b int)");
  options_.rejects.rejects_max = 100;
  options_.record_policy.ragged = tuple::Ragged::error;
  const Loaded loaded = load("a,b\n1,x\n2,2\n3\n");
  EXPECT_EQ(FailureKind::bad_record, loaded.failure);
  EXPECT_THAT(loaded.message, HasSubstr("in.csv:4: missing data"));
  EXPECT_THAT(loaded.message, HasSubstr("--ragged"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
}

TEST_F(RejectsTest, AnotherLoadsFileIsKept) {
  db().run("create table t (id int)");
  options_.rejects.rejects_max = 100;
  const Loaded monday = load("id\n1\nx\n");
  const Loaded tuesday = load("id\n2\ny\nz\n");
  ASSERT_TRUE(monday.ok() && tuesday.ok());
  EXPECT_EQ(folder_ / "in.rejects.csv", monday.report.rejects_path);
  EXPECT_EQ(folder_ / "in.rejects.2.csv", tuesday.report.rejects_path);
  EXPECT_EQ("id\nx\n", read_file(monday.report.rejects_path));
  EXPECT_EQ("id\ny\nz\n", read_file(tuesday.report.rejects_path));
}

/// Two loads of one file into two tables at the same time: each has a file of its own, whole.
TEST_F(RejectsTest, LoadsAtOnceHaveAFileEach) {
  constexpr int tables = 4;
  std::string csv = "id,v\n";
  for (int i = 0; i < 20'000; ++i)
    csv += (i % 1000 == 7 ? "x" : std::to_string(i)) + "," +
           (i % 500 == 9 ? "y" : std::to_string(i)) + "\n";
  options_.path = folder_.write("in.csv", csv);
  options_.rejects.rejects_max = 100;
  options_.chunk_bytes = 16 * limits::KiB;
  for (int i = 0; i < tables; ++i)
    db().run("create table t" + std::to_string(i) + " (id " + (i % 2 == 0 ? "int" : "text") +
             ", v " + (i % 2 == 0 ? "text" : "int") + ")");
  // The schema of the ledger is made by one of them.
  std::vector<Loaded> loads(tables);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < tables; ++i) {
      threads.emplace_back([this, i, &loads, options = options_]() mutable {
        options.table = "t" + std::to_string(i);
        loads[i] = run_load(url(), options);
      });
    }
  }
  std::set<std::string> paths;
  for (std::size_t i = 0; i < tables; ++i) {
    const std::uint64_t bad = i % 2 == 0 ? 20 : 40;
    ASSERT_TRUE(loads[i].ok()) << loads[i].message;
    EXPECT_EQ(bad, loads[i].report.rows_rejected);
    paths.insert(loads[i].report.rejects_path);
    const auto rejects = reasons(loads[i].report.rejects_path);
    EXPECT_EQ(bad, rejects.size());
    for (const auto& reject : rejects) EXPECT_EQ(loads[i].report.load->value, reject["load"]);
    const std::string kept = read_file(loads[i].report.rejects_path);
    EXPECT_EQ(bad + 1, static_cast<std::uint64_t>(std::ranges::count(kept, '\n')));
    EXPECT_EQ(kept.find("\n7,x"), std::string::npos);
  }
  EXPECT_EQ(tables, static_cast<int>(paths.size()));
}

/// Files without a reject are not left, however the load ended.
TEST_F(RejectsTest, NoEmptyFileIsLeft) {
  db().run("create table t (id int primary key)");
  options_.rejects.rejects_max = 10;
  options_.chunk_bytes = 4;
  EXPECT_TRUE(load("id\n1\n2\n").ok());
  options_.use_ledger = false;
  EXPECT_FALSE(load("id\n1\n2\n").report.rows_rejected == 0);  // keys that are there
  options_.table = "u";
  EXPECT_FALSE(load_again().ok());
  options_.use_ledger = true;
  db().run(
      "create table u (id int); create function f() returns trigger language plpgsql as $$ begin "
      "raise exception 'full' using errcode = '53100'; end $$; create trigger x before insert on u "
      "for each row execute function f()");
  options_.retry_for = std::chrono::milliseconds(0);
  EXPECT_EQ("53100", load_again().sql_state);
  std::string left;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    if (entry.path().filename().string().contains(".rejects.")) left += entry.path().filename();
  EXPECT_EQ(std::string("in.rejects.csvin.rejects.jsonl").size(), left.size()) << left;
}

/// The flag counts that is given now, also for a load that goes on.
TEST_F(RejectsTest, AnotherRejectFileForALoadThatGoesOn) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 400; ++i) csv += (i % 10 == 0 ? "x" : "") + std::to_string(i) + "\n";
  options_.chunk_bytes = 100;
  options_.jobs = 1;
  options_.rejects.rejects_max = 12;
  EXPECT_EQ(FailureKind::budget, load(csv).failure);
  EXPECT_LT(0, db().number("select sum(rows_rejected) from pgsluice.chunks"));
  options_.rejects.rejects_max = 40;
  options_.rejects_path = folder_ / "elsewhere.csv";
  const Loaded resumed = load_again();
  ASSERT_TRUE(resumed.ok()) << resumed.message;
  EXPECT_EQ(options_.rejects_path, resumed.report.rejects_path);
  EXPECT_EQ(options_.rejects_path, db().value("select rejects_path from pgsluice.loads"));
  EXPECT_EQ(40U, reasons(resumed.report.rejects_path).size());
  EXPECT_NE(0, ::access((folder_ / "in.rejects.csv").c_str(), F_OK));
}

/// Whoever may write the ledger does not say where this user makes files: neither of a name that is
/// free, nor of files that look like a load's, with others beside them that look unfinished.
TEST_F(RejectsTest, LedgerNamesNoPlace) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 400; ++i) csv += (i % 10 == 0 ? "x" : "") + std::to_string(i) + "\n";
  options_.chunk_bytes = 100;
  options_.jobs = 1;
  options_.rejects.rejects_max = 12;
  EXPECT_EQ(FailureKind::budget, load(csv).failure);
  db().run("update pgsluice.loads set rejects_path = '" + (folder_ / "evil") + "'");
  folder_.write("data", "important");
  folder_.write("data.jsonl", "{}\n");
  folder_.write("data.tmp", "other");
  options_.rejects.rejects_max = 20;
  EXPECT_EQ(FailureKind::budget, load_again().failure);
  EXPECT_NE(0, ::access((folder_ / "evil").c_str(), F_OK));
  EXPECT_NE(0, ::access((folder_ / "evil.jsonl").c_str(), F_OK));
  db().run("update pgsluice.loads set rejects_path = '" + (folder_ / "data") + "'");
  options_.rejects.rejects_max = 40;
  const Loaded resumed = load_again();
  ASSERT_TRUE(resumed.ok()) << resumed.message;
  EXPECT_EQ("important", read_file(folder_ / "data"));
  EXPECT_EQ("{}\n", read_file(folder_ / "data.jsonl"));
  EXPECT_EQ("other", read_file(folder_ / "data.tmp"));
  std::string notes;
  for (const std::string& note : resumed.report.notes) notes += note + "\n";
  EXPECT_THAT(notes,
              HasSubstr("are in " + (folder_ / "data") + ", which this command does not name"));
  EXPECT_THAT(resumed.report.rejects_path, HasSubstr(folder_ / "in.rejects."));
}

/// A load goes on although somebody has put other files in the place of its rejects.
TEST_F(RejectsTest, GoesOnBesideFilesOfAnotherLoad) {
  db().run("create table t (id int)");
  std::string csv = "id\n";
  for (int i = 1; i <= 400; ++i) csv += (i % 10 == 0 ? "x" : "") + std::to_string(i) + "\n";
  options_.chunk_bytes = 100;
  options_.jobs = 1;
  options_.rejects.rejects_max = 12;
  EXPECT_EQ(FailureKind::budget, load(csv).failure);
  const auto before = db().number("select sum(rows_rejected) from pgsluice.chunks");
  folder_.write("in.rejects.jsonl", "{\"load\":null}\n");
  folder_.write("in.rejects.csv", "precious\n");
  options_.rejects.rejects_max = 40;
  const Loaded resumed = load_again();
  ASSERT_TRUE(resumed.ok()) << resumed.message;
  EXPECT_EQ(folder_ / "in.rejects.2.csv", resumed.report.rejects_path);
  EXPECT_EQ(40 - before, static_cast<std::int64_t>(reasons(resumed.report.rejects_path).size()));
  EXPECT_EQ("precious\n", read_file(folder_ / "in.rejects.csv"));
  std::string notes;
  for (const std::string& note : resumed.report.notes) notes += note + "\n";
  EXPECT_THAT(notes, HasSubstr("lines of another load"));
  EXPECT_THAT(notes, HasSubstr("rejects of earlier runs are not in"));
}

/// A reject that cannot be written stops the load before its chunk is stored; the flag that the
/// error names takes effect in the run that follows.
TEST_F(RejectsTest, FlagThatTheErrorNamesTakesEffect) {
  db().run("create table t (id int, qty int)");
  ASSERT_EQ(0, ::mkdir((folder_ / "in.rejects.csv").c_str(), 0700));
  options_.rejects.rejects_max = 5;
  options_.rejects_path = "/proc/none/r.csv";
  const std::string csv = "id,qty\n1,1\n2,x\n3,3\n";
  const Loaded nowhere = load(csv);
  EXPECT_EQ(FailureKind::failed, nowhere.failure);
  EXPECT_THAT(nowhere.message, HasSubstr("--rejects"));
  options_.rejects_path = folder_ / "r.csv";
  const Loaded good = load_again();
  ASSERT_TRUE(good.ok()) << good.message;
  EXPECT_EQ("id,qty\n2,x\n", read_file(folder_ / "r.csv"));
  // Where none is named, a folder in the way is no obstacle.
  options_.rejects_path.clear();
  options_.again = true;
  EXPECT_EQ(folder_ / "in.rejects.2.csv", load_again().report.rejects_path);
}

/// A reject that cannot be written stops the load before its chunk is stored.
TEST_F(RejectsTest, RejectThatCannotBeWrittenStopsTheLoad) {
  db().run("create table t (id int)");
  options_.rejects.rejects_max = 100;
  options_.rejects_path = folder_ / "no/such/folder.csv";
  const Loaded loaded = load("id\n1\nx\n");
  EXPECT_EQ(FailureKind::failed, loaded.failure);
  EXPECT_THAT(loaded.message, HasSubstr("cannot create"));
  EXPECT_EQ(0, db().number("select count(*) from t"));
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.chunks"));
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

/// Many files in one command, and what lies beside them.
class Files : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int)"); }
  std::string file(const std::string& name, const std::string& bytes) const {
    return folder_.write(name, bytes);
  }
  /// As a shell would: all that end like that, in order.
  std::vector<std::string> matching(const std::string& ending) const {
    std::vector<std::string> paths;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (entry.path().string().ends_with(ending)) paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
  }
  Finished load(std::vector<std::string> files, const std::vector<std::string>& flags = {}) const {
    files.insert(files.begin(), {"load", "-t", "t", "-d", url(), "--progress", "none"});
    files.insert(files.end(), flags.begin(), flags.end());
    return pgsluice(std::move(files));
  }

  TemporaryFolder folder_;
};

TEST_F(Files, OfRejectsAreNotLoadedByAPattern) {
  file("a.csv", "id\n1\nx\n");
  file("b.csv", "id\n2\ny\n");
  ASSERT_EQ(3, load(matching(".csv"), {"--max-rejects", "9"}).exit_code);
  ASSERT_EQ(3, load({file("c.csv", "id\n3\nz\n")},
                    {"--max-rejects", "9", "--rejects", folder_ / "mine.csv"})
                   .exit_code);
  ASSERT_EQ(6U, matching(".csv").size());
  file("d.csv", "id\n4\n");
  const Finished again = load(matching(".csv"), {"--max-rejects", "9"});
  EXPECT_EQ(0, again.exit_code) << again.err;
  for (const char* name : {"a.rejects.csv", "b.rejects.csv", "mine.csv"})
    EXPECT_THAT(again.err, HasSubstr(std::string("note: left out ") + folder_ / name +
                                     ", which has the rejects of a load: load it by itself"));
  const auto json =
      nlohmann::json::parse(load(matching(".csv"), {"--max-rejects", "9", "--output", "json"}).out);
  EXPECT_EQ(3U, json["left_out"].size());
  EXPECT_EQ(4U, json["loads"].size());
  EXPECT_EQ("1 2 3 4", db().value("select string_agg(id::text, ' ' order by id) from t"));
  // By its own name one is loaded, once it is mended; so are several where no other file is named.
  file("a.rejects.csv", "id\n10\n");
  EXPECT_EQ(0, load({folder_ / "a.rejects.csv"}).exit_code);
  file("b.rejects.csv", "id\n20\n");
  EXPECT_EQ(0, load({folder_ / "a.rejects.csv", folder_ / "b.rejects.csv"}).exit_code);
  EXPECT_EQ("1 2 3 4 10 20", db().value("select string_agg(id::text, ' ' order by id) from t"));
}

TEST_F(Files, ThatFailAreNamedInEachMessage) {
  const std::string a = file("a.csv", "id\n1\n");
  const std::string b = file("b.csv", "id\n2\n");
  const struct {
    std::vector<std::string> flags;
  } cases[] = {{{"-t", "nix"}},
               {{"--set", "nix=1"}},
               {{"--on-conflict", "update"}},
               {{"--writer", "copy", "--set", "role=nobody_at_all"}}};
  for (const auto& c : cases) {
    std::vector<std::string> all{"load", a, b, "--keep-going", "-d", url()};
    if (c.flags.front() != "-t") all.insert(all.end(), {"-t", "t"});
    all.insert(all.end(), c.flags.begin(), c.flags.end());
    const Finished finished = pgsluice(all);
    SCOPED_TRACE(finished.err);
    EXPECT_NE(0, finished.exit_code);
    EXPECT_THAT(finished.err, AllOf(HasSubstr("pgsluice: " + a), HasSubstr("pgsluice: " + b)));
  }
}

/// Whatever their order.
TEST_F(Files, ThatFailDifferentlyEndWithTheWorstCode) {
  db().run("create table w (id int)");
  folder_.write("fine.csv", "id\n1\n");
  folder_.write("bad.csv", "id\nx\n");
  folder_.write("other.csv", "id,unknown\n1,2\n");
  folder_.write("copy.csv", "id\n1\n");
  std::vector<std::string> files{folder_ / "bad.csv", folder_ / "copy.csv", folder_ / "fine.csv",
                                 folder_ / "other.csv"};
  const auto load = [&](const std::vector<std::string>& which) {
    std::vector<std::string> all{"load",          "-t", "w",          "-d",  url(), "--keep-going",
                                 "--max-rejects", "0",  "--progress", "none"};
    all.insert(all.end(), which.begin(), which.end());
    return pgsluice(all);
  };
  // Alone each has its own.
  EXPECT_EQ(0, load({files[2]}).exit_code);
  EXPECT_EQ(5, load({files[0]}).exit_code);
  EXPECT_EQ(7, load({files[1]}).exit_code);
  EXPECT_EQ(2, load({files[3]}).exit_code);
  std::ranges::sort(files);
  do {
    const Finished finished = load(files);
    EXPECT_EQ(2, finished.exit_code) << finished.err;
    for (const char* name : {"bad.csv", "copy.csv", "other.csv"})
      EXPECT_THAT(finished.err, HasSubstr(name));
  } while (std::ranges::next_permutation(files).found);
  EXPECT_EQ(7, load({folder_ / "bad.csv", folder_ / "copy.csv"}).exit_code);
  EXPECT_EQ(7, load({folder_ / "copy.csv", folder_ / "bad.csv"}).exit_code);
  const Finished checked = pgsluice({"check", "-t", "w", "-d", url(), folder_ / "bad.csv",
                                     folder_ / "fine.csv", "--progress", "none"});
  EXPECT_EQ(3, checked.exit_code) << checked.err;
}

TEST_F(Files, EndWithATableOfAllAndTotals) {
  const std::string a = file("a.csv", "id\n1\n2\n");
  ASSERT_EQ(0, load({a}).exit_code);
  const std::vector<std::string> all{a, file("b.csv", "id\n3\nx\n4\n"), file("c.csv", "nix\n1\n"),
                                     file("d.csv", "id\n5\n")};
  // One after the other: else the last may have begun before the third has failed.
  const Finished stopped = load(all, {"--max-rejects", "1", "--jobs", "1"});
  EXPECT_EQ(2, stopped.exit_code);
  EXPECT_THAT(stopped.out,
              HasSubstr("result              rows stored    rejected  file\n"
                        "nothing to do                 0           0  " +
                        all[0] + "\nstored                        2           1  " + all[1] +
                        "\nexit 2                        0           0  " + all[2] +
                        "\nnot begun                     -           -  " + all[3] +
                        "\nin all                        2           1  2 of 4 files\n"));
  const auto totals = nlohmann::json::parse(
      load(all, {"--max-rejects", "1", "--keep-going", "--output", "json"}).out)["totals"];
  EXPECT_EQ(4, totals["files"]);
  EXPECT_EQ(3, totals["ended_well"]);
  EXPECT_EQ(1, totals["failed"]);
  EXPECT_EQ(1, totals["rows_stored"]);
  EXPECT_THAT(load({a}).out, Not(HasSubstr("in all")));
}

/// Each would empty the table of what the one before it has brought.
TEST_F(Files, AreNotTruncatedForOneAfterTheOther) {
  db().run("insert into t values (99)");
  fs::create_directory(folder_ / "in");
  const std::string one = file("in/1.csv", "id\n1\n");
  const std::string two = file("in/2.csv", "id\n2\n");
  const std::string list = file("list", one + "\n" + two + "\n");
  const std::vector<std::vector<std::string>> all{
      {one, two}, {folder_ / "in"}, {folder_ / "in/*.csv"}, {"@" + list}};
  for (const std::vector<std::string>& files : all) {
    for (const char* more : {"--keep-going", "--atomic", "--dry-run", "--again", "--no-ledger"}) {
      SCOPED_TRACE(files.front() + " " + more);
      const Finished refused = load(files, {"--truncate", more});
      EXPECT_EQ(2, refused.exit_code);
      EXPECT_THAT(refused.err, HasSubstr("--truncate with several files would keep the rows of"));
      EXPECT_EQ("99", db().value("select string_agg(id::text, ' ') from t"));
    }
  }
  EXPECT_EQ(0, load({folder_ / "in/1*"}, {"--truncate"}).exit_code);
  EXPECT_EQ("1", db().value("select string_agg(id::text, ' ') from t"));
}

TEST_F(Files, WhoseLastRecordHasNoLineEndAreNoted) {
  const std::string note = "has no line end: if the file was cut off";
  const struct {
    const char* bytes;
    std::vector<std::string> flags;
    bool is_noted;
  } cases[] = {
      {"id\n1\n12", {}, true},
      {"id\r\n1\r\n12", {"--no-ledger"}, true},
      {"id\n1\n", {}, false},
      {"id\r1\r", {}, false},
      {"id", {}, false},
      {"", {}, false},
      {"id\n1\n12", {"--limit", "1"}, false},
      {"id\n1\n12", {"--dry-run"}, false},
  };
  int number = 0;
  for (const auto& c : cases) {
    db().run("truncate t");
    const std::string path = file(std::to_string(++number) + ".csv", c.bytes);
    std::vector<std::string> flags = c.flags;
    flags.emplace_back("--again");
    const Finished finished = load({path}, flags);
    SCOPED_TRACE(std::string(c.bytes) + finished.err);
    EXPECT_EQ(0, finished.exit_code);
    EXPECT_EQ(c.is_noted, finished.err.find(note) != std::string::npos);
    EXPECT_EQ(finished.err.find(note), finished.err.rfind(note));
    flags.insert(flags.end(), {"--output", "json"});
    const auto json = nlohmann::json::parse(load({path}, flags).out);
    EXPECT_EQ(c.is_noted, json["loads"][0].dump().find("no line end") != std::string::npos);
  }
}

/// What has the name that a reject file is written under while it is put in order.
TEST_F(Files, OfOthersBesideTheRejectsAreLeftAlone) {
  const std::string path = file("a.csv", "id\n1\nx\n");
  const std::string other = file("a.rejects.csv.tmp", "somebody's");
  const std::string reasons = file("a.rejects.jsonl.tmp", "somebody's");
  load({path}, {"--max-rejects", "0"});
  EXPECT_EQ(3, load({path}, {"--max-rejects", "1"}).exit_code);
  EXPECT_EQ(0, load({path}, {"--max-rejects", "1"}).exit_code);
  EXPECT_EQ("somebody's", read_file(other));
  EXPECT_EQ("somebody's", read_file(reasons));
}

/// The folder is looked at before anything is asked, and the message has the name that was given.
TEST_F(Files, OfRejectsNeedAFolderThatIsThere) {
  const std::string path = file("a.csv", "id\n1\nx\n");
  const std::string plain = file("plain", "");
  fs::create_directory(folder_ / "folder");
  for (const auto& [rejects, says] :
       {std::pair{folder_ / "no/x.csv", folder_ / "no: No such file or directory"},
        std::pair{plain + "/x.csv", plain + " is no folder"},
        std::pair{folder_ / "folder", std::string("is a folder; name a file in it")}}) {
    const Finished refused = load({path}, {"--max-rejects", "9", "--rejects", rejects});
    EXPECT_EQ(2, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("--rejects " + rejects + ": " + says));
    EXPECT_THAT(refused.err, Not(HasSubstr(".jsonl")));
  }
  EXPECT_EQ("", db().value("select to_regclass('pgsluice.loads')"));
}

/// Whoever names a budget, 0 too, is told by a code of its own that the data are at fault.
TEST_F(Files, ThatAreBadEndWithTheCodeOfABudgetThatWasNamed) {
  struct Case {
    std::string bytes;
    std::vector<std::string> flags;
  };
  for (const Case& c :
       std::vector<Case>{{"id\n1\nx\n", {}},
                         {"id\n1,2\n", {}},
                         {"id\n1,2\n", {"--ragged", "error"}},
                         {"id\n\"1\n", {}},
                         {"id\n" + std::string(9000, '1') + "\n", {"--max-record-bytes", "4096"}},
                         {"id\nx\n", {"--atomic"}}}) {
    const std::string path = file("bad.csv", c.bytes);
    EXPECT_EQ(1, load({path}, c.flags).exit_code) << c.bytes;
    for (const auto& [flag, value] :
         {std::pair{"--max-rejects", "0"}, std::pair{"--max-reject-ratio", "0"}}) {
      std::vector<std::string> flags = c.flags;
      flags.insert(flags.end(), {flag, value});
      EXPECT_EQ(5, load({path}, flags).exit_code) << c.bytes;
    }
  }
}

/// Where columns are told by their place, a short record is most likely a file with fewer columns.
TEST_F(Files, WithFewerColumnsThanTheTableAreToldHow) {
  db().run("create table wide (a int, b int, c int)");
  const auto run = [this](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"load", file("short.csv", "1,2\n"), "-t", "wide", "-d", url()});
    return pgsluice(std::move(flags));
  };
  EXPECT_THAT(run({"--header", "none"}).err, HasSubstr("--columns a,b"));
  EXPECT_THAT(run({"--header", "none", "--columns", "a,b,c"}).err, Not(HasSubstr("--columns a,b")));
  EXPECT_EQ(0, run({"--header", "none", "--columns", "a,b", "--again"}).exit_code);
}

/// A dry run asks the ledger, and says what a run would do.
TEST_F(Files, ThatAreLoadedAreKnownToADryRun) {
  const std::string path = file("a.csv", "id\n1\n2\n");
  const auto dry = [&](std::vector<std::string> flags = {}) {
    flags.insert(flags.begin(), {"load", path, "-t", "t", "-d", url(), "--dry-run"});
    return pgsluice(std::move(flags));
  };
  const Finished first = dry();
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ("", first.err) << "the plan is printed once";
  EXPECT_THAT(first.out, AllOf(HasSubstr(path + " -> public.t"), HasSubstr("nothing was stored")));
  EXPECT_EQ("", db().value("select to_regclass('pgsluice.loads')")) << "nothing is made";
  ASSERT_EQ(0, load({path}).exit_code);
  EXPECT_THAT(dry().err,
              HasSubstr("there would be nothing to do: this file is already in public.t (load 1"));
  EXPECT_EQ("", dry({"--again"}).err);
  EXPECT_THAT(dry({"--null", "-"}).err, HasSubstr("load 1"));
  EXPECT_EQ(7, dry({"--null", "-"}).exit_code) << "as the run would";
  const std::string copy = file("b.csv", "id\n1\n2\n");
  EXPECT_EQ(7, pgsluice({"load", copy, "-t", "t", "-d", url(), "--dry-run"}).exit_code);
  file("a.csv", "id\n1\n2\n3\n");
  EXPECT_THAT(dry({"--grown", "append"}).err, HasSubstr("behind what load 1 has brought"));
  ASSERT_EQ(1, load({file("c.csv", "id\n7\nx\n")}).exit_code);
  EXPECT_THAT(pgsluice({"load", folder_ / "c.csv", "-t", "t", "-d", url(), "--dry-run"}).err,
              HasSubstr("it would go on with load "));
  EXPECT_EQ("1,2", db().value("select string_agg(id::text, ',' order by id) from t"));
  EXPECT_EQ(2, db().number("select count(*) from pgsluice.loads"));
  EXPECT_EQ(2, db().number("select sum(runs) from pgsluice.loads")) << "a dry run is no run";
}

}  // namespace
}  // namespace sluice::test

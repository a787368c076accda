#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

namespace fs = std::filesystem;

/// What of the files that were meant is not loaded, or once alone, is said.
class LeftOut : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (a text)"); }
  Finished load(std::vector<std::string> files, const std::vector<std::string>& flags = {},
                const std::string& folder = {}) const {
    files.insert(files.begin(), {"load", "-t", "t", "-d", url(), "--progress", "none"});
    files.insert(files.end(), flags.begin(), flags.end());
    if (folder.empty()) return pgsluice(std::move(files));
    files.insert(files.begin(), {"-C", folder, PGSLUICE_BINARY});
    Process::Options options;
    options.program = "env";
    return pgsluice(std::move(files), std::move(options));
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }

  TemporaryFolder folder_;
};

TEST_F(LeftOut, OfAFolderIsNoted) {
  folder_.write("a.csv", "a\n1\n");
  folder_.write("B.CSV", "a\n2\n");
  for (const char* name : {"c.zip", "d.tgz", "e.json", "f.7z"}) folder_.write(name, "x");
  const Finished finished = load({folder_.path()});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("note: " + folder_.path() +
                                      ": 4 files are left out: c.zip, d.tgz, e.json, ...;"));
  EXPECT_EQ(2, rows());
  const Finished pattern = load({folder_ / "*.csv"});
  EXPECT_EQ(0, pattern.exit_code) << pattern.err;
  EXPECT_THAT(pattern.err, HasSubstr("1 file is left out: B.CSV;"));
}

TEST_F(LeftOut, IsAFileThatIsNamedOnceMore) {
  const std::string path = folder_.write("hl.csv", "a\n1\n");
  fs::create_symlink(path, folder_ / "link.csv");
  const std::vector<std::string> names{"hl.csv", "./hl.csv", path};
  const Finished finished = load(names, {"--again"}, folder_.path());
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, AllOf(HasSubstr("note: ./hl.csv is hl.csv, and loaded once"),
                                  HasSubstr("note: " + path + " is hl.csv, and loaded once")));
  EXPECT_EQ(1, rows());
  fs::create_hard_link(path, folder_ / "other.csv");
  const Finished linked = load({path, folder_ / "other.csv", folder_ / "link.csv"});
  EXPECT_EQ(0, linked.exit_code) << linked.err;
  EXPECT_THAT(linked.err, HasSubstr("is another name of " + path + ": the same content"));
  EXPECT_EQ(1, rows());
}

/// As many lines are skipped as there are, or more: that is another file than is meant.
TEST_F(LeftOut, ByMoreSkippedLinesThanThereAreIsNothing) {
  struct Case {
    std::string text;
    std::vector<std::string> flags;
    int exit_code;
  };
  const Case cases[] = {
      {"x\na\n1\n", {"--skip-lines", "1"}, 0},
      {"x\ny\na\n", {"--skip-lines", "2"}, 0},
      {"x\na\n1\n", {"--skip-lines", "3"}, 2},
      {"x\na\n1", {"--skip-lines", "3"}, 2},
      {"x\na\n1\n", {"--skip-lines", "1000000"}, 2},
      {"x\ry\r", {"--skip-lines", "3"}, 2},
      {"x\r\ny\r\n", {"--skip-lines", "2", "--header", "skip"}, 2},
      {"x\ny\n", {"--skip-lines", "2", "--header", "none"}, 0},
      {"x\ny", {"--skip-lines", "2", "--header", "none"}, 0},
      {"x\ny\n", {"--skip-lines", "3", "--header", "none"}, 2},
      {"", {"--skip-lines", "3"}, 0},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.text + each.flags[1]);
    const std::string path = folder_.write("x.csv", each.text);
    std::vector<std::string> flags = each.flags;
    flags.insert(flags.end(), {"--after", "delete", "--again"});
    const Finished finished = load({path}, flags);
    EXPECT_EQ(each.exit_code, finished.exit_code) << finished.err;
    if (each.exit_code == 2) {
      EXPECT_THAT(finished.err, HasSubstr("--skip-lines " + each.flags[1] + " leaves: it ends"));
      EXPECT_TRUE(fs::exists(path));
    }
  }
}

/// Files of /proc have content and no length.
TEST_F(LeftOut, IsNothingOfAFileWithoutALength) {
  const Finished finished = load({"/proc/sys/kernel/ostype"}, {"--header", "none"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("Linux", db().value("select string_agg(a, ' ') from t"));
  const Finished several = load({"/proc/sys/kernel/hostname", "/proc/sys/kernel/osrelease"},
                                {"--header", "none", "--same-content", "load"});
  EXPECT_EQ(0, several.exit_code) << several.err;
  EXPECT_EQ(3, rows());
  // At its beginning there is nothing that could be read.
  const Finished unreadable = load({"/proc/self/mem"}, {"--header", "none"});
  EXPECT_EQ(1, unreadable.exit_code) << unreadable.err;
  EXPECT_THAT(unreadable.err, HasSubstr("/proc/self/mem: cannot read: "));
}

/// A byte-order mark is no content.
TEST_F(LeftOut, IsTheSameTextInAnotherEncoding) {
  const std::string text = "a\nß\n€\n";
  ASSERT_EQ(0, load({folder_.write("a.csv", text)}).exit_code);
  for (const char* to : {"UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32BE"}) {
    SCOPED_TRACE(to);
    // iconv writes a mark where the order is not said.
    const bool is_marked = std::string(to).ends_with("E");
    const std::string marked = is_marked ? "\xef\xbb\xbf" + text : text;
    const std::string path =
        folder_.write("b.csv", piped(std::string("iconv -f UTF-8 -t ") + to, marked));
    const Finished finished = load({path});
    EXPECT_EQ(7, finished.exit_code) << finished.out << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("a.csv"));
    EXPECT_EQ(2, rows());
  }
}

/// What becomes of the rows of a load that is given up.
TEST_F(LeftOut, OfWhatWasBegunIsTold) {
  std::string text = "a\n";
  for (int i = 0; i < 60'000; ++i) text += "some text " + std::to_string(i) + "\n";
  const std::string path = folder_.write("x.csv", text + "a record,too long\n");
  const std::vector<std::string> flags{"--chunk-size", "64KiB", "--ragged", "error"};
  ASSERT_EQ(1, load({path}, flags).exit_code);
  const std::int64_t stored = rows();
  ASSERT_GT(stored, 0);
  db().run("truncate t");
  std::vector<std::string> again = flags;
  again.emplace_back("--again");
  const Finished finished = load({path}, again);
  EXPECT_EQ(1, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, Not(HasSubstr("stay")));
  EXPECT_THAT(finished.err, HasSubstr("is given up; it had stored " + std::to_string(stored) +
                                      " rows in public.t, which are not taken back"));
  const Finished forgotten = pgsluice(
      {"loads", "forget", db().value("select max(load_id) from pgsluice.loads"), "-d", url()});
  EXPECT_EQ(0, forgotten.exit_code) << forgotten.err;
  EXPECT_THAT(forgotten.out, HasSubstr(" rows of it stay in the table, and no load knows of them"));
}

/// Nothing goes on with what is neither its old nor its new content.
TEST_F(LeftOut, OfAFileThatChangesIsWhatTheSameCommandWouldDo) {
  std::string text = "a\n";
  for (int i = 0; i < 60'000; ++i) text += "some text " + std::to_string(i) + "\n";
  const std::string path = folder_.write("x.csv", text);
  Session locker(url());
  locker.run("begin; lock table t in access exclusive mode");
  Process process({"load", path, "-t", "t", "-d", url(), "--chunk-size", "64KiB"});
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 't'::regclass and "
                 "not granted)"));
  std::ofstream(path, std::ios::app) << "more\n";
  locker.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, AllOf(HasSubstr("changed while it was read"), HasSubstr(" so far")));
  EXPECT_THAT(finished.err, Not(HasSubstr("the same command goes on")));
}

}  // namespace
}  // namespace sluice::test

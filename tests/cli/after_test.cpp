#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// load --after, by the program.
class After : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (a int)");
    ASSERT_EQ(
        0,
        pgsluice({"load", folder_.write("warm.csv", "a\n0\n"), "-t", "t", "-d", url()}).exit_code);
  }
  std::vector<std::string> load(const std::string& path, const std::string& after) const {
    return {"load", path, "-t", "t", "-d", url(), "-q", "--after", after};
  }

  TemporaryFolder folder_;
};

/// The producer delivers the next file while this one is loaded.
TEST_F(After, AReplacedFileIsLeftAndLoadedByTheNextRun) {
  const std::string path = folder_.write("x.csv", "a\n1\n2\n");
  Session locker(url());
  locker.run("begin; lock table t in access exclusive mode");
  Process process(load(path, "delete"));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 't'::regclass and "
                 "not granted)"));
  fs::rename(folder_.write("new.csv", "a\n100\n200\n300\n"), path);
  locker.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_EQ("a\n100\n200\n300\n", read_file(path));
  const Finished next = pgsluice(load(path, "delete"));
  EXPECT_EQ(0, next.exit_code) << next.err;
  EXPECT_EQ(600, db().number("select sum(a) from t where a >= 100"));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(After, EightMoversAtOnceReplaceNothing) {
  const std::string done = folder_ / "done";
  constexpr int rounds = 8;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::unique_ptr<Process>> movers;
    for (int k = 0; k < 8; ++k) {
      const std::string name = std::to_string(k);
      fs::create_directories(folder_ / name);
      const std::string path =
          folder_.write(name + "/x.csv", "a\n" + std::to_string(1000 + round * 8 + k) + "\n");
      movers.push_back(std::make_unique<Process>(load(path, "move:" + done)));
    }
    for (const auto& mover : movers) {
      const Finished finished = mover->wait();
      EXPECT_EQ(0, finished.exit_code) << finished.err;
    }
  }
  std::string all;
  for (const auto& entry : fs::directory_iterator(done)) all += read_file(entry.path());
  for (int i = 0; i < rounds * 8; ++i) EXPECT_THAT(all, HasSubstr(std::to_string(1000 + i)));
  EXPECT_EQ(rounds * 8, db().number("select count(*) from t where a >= 1000"));
}

/// Commands that take files away share a folder: each takes what the others leave, and none of them
/// fails because of that.
TEST_F(After, SeveralMoversShareAFolder) {
  constexpr int files = 60;
  for (const char* after : {"move", "delete"}) {
    for (const char* jobs : {"1", "4"}) {
      SCOPED_TRACE(std::string(after) + " " + jobs);
      db().run("truncate t; drop schema pgsluice cascade");
      ASSERT_EQ(0, pgsluice({"load", folder_ / "warm.csv", "-t", "t", "-d", url()}).exit_code);
      const std::string in = folder_ / "in";
      const std::string done = folder_ / "done";
      fs::remove_all(done);
      fs::create_directories(in);
      for (int i = 1; i <= files; ++i) {
        std::string text = "a\n";
        for (int row = 0; row < (i % 20 == 0 ? 400'000 : 10); ++row)
          text += std::to_string(i) + "\n";
        folder_.write("in/" + std::to_string(100 + i) + ".csv", text);
      }
      std::vector<std::unique_ptr<Process>> movers;
      for (int k = 0; k < 3; ++k) {
        std::vector<std::string> command =
            load(in, std::string(after) == "move" ? "move:" + done : after);
        command.insert(command.end(), {"--jobs", jobs});
        movers.push_back(std::make_unique<Process>(command));
      }
      for (const auto& mover : movers) {
        const Finished finished = mover->wait();
        EXPECT_EQ(0, finished.exit_code) << finished.err;
      }
      EXPECT_TRUE(fs::is_empty(in));
      EXPECT_EQ(files, db().number("select count(distinct a) from t where a > 0"));
      EXPECT_EQ(0,
                db().number("select count(*) from (select a from t where a > 0 group by a having "
                            "count(*) <> case when a % 20 = 0 then 400000 else 10 end) x"));
      if (std::string(after) == "move") {
        EXPECT_EQ(files, std::distance(fs::directory_iterator(done), fs::directory_iterator()));
      }
    }
  }
}

/// Whoever names one file wants that one.
TEST_F(After, AFileThatIsNotThereIsAnErrorWhereItIsNamed) {
  const std::string is_there = folder_.write("x.csv", "a\n1\n");
  EXPECT_EQ(2, pgsluice(load(folder_ / "y.csv", "delete")).exit_code);
  std::vector<std::string> both = load(is_there, "delete");
  both.push_back(folder_ / "y.csv");
  const Finished finished = pgsluice(both);
  EXPECT_EQ(2, finished.exit_code) << "it never was there";
  EXPECT_THAT(finished.err, HasSubstr("y.csv"));
}

/// A folder is made where it is the last part of the way; what is mistyped above it is refused
/// before anything is loaded.
TEST_F(After, AMistypedFolderIsNotMade) {
  const std::string path = folder_.write("x.csv", "a\n1\n");
  const Finished refused = pgsluice(load(path, "move:" + folder_ / "nope/done"));
  EXPECT_EQ(2, refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("there is no folder " + folder_ / "nope"));
  EXPECT_FALSE(fs::exists(folder_ / "nope"));
  EXPECT_EQ(2, pgsluice(load(path, "move:" + path)).exit_code) << "a file";
  EXPECT_EQ(0, db().number("select count(*) from t where a > 0")) << "refused before it is loaded";
  const Finished made =
      pgsluice({"load", path, "-t", "t", "-d", url(), "--after", "move:" + folder_ / "done/"});
  EXPECT_EQ(0, made.exit_code) << made.err;
  EXPECT_THAT(made.err, HasSubstr("note: made the folder " + folder_ / "done"));
  EXPECT_TRUE(fs::exists(folder_ / "done/x.csv"));
}

TEST_F(After, TheExitCodeSaysIt) {
  const std::string path = folder_.write("x.csv", "a\n1\n");
  fs::create_symlink(path, folder_ / "link.csv");
  const Finished link = pgsluice(load(folder_ / "link.csv", "delete"));
  EXPECT_EQ(2, link.exit_code) << link.err;
  EXPECT_THAT(link.err, HasSubstr("is a symbolic link"));
  EXPECT_EQ(0, db().number("select count(*) from t where a > 0")) << "refused before it is loaded";

  std::vector<std::string> two = load(folder_ / "link.csv", "move:/proc");
  two.insert(two.begin() + 2, path);
  two.insert(two.end(), {"--keep-going", "--output", "json"});
  const Finished json = pgsluice(two);
  EXPECT_EQ(1, json.exit_code) << "of both, what another try may mend: " << json.err;
  EXPECT_THAT(json.out, HasSubstr("is loaded, but --after failed"));
  EXPECT_THAT(json.out, HasSubstr("is a symbolic link")) << "the other file has its own entry";
  EXPECT_EQ(1, db().number("select count(*) from t where a > 0"));
  EXPECT_TRUE(fs::exists(path));
}

/// As a user who may read the file, and not write to its folder.
/// Nothing of a file is gone that is in no table.
TEST_F(After, AFileOfWhichAPartIsLoadedStays) {
  const std::string path = folder_.write("x.csv", "a\n1\n2\n");
  for (const std::string& what : {std::string("delete"), "move:" + (folder_ / "done")}) {
    for (const char* limit : {"0", "1", "2", "3"}) {
      std::vector<std::string> arguments = load(path, what);
      arguments.insert(arguments.end(), {"--limit", limit});
      const Finished finished = pgsluice(arguments);
      EXPECT_EQ(2, finished.exit_code) << finished.err;
      EXPECT_THAT(finished.err, HasSubstr("--after " + what + " with --limit"));
      EXPECT_EQ("a\n1\n2\n", read_file(path));
    }
  }
  EXPECT_EQ(0, db().number("select count(*) from t where a > 0"));
}

/// ... and nothing of an archive, of which --member says what is loaded.
TEST_F(After, AnArchiveOfWhichMembersAreLeftOutStays) {
  const std::string make = "echo a > b.csv && echo 1 >> b.csv && sed s/1/2/ b.csv > MAR.CSV && ";
  const std::pair<const char*, std::string> archives[] = {
      {"x.zip", "zip -q x b.csv MAR.CSV && cat x.zip"},
      {"x.tar", "tar -cf - MAR.CSV b.csv"},
      {"x.tgz", "tar -czf - b.csv MAR.CSV"},
  };
  for (const auto& [name, command] : archives) {
    const std::string bytes = piped(make + command, "");
    const std::string path = folder_.write(name, bytes);
    for (const std::string& what : {std::string("delete"), "move:" + (folder_ / "done")}) {
      std::vector<std::string> arguments = load(path, what);
      arguments.insert(arguments.end(), {"--member", "*.csv"});
      const Finished finished = pgsluice(arguments);
      EXPECT_EQ(2, finished.exit_code) << name << finished.err;
      EXPECT_THAT(finished.err, HasSubstr("--member leaves out of it: MAR.CSV; "));
      EXPECT_EQ(bytes, read_file(path));
    }
  }
  EXPECT_EQ(0, db().number("select count(*) from t where a > 0")) << "refused before it is loaded";
}

/// There is nothing that could be deleted or moved.
TEST_F(After, StdinIsNoFile) {
  const std::string input = folder_.write("x.csv", "a\n1\n");
  for (const std::string& what : {std::string("delete"), "move:" + (folder_ / "done")}) {
    Process::Options options;
    options.input = input;
    const Finished refused = pgsluice(load("-", what), std::move(options));
    EXPECT_EQ(2, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("--after " + what + " acts on files, and - is what comes"));
  }
  EXPECT_TRUE(fs::exists(input));
  EXPECT_EQ(0, db().number("select count(*) from t where a > 0"));
}

/// Folders, and what a file manager leaves beside files, are no data.
TEST_F(After, AnArchiveGoesWithWhatIsNoData) {
  const std::string path = folder_.write(
      "x.zip", piped("mkdir -p d __MACOSX && echo a > d/b.csv && echo 1 >> d/b.csv && "
                     "echo x > __MACOSX/._b.csv && echo x > d/.DS_Store && "
                     "zip -q -r x d __MACOSX && cat x.zip",
                     ""));
  std::vector<std::string> arguments = load(path, "delete");
  arguments.insert(arguments.end(), {"--member", "*.csv"});
  const Finished finished = pgsluice(arguments);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(1, db().number("select count(*) from t where a > 0"));
  EXPECT_FALSE(fs::exists(path));
}

/// One that has another member by the time when its first one is loaded.
TEST_F(After, AnArchiveThatIsReplacedMeanwhileStays) {
  const std::string make =
      "echo a > b.csv && echo 1 >> b.csv && echo a > c.csv && echo 2 >> c.csv && "
      "echo a > d.csv && echo 3 >> d.csv && tar -cf - b.csv c.csv";
  const std::string path = folder_.write("x.tar", piped(make, ""));
  const std::string other = folder_.write("y.tar", piped(make + " d.csv", ""));
  Session locker(url());
  locker.run("begin; lock table t in access exclusive mode");
  std::vector<std::string> arguments = load(path, "delete");
  arguments.insert(arguments.end(), {"--member", "*.csv"});
  Process process(arguments);
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 't'::regclass and "
                 "not granted)"));
  fs::rename(other, path);
  locker.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_TRUE(fs::exists(path));
  const Finished next = pgsluice(arguments);
  EXPECT_EQ(0, next.exit_code) << next.err;
  EXPECT_EQ(3, db().number("select count(distinct a) from t where a > 0"));
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(After, AFolderThatMayNotBeWrittenToKeepsItsFile) {
  const std::string path = folder_.write("x.csv", "a\n1\n");
  fs::permissions(folder_.path(), fs::perms(0555));
  std::vector<std::string> arguments = load(path, "delete");
  Process::Options options;
  if (::geteuid() == 0) {
    arguments.insert(arguments.begin(),
                     {"--reuid=65534", "--regid=65534", "--clear-groups", PGSLUICE_BINARY});
    options.program = "setpriv";
  }
  const Finished finished = pgsluice(arguments, options);
  fs::permissions(folder_.path(), fs::perms(0755));
  EXPECT_EQ(1, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("is loaded, but --after failed"));
  EXPECT_THAT(finished.err, HasSubstr("Permission denied"));
  EXPECT_EQ("a\n1\n", read_file(path));
  EXPECT_EQ(1, db().number("select count(*) from t where a > 0"));
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <filesystem>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// A table that somebody else has emptied has no load's rows, whichever load finds that out.
class Voided : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table p (id int primary key); insert into p values (1); create table t (id int, p "
        "int references p)");
  }
  Finished load(const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"load", folder_ / file, "-t", "t", "-d", url()});
    return pgsluice(more);
  }
  std::string ids() { return db().value("select string_agg(id::text, ',' order by id) from t"); }

  TemporaryFolder folder_;
};

TEST_F(Voided, ByALoadThatGoesOnWithoutRows) {
  folder_.write("a.csv", "id,p\n1,1\n2,1\n");
  folder_.write("b.csv", "id,p\n9,7\n");
  // One transaction kept nothing, so that its load has nothing to go on from; each other way has.
  for (const auto& [flags, goes_on] :
       std::vector<std::pair<std::vector<std::string>, bool>>{{{}, true},
                                                              {{"--atomic"}, false},
                                                              {{"--atomic=resumable"}, true},
                                                              {{"--atomic=transaction"}, false}}) {
    SCOPED_TRACE(::testing::PrintToString(flags));
    db().run("truncate t; delete from p where id = 7; drop schema if exists pgsluice cascade");
    ASSERT_EQ(0, load("a.csv").exit_code);
    ASSERT_EQ(1, load("b.csv", flags).exit_code);
    db().run("truncate t; insert into p values (7)");
    const Finished resumed = load("b.csv", flags);
    EXPECT_EQ(0, resumed.exit_code) << resumed.err;
    EXPECT_EQ(goes_on, resumed.err.contains("resuming load 2")) << resumed.err;
    const Finished again = load("a.csv");
    EXPECT_EQ(0, again.exit_code) << again.err;
    EXPECT_EQ("1,2,9", ids()) << again.err;
  }
}

TEST_F(Voided, NotWhereTheTableHasRows) {
  folder_.write("a.csv", "id,p\n1,1\n2,1\n");
  folder_.write("b.csv", "id,p\n9,7\n");
  ASSERT_EQ(0, load("a.csv").exit_code);
  ASSERT_EQ(1, load("b.csv").exit_code);
  db().run("delete from t where id = 2; insert into p values (7)");
  ASSERT_EQ(0, load("b.csv").exit_code);
  EXPECT_THAT(load("a.csv").out, HasSubstr("nothing to do"));
  EXPECT_EQ("1,9", ids());
}

/// With --truncate the table is to have this file's rows alone, also where the load goes on.
TEST_F(Voided, ATruncatingLoadGoesOnOnlyWhereNoOtherHasCome) {
  folder_.write("a.csv", "id,p\n1,1\n2,1\n");
  folder_.write("b.csv", "id,p\n9,7\n");
  ASSERT_EQ(1, load("b.csv", {"--truncate"}).exit_code);
  ASSERT_EQ(0, load("a.csv").exit_code);
  db().run("insert into p values (7)");
  const Finished anew = load("b.csv", {"--truncate"});
  EXPECT_EQ(0, anew.exit_code) << anew.err;
  EXPECT_THAT(anew.err, HasSubstr("load 1, which was unfinished, is given up"));
  EXPECT_EQ("9", ids());

  folder_.write("c.csv", "id,p\n5,8\n");
  ASSERT_EQ(1, load("c.csv", {"--truncate"}).exit_code);
  db().run("insert into p values (8)");
  const Finished resumed = load("c.csv", {"--truncate"});
  EXPECT_THAT(resumed.err, HasSubstr("resuming load"));
  EXPECT_EQ("5", ids());
}

/// Where nothing was stored, nothing comes twice.
TEST_F(Voided, AFileOfRejectsAloneIsLoadedWithOtherFlags) {
  folder_.write("a.csv", "id,p\n1\n2\n");
  ASSERT_EQ(3, load("a.csv", {"--max-rejects", "9"}).exit_code);
  const Finished padded = load("a.csv", {"--ragged", "pad"});
  EXPECT_EQ(0, padded.exit_code) << padded.err;
  EXPECT_EQ("1,2", ids());
  EXPECT_EQ(7, load("a.csv", {"--ragged", "error", "--null", "x"}).exit_code);
}

TEST_F(Voided, NotByAtomicWhichIsNamed) {
  std::string csv = "id,p\n";
  for (int i = 0; i < 1000; ++i) csv += std::to_string(i) + ",1\n";
  folder_.write("a.csv", csv + "1000,7\n");
  ASSERT_EQ(1, load("a.csv", {"--chunk-size", "1KiB", "--jobs", "1"}).exit_code);
  const Finished refused = load("a.csv", {"--atomic"});
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("(without --atomic then)"));
}

/// A pattern does not take what a load has left for somebody to put right, however few the other
/// files are.
TEST_F(Voided, RejectsAreNoDataOfAPattern) {
  std::filesystem::create_directory(folder_ / "in");
  folder_.write("in/one.csv", "id,p\n1,1\nx,1\n");
  folder_.write("in/two.csv", "id,p\n2,1\ny,1\n");
  const std::vector<std::string> flags{"--after", "move:" + (folder_ / "done"), "--max-rejects",
                                       "10"};
  EXPECT_EQ(3, load("in/*.csv", flags).exit_code);
  const Finished again = load("in/*.csv", flags);
  EXPECT_EQ(2, again.exit_code);
  EXPECT_THAT(again.err, HasSubstr("no file matches this pattern but rejects of loads"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "in/one.rejects.csv"));
  folder_.write("in/one.rejects.csv", "id,p\n3,1\n");
  EXPECT_EQ(0, load("in/one.rejects.csv").exit_code);
  EXPECT_EQ(3, load("in/*.rejects.csv", {"--max-rejects", "10"}).exit_code) << "says what it means";
  EXPECT_EQ("1,2,3", ids());
}

/// What is half taken out is so for many files at once too.
TEST_F(Voided, NotWhereALoadIsHalfTakenOut) {
  std::filesystem::create_directory(folder_ / "in");
  for (const char* name : {"in/1.csv", "in/2.csv", "in/3.csv"})
    folder_.write(name, std::string("id,p\n") + name[3] + ",1\n");
  ASSERT_EQ(0, load("in").exit_code);
  ASSERT_EQ(0, load("in", {"--again"}).exit_code);
  db().run(
      "update pgsluice.loads set state = 'undoing' where load_id = (select max(load_id) from "
      "pgsluice.loads where source like '%3.csv')");
  const Finished left = load("in", {"--after", "delete", "--keep-going"});
  EXPECT_EQ(7, left.exit_code) << left.err;
  EXPECT_TRUE(std::filesystem::exists(folder_ / "in/3.csv"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "in/2.csv"));
}

/// Whoever may write into a folder could name another one there, and --after would delete its
/// files.
TEST_F(Voided, APatternGoesThroughNoLink) {
  std::filesystem::create_directories(folder_ / "in/a");
  std::filesystem::create_directory(folder_ / "others");
  folder_.write("in/a/x.csv", "id,p\n1,1\n");
  folder_.write("others/y.csv", "id,p\n2,1\n");
  std::filesystem::create_directory_symlink(folder_ / "others", folder_ / "in/b");
  const Finished loaded = load("in/*/*.csv", {"--after", "delete"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.err, HasSubstr("1 file is left out: b"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "others/y.csv"));
  EXPECT_EQ("1", ids());
  EXPECT_EQ(0, load("in/b/*.csv").exit_code) << "named by the user";
  EXPECT_EQ("1,2", ids());
}

/// What a job has looked up is a file, or nothing.
TEST_F(Voided, NamesOfAJobAreNoListsAndNoFolders) {
  std::filesystem::create_directory(folder_ / "in");
  folder_.write("in/x.csv", "id,p\n1,1\n");
  folder_.write("list", (folder_ / "in/x.csv") + "\n");
  for (const char* name : {"@list", "in", "in/*.csv"}) {
    const Finished refused = load(name, {"--as-named"});
    EXPECT_NE(0, refused.exit_code) << name;
  }
  EXPECT_EQ(0, db().number("select count(*) from t"));
  EXPECT_EQ(0, load("in/x.csv", {"--as-named"}).exit_code);
}

}  // namespace
}  // namespace sluice::test

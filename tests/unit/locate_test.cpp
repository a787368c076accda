#include "source/locate.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/failure.hpp"
#include "support/files.hpp"

namespace sluice::source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Locate : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"a.csv", "b.csv.gz", "c.tsv", "d.txt.zst", "e.parquet", "f.CSV", ".hidden.csv",
          "a.rejects.csv", "x*.csv", "in/2025/1.csv", "in/2025/2.csv", "in/2026/3.csv.gz",
          "in/2026/deep/4.csv", "in/.git/5.csv", "in/6.csv"}) {
      std::filesystem::create_directories(std::filesystem::path(folder_ / name).parent_path());
      folder_.write(name, "1\n");
    }
    std::filesystem::create_directory_symlink(folder_ / "in", folder_ / "in/2026/round");
  }
  std::string at(const std::string& name) const { return folder_ / name; }
  std::vector<std::string> all(std::vector<std::string> names) const {
    for (std::string& name : names) name = folder_ / name;
    return names;
  }
  std::vector<std::string> locate(const std::vector<std::string>& arguments) {
    left_out_.clear();
    return source::locate(arguments, left_out_);
  }
  std::string failure_of(const std::string& argument) {
    try {
      locate({argument});
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::usage, failure.kind());
      return failure.what();
    }
    return "none";
  }

  test::TemporaryFolder folder_;
  std::vector<LeftOut> left_out_;
};

TEST_F(Locate, PatternsMatchWithinNames) {
  EXPECT_EQ(all({"a.csv", "a.rejects.csv", "x*.csv"}), matches(at("*.csv")));
  EXPECT_EQ(all({"a.csv"}), matches(at("[a-c].csv")));
  EXPECT_EQ(all({".hidden.csv"}), matches(at(".h*.csv")));
  EXPECT_EQ(all({"x*.csv"}), matches(at("x\\*.csv")));
  EXPECT_EQ(all({"in/2025/1.csv", "in/2025/2.csv"}), matches(at("in/20?5/*")));
  EXPECT_EQ(all({}), matches(at("in/*/nothing")));
  EXPECT_EQ(all({}), matches(at("gone/*/*.csv")));
  EXPECT_EQ(all({}), matches(at("in")));  // a folder is no file
}

TEST_F(Locate, TwoStarsAreAnyNumberOfFolders) {
  EXPECT_EQ(
      all({"in/2025/1.csv", "in/2025/2.csv", "in/2026/3.csv.gz", "in/2026/deep/4.csv", "in/6.csv"}),
      matches(at("in/**/*.csv*")));
  EXPECT_EQ(all({"in/2026/deep/4.csv"}), matches(at("**/deep/*")));
  EXPECT_EQ(all({"in/2026/3.csv.gz", "in/2026/deep/4.csv"}), matches(at("in/2026/**")));
  EXPECT_EQ(all({"in/2025/1.csv"}), matches(at("in/**/**/1.csv")));
}

TEST_F(Locate, WhatIsThereIsMeantByItsName) {
  EXPECT_EQ(all({"x*.csv"}), locate({at("x*.csv")}));
  EXPECT_THAT(locate({"-", "/no/such.csv", "-"}), ElementsAre("-", "/no/such.csv"));
}

TEST_F(Locate, AFolderHasItsFiles) {
  EXPECT_EQ(all({"a.csv", "b.csv.gz", "c.tsv", "d.txt.zst", "f.CSV", "x*.csv"}),
            locate({folder_.path()}));
  ASSERT_EQ(1U, left_out_.size());
  EXPECT_EQ(folder_.path(), left_out_[0].of);
  EXPECT_THAT(left_out_[0].names, ElementsAre("e.parquet"));
  for (const char* name : {"G.Csv.GZ", "h.zip", "i.tgz", "j.7z", "k.tar", "no-ending", "L.TSV"})
    folder_.write(name, "1\n");
  EXPECT_EQ(
      all({"G.Csv.GZ", "L.TSV", "a.csv", "b.csv.gz", "c.tsv", "d.txt.zst", "f.CSV", "x*.csv"}),
      locate({folder_.path()}));
  EXPECT_THAT(left_out_[0].names,
              ElementsAre("e.parquet", "h.zip", "i.tgz", "j.7z", "k.tar", "no-ending"));
}

TEST_F(Locate, WhatDiffersInCapitalsIsLeftOutWithANote) {
  EXPECT_EQ(all({"a.csv", "a.rejects.csv", "x*.csv"}), locate({at("*.csv")}));
  ASSERT_EQ(1U, left_out_.size());
  EXPECT_EQ(at("*.csv"), left_out_[0].of);
  EXPECT_THAT(left_out_[0].names, ElementsAre("f.CSV"));
  EXPECT_THAT(failure_of(at("F*.csv")), HasSubstr("but for capitals it would match f.CSV"));
  EXPECT_EQ(all({"f.CSV"}), locate({at("*.CSV")}));
}

TEST_F(Locate, ListsNameFiles) {
  const std::string list = folder_.write(
      "list", "# of today\n" + at("c.tsv") + "\r\n\n" + at("in/2025/*") + "\n-\n" + at("c.tsv"));
  std::vector<std::string> expected = all({"a.csv", "c.tsv", "in/2025/1.csv", "in/2025/2.csv"});
  expected.emplace_back("./-");  // a file of that name: a list cannot mean stdin
  EXPECT_EQ(expected, locate({at("a.csv"), "@" + list, at("a.csv")}));
}

/// Blanks that nobody sees, and what editors put in front; a name that has some is meant all the
/// same.
TEST_F(Locate, BlanksAroundTheLinesOfAListDoNotCount) {
  folder_.write(" blank.csv ", "1\n");
  const std::string list = folder_.write(
      "list", "\xef\xbb\xbf" + at("a.csv") + " \r\n \t\r\n  # no file\n\t" + at("c.tsv") + "\t\n" +
                  at(" blank.csv ") + "\n" + at("gone.csv") + " ");
  NamedByLists of_lists;
  EXPECT_EQ(all({"x*.csv", "a.csv", "c.tsv", " blank.csv ", "gone.csv"}),
            source::locate({at("x*.csv"), "@" + list}, left_out_, &of_lists));
  EXPECT_EQ((NamedByLists{{at("a.csv"), "@" + list + ", line 1"},
                          {at("c.tsv"), "@" + list + ", line 4"},
                          {at(" blank.csv "), "@" + list + ", line 5"},
                          {at("gone.csv"), "@" + list + ", line 6"}}),
            of_lists);
  const std::string wrong = folder_.write("l", at("a.csv") + "\n\n" + at("*.none"));
  EXPECT_THAT(failure_of("@" + wrong), ::testing::StartsWith("@" + wrong + ", line 3: "));
}

TEST_F(Locate, NothingFoundIsSaid) {
  EXPECT_THAT(failure_of(at("*.none")), HasSubstr("*.none: no file matches this pattern"));
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_THAT(failure_of(at("empty")), HasSubstr("empty: the folder has no *.csv"));
  EXPECT_THAT(failure_of(at("empty")), ::testing::Not(HasSubstr("rejects")));
  folder_.write("empty/a.rejects.csv", "1\n");
  EXPECT_THAT(
      failure_of(at("empty")),
      HasSubstr("rejects of loads are loaded by their names alone: " + at("empty/a.rejects.csv")));
  folder_.write("empty/a.zip", "x");
  EXPECT_THAT(failure_of(at("empty")), HasSubstr("use a pattern: a.zip"));
  EXPECT_THAT(failure_of("@" + at("nolist")), HasSubstr("no such list"));
  EXPECT_THAT(failure_of("@" + folder_.write("l", "\n#x\n")), HasSubstr("names no file"));
}

}  // namespace
}  // namespace sluice::source

#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class DialectAuto : public DatabaseTest {
 protected:
  DialectAuto() { db().run("create table t (id int, name text, v numeric)"); }
  Finished run(const std::string& command, const std::string& file,
               std::vector<std::string> more = {}) {
    std::vector<std::string> all{command, folder_ / file, "-t", "t", "-d", url()};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all);
  }
  std::string table() {
    return db().value(
        "select string_agg(concat_ws('|', id, name, v), ' ' order by id, name) from t");
  }

  TemporaryFolder folder_;
};

struct AutoExample {
  std::string name;
  std::string file;
};

/// Each of them is the same three rows.
std::vector<AutoExample> auto_examples() {
  return {
      {"plain", "id,name,v\n1,a,2\n2,b,3\n3,c,4\n"},
      {"semicolon", "id;name;v\n1;a;2\n2;b;3\n3;c;4\n"},
      {"no header", "1|a|2\n2|b|3\n3|c|4\n"},
      {"quotes", "id\tname\tv\n1\t\"a\"\t2\n2\t\"b\"\t3\n3\t\"c\"\t4\n"},
      {"text", "1\ta\t2\n2\tb\t3\n3\tc\t4\n\\.\n"},
      {"names of the table", "v;name;id\n2;a;1\n3;b;2\n4;c;3\n"},
      {"trailing", "1|a|2|\n2|b|3|\n3|c|4|\n"},
  };
}

TEST_F(DialectAuto, ReadsWhatAFileLooksLike) {
  for (const AutoExample& example : auto_examples()) {
    SCOPED_TRACE(example.name);
    db().run("truncate t");
    folder_.write("f.csv", example.file);
    const Finished checked = run("check", "f.csv", {"--dialect", "auto"});
    EXPECT_EQ(0, checked.exit_code) << checked.out << checked.err;
    const Finished loaded = run("load", "f.csv", {"--dialect", "auto", "--again"});
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ("1|a|2 2|b|3 3|c|4", table());
  }
}

/// A run that comes later is the same load, and so is one that names the flags.
TEST_F(DialectAuto, IsTheSameLoadAsWithFlags) {
  folder_.write("f.csv", "id;name;v\n1;a;2\n2;b;3\n3;c;4\n");
  ASSERT_EQ(0, run("load", "f.csv", {"--dialect", "auto"}).exit_code);
  EXPECT_THAT(run("load", "f.csv", {"--dialect", "auto"}).out, HasSubstr("nothing to do"));
  EXPECT_THAT(run("load", "f.csv", {"--delimiter", ";"}).out, HasSubstr("nothing to do"));
  EXPECT_EQ("1|a|2 2|b|3 3|c|4", table());
}

TEST_F(DialectAuto, ReadsEachFileForItself) {
  folder_.write("a.csv", "id;name;v\n1;a;2\n2;b;3\n");
  folder_.write("b.csv", "id,name,v\n3,c,4\n4,d,5\n");
  const Finished loaded = pgsluice(
      {"load", folder_ / "a.csv", folder_ / "b.csv", "-t", "t", "-d", url(), "--dialect", "auto"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1|a|2 2|b|3 3|c|4 4|d|5", table());
}

TEST_F(DialectAuto, RefusesInDoubt) {
  folder_.write("f.csv", "x,y;z\nu,v;w\n");
  const Finished refused = run("load", "f.csv", {"--dialect", "auto"});
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("--dialect auto is not sure"));
  EXPECT_THAT(refused.err, HasSubstr("--delimiter ';'"));
  EXPECT_THAT(refused.err, HasSubstr("either --delimiter , --header none (2 columns)\n"));
  EXPECT_THAT(refused.err, HasSubstr("or     --delimiter ';' --header none (2 columns)\n"));
  EXPECT_EQ("0", db().value("select count(*) from t"));
}

/// What looks like a title, a footer or a comment may be a record: a person says which it is.
TEST_F(DialectAuto, LeavesNoLineOut) {
  const struct {
    const char* file;
    std::vector<std::string> flags;
  } files[] = {{"Report\n\nid,name,v\n1,a,2\n2,b,3\n3,c,4\n", {"--skip-lines", "2"}},
               {"id,name,v\n1,a,2\n2,b,3\n3,c,4\nTotal: 9\n", {"--skip-footer", "1"}},
               {"id,name,v\n1,a,2\n2,b,3\n3,c,4\n5", {"--skip-footer", "1"}},
               {"id,name,v\n# x\n1,a,2\n2,b,3\n# y\n3,c,4\n", {"--comment", "#"}}};
  for (const auto& [file, flags] : files) {
    SCOPED_TRACE(file);
    db().run("truncate t");
    folder_.write("f.csv", file);
    for (const char* command : {"load", "check"}) {
      const Finished refused = run(command, "f.csv", {"--dialect", "auto"});
      EXPECT_EQ(2, refused.exit_code);
      EXPECT_THAT(refused.out + refused.err, HasSubstr("leaves no lines out"));
      EXPECT_THAT(refused.out + refused.err, HasSubstr(flags.front()));
    }
    EXPECT_EQ("0", db().value("select count(*) from t"));
    std::vector<std::string> more = flags;
    more.insert(more.end(), {"--dialect", "auto", "--again"});
    const Finished loaded = run("load", "f.csv", more);
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ("1|a|2 2|b|3 3|c|4", table());
  }
}

/// A flag that is given is not asked about.
TEST_F(DialectAuto, LeavesFlagsAsTheyAre) {
  folder_.write("f.csv", "1,a;2\n2,b;3\n");
  db().run("create table p (a text, b text)");
  const Finished loaded = pgsluice({"load", folder_ / "f.csv", "-t", "p", "-d", url(), "--dialect",
                                    "auto", "--delimiter", ";", "--header", "none"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1,a|2 2,b|3",
            db().value("select string_agg(concat_ws('|', a, b), ' ' order by a) from p"));
}

/// Who has not asked is told what would have fitted; nothing is done about it.
TEST_F(DialectAuto, IsAdvisedWhereNothingFits) {
  folder_.write("f.csv", "1|a|2\n2|b|3\n3|c|4\n");
  const Finished failed = run("load", "f.csv", {"--header", "none"});
  EXPECT_NE(0, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("It looks like --delimiter '|' --header none"));
  EXPECT_EQ("0", db().value("select count(*) from t"));
  folder_.write("good.csv", "id,name,v\n1,a,x\n2,b,y\n");
  EXPECT_THAT(run("load", "good.csv").err, Not(HasSubstr("It looks like")));
}

/// What the file says of itself, or a flag, is no advice.
TEST_F(DialectAuto, IsNotAdvisedWhereItIsSaid) {
  for (const char* first : {"sep=;", "\"SEP=;\""}) {
    folder_.write("f.csv", std::string(first) + "\nid;name;v\n1;a;2\nx;b;3\n3;c;4\n");
    const Finished failed = run("load", "f.csv");
    EXPECT_NE(0, failed.exit_code);
    EXPECT_THAT(failed.err, Not(HasSubstr("It looks like"))) << first;
  }
  for (const char* comment : {"#", "%"}) {
    const std::string c = comment;
    folder_.write("f.csv", c + " of today\nid,name,v\n1,a,2\n" + c + " x\nx,b,3\n3,c,4\n");
    const Finished failed = run("load", "f.csv", {"--comment", comment});
    EXPECT_NE(0, failed.exit_code);
    EXPECT_THAT(failed.err, Not(HasSubstr("It looks like"))) << comment;
  }
  folder_.write("f.csv", "# x\n1;a;2\n2;b;3\n# y\n3;c;4\n");
  EXPECT_THAT(run("load", "f.csv", {"--comment", "#", "--header", "none"}).err,
              HasSubstr("It looks like --delimiter ';' --comment '#'"));
}

}  // namespace
}  // namespace sluice::test

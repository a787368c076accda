#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What the flags of values do from the command line to the table.
class ValueFlags : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table t (id int, name text, v numeric, ok boolean, at timestamp, src text, "
        "began timestamptz, nr bigint)");
  }

  Finished run(const std::string& command, const std::string& path,
               const std::vector<std::string>& flags) const {
    std::vector<std::string> all{command, path, "-t", "t", "-d", url()};
    if (command == "load") all.insert(all.end(), {"--progress", "none"});
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }
  Finished load(const std::string& path, const std::vector<std::string>& flags) const {
    return run("load", path, flags);
  }
  std::string table(const std::string& columns = "id, name, v, ok, at, src") {
    return db().value("select coalesce(string_agg(concat_ws('|', " + columns +
                      "), ' ' order by id), '') from t");
  }
  std::string options(int load) {
    return db().value("select options from pgsluice.loads where load_id = " + std::to_string(load));
  }

  TemporaryFolder folder_;
};

TEST_F(ValueFlags, MeanWhatTheySay) {
  struct {
    std::string file;
    std::vector<std::string> flags;
    std::string rows;
  } const examples[] = {
      {"id,name,src\n1,NA,-\n2,,x\n", {"--null", "NA", "--null", "-"}, "1 2||x"},
      {"id,name,src\n1,[NULL],x\n", {"--null", "[NULL]"}, "1|x"},
      {"id,name,src\n1,-,-\n", {"--null-for", "src=-"}, "1|-"},
      {"id,name,src\n1,\"\",\"\"\n", {"--null-quoted"}, "1"},
      {"id,name,src\n1,\"\",\"\"\n", {"--null-quoted=src"}, "1|"},
      {"id,name,src\n1 , a ,\" b \"\n2,  ,\n", {"--trim"}, "1|a| b  2"},
      {"id,name,src\n1 , a ,\" b \"\n", {"--trim=all"}, "1|a|b"},
      {"id,v\n1,\"1.234,5\"\n", {"--decimal", ",", "--thousands", "."}, "1|1234.5"},
      {"id,ok\n1,J\n2,n\n", {"--booleans", "Y,N", "--booleans", "J,K"}, "1|t 2|f"},
      {"id,at\n1,03/02/2024 10:00\n",
       {"--date-format", "DD/MM/YYYY HH24:MI"},
       "1|2024-02-03 10:00:00"},
      {"id,at\n1,1700000000\n", {"--date-format=at=epoch"}, "1|2023-11-14 22:13:20"},
      {"id\n1\n2\n", {"--add", "src=a=b", "--add", "v=7"}, "1|7|a=b 2|7|a=b"},
      {"id\n1\n", {"--add", "src=::now"}, "1|:now"},
  };
  for (const auto& [file, flags, rows] : examples) {
    const std::string path = folder_.write("file.csv", file);
    const std::string shown = ::testing::PrintToString(flags);
    const Finished checked = run("check", path, flags);
    EXPECT_EQ(0, checked.exit_code) << shown << checked.err << checked.out;
    std::vector<std::string> with = flags;
    with.insert(with.end(), {"--again", "--dry-run"});
    EXPECT_EQ(0, load(path, with).exit_code) << shown;
    for (const char* writer : {"copy", "insert"}) {
      db().run("truncate t");
      with = flags;
      with.insert(with.end(), {"--again", "--writer", writer});
      const Finished finished = load(path, with);
      EXPECT_EQ(0, finished.exit_code) << shown << finished.err;
      EXPECT_EQ(rows, table()) << shown << writer;
    }
  }
}

TEST_F(ValueFlags, RefuseWhatCouldBeAnotherValueAndKeepItAsItIs) {
  const std::string path =
      folder_.write("f.csv", "id;v;at\n1;1.5;01/02/2024\n2;2,5;02/31/2024\n3;3,5;01/02/2024\n");
  const std::vector<std::string> flags{"--decimal",     ",",          "--delimiter",   ";",
                                       "--date-format", "DD/MM/YYYY", "--max-rejects", "9"};
  const Finished finished = load(path, flags);
  EXPECT_EQ(3, finished.exit_code) << finished.err;
  EXPECT_EQ("3|3.5|2024-02-01 00:00:00", table());
  EXPECT_EQ("id;v;at\n1;1.5;01/02/2024\n2;2,5;02/31/2024\n", read_file(folder_ / "f.rejects.csv"));
  const std::string reasons = read_file(folder_ / "f.rejects.jsonl");
  EXPECT_THAT(reasons, HasSubstr("\"22P02\""));
  EXPECT_THAT(reasons, HasSubstr("\"22007\""));
  EXPECT_THAT(reasons, HasSubstr("--decimal ','"));
  EXPECT_THAT(reasons, HasSubstr("does not fit --date-format 'DD/MM/YYYY'"));
  EXPECT_THAT(reasons, HasSubstr("\"02/31/2024\""));
  const Finished strict = load(path, {"--decimal", ",", "--delimiter", ";", "--again"});
  EXPECT_EQ(1, strict.exit_code);
  EXPECT_THAT(strict.err, HasSubstr(path + ":2: column \"v\": value \"1.5\": not a number"));
}

/// What is in the file, and not what a rule has made of it, is the value of a reject by the server.
TEST_F(ValueFlags, ARejectByTheServerHasTheValueOfTheFile) {
  db().run("alter table t alter v type numeric(4,1)");
  const std::string path = folder_.write("f.csv", "id,v\n1,\"123.456,5\"\n2,\"1,5\"\n");
  EXPECT_EQ(3, load(path, {"--decimal", ",", "--thousands", ".", "--max-rejects", "1"}).exit_code);
  EXPECT_EQ("2|1.5", table());
  const std::string reasons = read_file(folder_ / "f.rejects.jsonl");
  EXPECT_THAT(reasons, HasSubstr("\"123.456,5\""));
  EXPECT_THAT(reasons, HasSubstr("22003"));
}

TEST_F(ValueFlags, KeysAreThoseOfTheRewrittenValues) {
  db().run("create unique index on t (v)");
  const std::string path = folder_.write("f.csv", "id,v\n1,\"1.000,5\"\n2,\"1000,5\"\n3,\"2,5\"\n");
  const Finished finished = load(path, {"--decimal", ",", "--thousands", ".", "--on-conflict",
                                        "update", "--key", "v", "--add", "nr=:record"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("2|1000.5|2 3|2.5|3", table("id, v, nr"));
}

TEST_F(ValueFlags, AddWhatTheLoadKnows) {
  std::string file = "id\n";
  for (int i = 1; i <= 400; ++i) file += (i == 300 ? "x" : std::to_string(i)) + "\n";
  const std::string path = folder_.write("file.csv", file);
  std::vector<std::string> flags{"--add",  "src=:path",  "--add",        "began=:now",
                                 "--add",  "nr=:record", "--add",        "name=:file",
                                 "--jobs", "1",          "--chunk-size", "256"};
  EXPECT_EQ(1, load(path, flags).exit_code);
  const std::int64_t before = db().number("select count(*) from t");
  ASSERT_GT(before, 0);
  flags.insert(flags.end(), {"--max-rejects", "1"});
  const Finished resumed = load(path, flags);
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming load 1"));
  EXPECT_EQ("399", db().value("select count(*) from t where nr = id and src = '" + path +
                              "' and name = '" + path + "'"));
  EXPECT_EQ("1", db().value("select count(distinct began) from t"));
  EXPECT_EQ("t", db().value("select bool_and(began between now() - interval '10 minutes' and "
                            "now()) from t"));
  const Finished known = load(path, flags);
  EXPECT_THAT(known.out + known.err, HasSubstr("nothing to do")) << "at another time";

  db().run("truncate t");
  const std::string small = folder_.write("small.csv", "id\n1\n2\n");
  EXPECT_EQ(0, load(small, {"--add", "nr=:record"}).exit_code);
  EXPECT_EQ("1|1 2|2", table("id, nr")) << "also where all is one transaction";
}

TEST_F(ValueFlags, AreWhatALoadIsKnownBy) {
  std::string file = "id,name,v\n";
  for (int i = 1; i <= 100; ++i) file += std::to_string(i) + ",a," + (i == 99 ? "?" : "1") + "\n";
  const std::string path = folder_.write("f.csv", file);
  // Those that mean the same are the same load, and each other one is another.
  struct {
    std::vector<std::string> first;
    std::vector<std::string> same;
    std::vector<std::string> other;
  } const cases[] = {
      {{}, {"--null", ""}, {"--null", "", "--null", "NA"}},
      {{"--null", "x", "--null", "y"},
       {"--null", "y", "--null", "x", "--null", "x"},
       {"--null", "x"}},
      {{"--null-for", "name=x"},
       {"--null-for", "name=x", "--null-for", "v="},
       {"--null-for", "v=x"}},
      {{"--null-quoted"}, {"--null-quoted=id,name,v"}, {"--null-quoted=id"}},
      {{"--trim"}, {"--trim=unquoted"}, {"--trim=all"}},
      {{"--decimal", ","}, {"--decimal=,"}, {"--decimal", ",", "--thousands", "."}},
      {{}, {"--decimal", "."}, {"--decimal", ","}},
      {{"--add", "src=x"}, {"--add=src=x"}, {"--add", "src=y"}},
      {{"--add", "src=x"}, {"--add", "SRC=x"}, {}},
  };
  for (const auto& each : cases) {
    db().run("drop schema if exists pgsluice cascade; truncate t");
    std::vector<std::string> flags = each.first;
    flags.insert(flags.end(), {"--chunk-size", "64", "--jobs", "1"});
    ASSERT_EQ(1, load(path, flags).exit_code);
    ASSERT_LT(0, db().number("select count(*) from t"));
    flags = each.other;
    flags.insert(flags.end(), {"--max-rejects", "1"});
    const Finished other = load(path, flags);
    EXPECT_EQ(7, other.exit_code) << ::testing::PrintToString(each.other) << other.err;
    flags = each.same;
    flags.insert(flags.end(), {"--max-rejects", "1"});
    const Finished same = load(path, flags);
    EXPECT_EQ(3, same.exit_code) << ::testing::PrintToString(each.same) << same.err;
    EXPECT_THAT(same.err, HasSubstr("resuming load 1"));
  }
}

/// A load of a version that knew no such rules has none of them in its row.
TEST_F(ValueFlags, LeaveNoTraceWhereTheyAreNotGiven) {
  const std::string path = folder_.write("f.csv", "id,v\n1,1\n");
  ASSERT_EQ(0, load(path, {}).exit_code);
  for (const char* key : {"null-for", "null-quoted", "trim", "decimal", "thousands", "booleans",
                          "date-format", "add", "words"})
    EXPECT_THAT(options(1), Not(HasSubstr(key)));
  EXPECT_THAT(options(1), HasSubstr("\"null\": \"\""));
}

TEST_F(ValueFlags, ThatAreWrongAreSaidBeforeAnythingIsDone) {
  const std::string path = folder_.write("file.csv", "id,name,v\n1,a,2\n");
  struct {
    std::vector<std::string> flags;
    std::string message;
  } const wrong[] = {
      {{"--null", "a,b"}, "--null must not contain the delimiter"},
      {{"--null", "x", "--null", "a,b"}, "--null must not contain the delimiter"},
      {{"--null-for", "nix=x"}, "--null-for nix=x: the file feeds no column \"nix\""},
      {{"--null-quoted=nix"}, "--null-quoted: the file feeds no column \"nix\""},
      {{"--null-quoted=\"a"}, "is not closed"},
      {{"--trim=left"}, "--trim=left is no choice"},
      {{"--decimal", ",", "--thousands", ","}, "must differ"},
      {{"--booleans", "Y,N"}, "--booleans: no column is boolean"},
      {{"--date-format", "DD/MM/YYYY"}, "no column has such values"},
      {{"--date-format", "name=DD/MM/YYYY"}, "column \"name\" is no date"},
      {{"--add", "nix=1"}, "--add nix=1: public.t has no such column"},
      {{"--add", "name=1"}, "the file feeds that column"},
      {{"--add", "src"}, "COLUMN=VALUE"},
      {{"--add", "src=:lines"}, "\":lines\" is not known; write :file, :path, "},
      {{"--add", "src=1", "--add", "src=2"}, "given twice"},
      {{"--add", "src=\xff"}, "--add"},
  };
  for (const auto& [flags, message] : wrong) {
    const Finished finished = load(path, flags);
    EXPECT_EQ(2, finished.exit_code) << ::testing::PrintToString(flags) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(message));
  }
  EXPECT_EQ("", table());
}

}  // namespace
}  // namespace sluice::test

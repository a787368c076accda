#include <gmock/gmock.h>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What the flags of a dialect do from the command line to the table.
class DialectFlags : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, name text, v numeric)"); }

  Finished run(const std::string& command, const std::string& path,
               const std::vector<std::string>& flags) const {
    std::vector<std::string> all{command, path, "-t", "t", "--progress", "none", "-d", url()};
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }
  Finished load(const std::string& path, const std::vector<std::string>& flags) const {
    return run("load", path, flags);
  }
  /// 1|a|2 2|NULL|3
  std::string table() {
    return db().value(
        "select string_agg(concat_ws('|', id, coalesce(name, 'NULL'), coalesce(v::text, 'NULL')), "
        "' ' order by id) from t");
  }

  TemporaryFolder folder_;
};

struct FlagExample {
  std::string name;
  std::string file;
  std::vector<std::string> flags;
  std::string rows;
  int exit_code = 0;
};

std::vector<FlagExample> flag_examples() {
  return {
      {"wide",
       "id||name||v\n1||a|b||2\n2||\"x||y\"||3\n",
       {"--delimiter", "||"},
       "1|a|b|2 2|x||y|3"},
      {"overlap", "1||a||2\n2|||b||3\n", {"--delimiter", "||", "--header", "none"}, "1|a|2 2||b|3"},
      {"utf8", "id§name§v\n1§ä§2\n", {"--delimiter", "\\u00a7"}, "1|ä|2"},
      {"unit separator",
       "id\x1fname\x1fv\n1\x1f"
       "a\x1f"
       "2\n",
       {"--delimiter", "\\x1f"},
       "1|a|2"},
      {"named", "id name v\n1 a 2\n", {"--delimiter", "space"}, "1|a|2"},
      {"no quotes",
       "id,name,v\n1,5\" pipe,2\n2,\"x\",3\n",
       {"--quote", "none"},
       "1|5\" pipe|2 2|\"x\"|3"},
      {"hive",
       "1\x01"
       "a\\\nb\x01\\N\n2\x01\\N\x01"
       "3\n",
       {"--delimiter", "\\x01", "--quote", "none", "--escape", "\\", "--header", "none"},
       "1|a\nb|NULL 2|NULL|3"},
      {"mysql",
       "1,a\\,b\\\"c,2\n2,\\N,3\n3,\"x\\ny\\\\\",\\N\n4,,5\n",
       {"--escape", "backslash", "--header", "none"},
       "1|a,b\"c|2 2|NULL|3 3|x\ny\\|NULL 4||5"},
      {"copy's escape",
       "id,name,v\n1,\"a\\\"b\\n\",2\n2,c\\,3\n",
       {"--escape", "\\"},
       "1|a\"b\\n|2 2|c\\|3"},
      {"text",
       "1\ta\\tb\\\\\t2\n2\t\\N\t\\N\n3\t\t4\n\\.\n\nselect 1;\n",
       {"--format", "text"},
       "1|a\tb\\|2 2|NULL|NULL 3||4"},
      {"text with a header",
       "id\tname\tv\n1\ta\t2\n",
       {"--format", "text", "--header", "match"},
       "1|a|2"},
      {"auto text", "1\ta\t\\N\n2\tb\t3\n", {"--format", "auto"}, "1|a|NULL 2|b|3"},
      {"auto csv", "id,name,v\n1,\"a\tb\",2\n", {"--format", "auto"}, "1|a\tb|2"},
      {"any line end",
       "id,name,v\r\n1,a,2\n2,b,3\r3,\"c\r\n\",4\r\n",
       {"--newline", "any"},
       "1|a|2 2|b|3 3|c\r\n|4"},
      {"lf", "id,name,v\n1,a,2\n", {"--newline", "lf"}, "1|a|2"},
      {"comments",
       "# about 5\" of it\nid,name,v\n#,\"\n1,#a,2\n2,\"\n#b\",3\n# end",
       {"--comment", "#"},
       "1|#a|2 2|\n#b|3"},
      {"front and footer",
       "about\nid,name,v\n1,a,2\nTotal,\"1\n(end)\n",
       {"--skip-lines", "1", "--skip-footer", "2"},
       "1|a|2"},
      {"sep", "sep=;\r\nid;name;v\r\n1;a;2\r\n", {}, "1|a|2"},
      {"sep of data", "sep=;\n1;a;2\n", {"--header", "none"}, "1|a|2"},
      {"sep and a flag", "sep=;\nid|name|v\n1|a;b|2\n", {"--delimiter", "|"}, "1|a;b|2"},
      {"sep in skipped lines", "sep=;\nid;name;v\n1;a;2\n", {"--skip-lines", "1"}, "1|a|2"},
      {"tpch", "1|a|2|\n2||3|\n", {"--delimiter", "pipe", "--header", "none"}, "1|a|2 2|NULL|3"},
      {"trailing in the header too", "id,name,v,\n1,a,2,\n", {}, "1|a|2"},
      {"not in every line", "id,name,v\n1,a,2,\n2,b,3\n", {"--max-rejects", "9"}, "2|b|3", 3},
      {"pad",
       "id,name,v,,\n1,a,2,,\n2,b\n3,c,4,,x\n",
       {"--ragged", "pad", "--max-rejects", "9"},
       "1|a|2 2|b|NULL",
       3},
      {"trim",
       "id,name,v\n1,a,2,9,9\n2,b\n",
       {"--ragged", "trim", "--max-rejects", "9"},
       "1|a|2",
       3},
      {"fit", "id,name,v\n1,a,2,9,9\n2,b\n", {"--ragged", "fit"}, "1|a|2 2|b|NULL"},
      {"names alike", " ID ,NAME,_V\n1,a,2\n", {"--map", "_V=v"}, "1|a|2"},
      {"skipped column", "id,name,x=y,v\n1,a,9,2\n", {"--skip-column", "x=y"}, "1|a|2"},
      {"map with an equals sign", "id,a=b,v\n1,x,2\n", {"--map", "a=b=name"}, "1|x|2"},
      {"map with an escaped one", "id,a=name,v\n1,x,2\n", {"--map", "a\\=name=name"}, "1|x|2"},
      {"columns in quotes",
       "1,a,2\n",
       {"--columns", "id,\"n, \"\"m\"\"\",v", "--map", "n, \"m\"=name", "--header", "none"},
       "1|a|2"},
      {"an odd quote",
       "id,name,v\n1,a,2\n2,\"b,3\n3,\"c\",4\n4,d,5\n",
       {"--max-rejects", "1"},
       "1|a|2 3|c|4 4|d|5",
       3},
      {"too many lines",
       "id,name,v\n1,\"a,2\n2,b,3\n3,\"c\n\",4\n4,d,5\n",
       {"--max-rejects", "9", "--max-record-lines", "2"},
       "2|b|3 3|c\n|4 4|d|5",
       3},
  };
}

TEST_F(DialectFlags, EachReadsItsFile) {
  for (const FlagExample& example : flag_examples()) {
    SCOPED_TRACE(example.name);
    db().run("truncate t");
    const std::string path = folder_.write("file.csv", example.file);
    std::vector<std::string> flags = example.flags;
    flags.emplace_back("--again");
    const Finished finished = load(path, flags);
    EXPECT_EQ(example.exit_code, finished.exit_code) << finished.err;
    EXPECT_EQ(example.rows, table());
  }
}

/// Packed or in another encoding, judged or only planned: the dialect is the same.
TEST_F(DialectFlags, HoldEverywhere) {
  for (const FlagExample& example : flag_examples()) {
    SCOPED_TRACE(example.name);
    const std::string path = folder_.write("file.csv", example.file);
    const Finished checked = run("check", path, example.flags);
    EXPECT_EQ(example.exit_code, checked.exit_code) << checked.err;
    std::vector<std::string> flags = example.flags;
    flags.insert(flags.end(), {"--dry-run", "--again"});
    EXPECT_EQ(0, load(path, flags).exit_code);
    EXPECT_EQ("", table());
    flags = example.flags;
    flags.emplace_back("--again");
    const Finished finished =
        load(folder_.write("file.csv.gz", piped("gzip -9", example.file)), flags);
    EXPECT_EQ(example.exit_code, finished.exit_code) << finished.err;
    EXPECT_EQ(example.rows, table());
    db().run("truncate t");
    std::string wide = "\xff\xfe";
    bool is_ascii = true;
    for (const char c : example.file) {
      is_ascii = is_ascii && static_cast<unsigned char>(c) < 0x80;
      wide += c;
      wide += '\0';
    }
    if (!is_ascii) continue;
    EXPECT_EQ(example.exit_code, load(folder_.write("wide.csv", wide), flags).exit_code);
    EXPECT_EQ(example.rows, table());
    db().run("truncate t");
  }
}

/// Options are compared by what they mean for this file.
TEST_F(DialectFlags, AreOneLoadWhereTheyMeanTheSame) {
  const std::string path = folder_.write("file.csv", "sep=;\nid;name;v\n1;a;2\n");
  EXPECT_EQ(0, load(path, {}).exit_code);
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--delimiter", ";"},
                                                {"--delimiter", "semicolon"},
                                                {"--newline", "lf"},
                                                {"--format", "auto"},
                                                {"--format", "csv", "--quote", "\""},
                                                {"--skip-lines", "1"},
                                                {"--skip-footer", "0"},
                                                {"--ragged", "reject"},
                                                {"--map", "id=id"}}) {
    const Finished again = load(path, flags);
    EXPECT_EQ(0, again.exit_code) << again.err;
    EXPECT_THAT(again.out + again.err, HasSubstr("nothing to do"));
  }
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--newline", "any"},
                                                {"--quote", "none"},
                                                {"--escape", "backslash"},
                                                {"--comment", "#"},
                                                {"--skip-footer", "1"},
                                                {"--ragged", "fit"},
                                                {"--ragged", "trim"},
                                                {"--max-record-lines", "5"}}) {
    const Finished other = load(path, flags);
    EXPECT_EQ(7, other.exit_code) << ::testing::PrintToString(flags) << other.err;
  }
  EXPECT_EQ("1|a|2", table());
}

TEST_F(DialectFlags, RefuseWhatCannotBeMeant) {
  const std::string path = folder_.write("file.csv", "id,name,v\n1,a,2\n");
  struct Case {
    std::vector<std::string> flags;
    std::string message;
  };
  for (const Case& each : std::vector<Case>{
           {{"--delimiter", ""}, "--delimiter"},
           {{"--delimiter", "123456789"}, "is not one to eight bytes"},
           {{"--delimiter", "\\xff"}, "is not one to eight bytes"},
           {{"--delimiter", "\\q"}, "is not one to eight bytes"},
           {{"--delimiter", "a\"b"}, "--delimiter must not contain the quote"},
           {{"--delimiter", "\\x0a"}, "--delimiter must not have characters that end a line"},
           {{"--delimiter", "a", "--escape", "backslash"}, "--delimiter must not have letters"},
           {{"--quote", "ab"}, "--quote: \"ab\" is not one character"},
           {{"--quote", "\\x00"}, "is not one character"},
           {{"--quote", "none", "--escape", "\\", "--delimiter", "\\\\"}, "must differ"},
           {{"--escape", "backslash", "--quote", "\\"}, "--escape and --quote must differ"},
           {{"--format", "text", "--quote", "'"}, "--format text has no quotes"},
           {{"--format", "tsv"}, "write csv, text or auto"},
           {{"--newline", "unix"}, "write auto, lf, crlf, cr or any"},
           {{"--comment", ","}, "--comment must begin with something else"},
           {{"--null", "a||b", "--delimiter", "||"}, "--null must not contain the delimiter"},
           {{"--skip-footer", "1001"}, "from 0 to 1000"},
           {{"--max-record-lines", "0"}, "--max-record-lines"},
           {{"--decimal", ""}, "--decimal: \"\" cannot be used; write CHAR"},
           {{"--decimal="}, "--decimal: \"\" cannot be used"},
           {{"--thousands", ""}, "--thousands: \"\" cannot be used"},
           {{"--encoding", ""}, "--encoding: \"\" cannot be used"},
           {{"--rejects", "", "--max-rejects", "1"}, "--rejects: \"\" cannot be used"},
           {{"--member", ""}, "--member: \"\" cannot be used"},
           {{"--member", "*.csv"}, "file.csv: is no archive, and --member names a file of one"},
           {{"--ragged", "cut"}, "write error, reject, pad, trim or fit"},
           {{"--map", "noname"}, "has no name and value"},
           {{"--map", "nix=id"}, "the file has no column \"nix\""},
           {{"--skip-column", "nix"}, "--skip-column nix: the file has no such column"},
           {{"--header", "none", "--skip-column", "v"}, "--columns"},
           {{"--columns", "a,\"b", "--header", "skip"}, "has a quote that is not closed"},
           {{"--max-record-lines", "1", "--newline", "any", "--comment", "#", "--again", "--limit",
             "x"},
            "--limit"},
       }) {
    const Finished finished = load(path, each.flags);
    EXPECT_EQ(2, finished.exit_code) << ::testing::PrintToString(each.flags) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(each.message));
  }
  EXPECT_EQ("", table());
}

TEST_F(DialectFlags, ARecordOfManyLinesIsNotedOnce) {
  std::string lines;
  for (int i = 0; i < 1200; ++i) lines += "line\n";
  const std::string file = "id,name,v\n0,x,1\n1,\"" + lines + "\",2\n2,\"" + lines + "\",2\n";
  const std::string path = folder_.write("file.csv", file);
  const Finished finished = load(path, {});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("the record at line 3 of " + path + " has 1,201 lines"));
  EXPECT_THAT(finished.err, HasSubstr("--max-record-lines"));
  const Finished cut = load(path, {"--again", "--max-record-lines", "1000"});
  EXPECT_EQ(1, cut.exit_code);
  EXPECT_THAT(cut.err, HasSubstr(":3: the record that begins here has more than 1000 lines"));
}

/// Rejects of a file with a front, an Excel line and a footer load with the flags of the file.
TEST_F(DialectFlags, RejectsLoadWithTheFlagsOfTheFile) {
  const std::string path =
      folder_.write("file.csv", "sep=;\nabout\nid;name;v\n1;a;x\n2;b;2\nTotal;\"\n");
  const std::vector<std::string> flags{"--skip-lines",  "2", "--skip-footer", "1",
                                       "--max-rejects", "9"};
  EXPECT_EQ(3, load(path, flags).exit_code);
  EXPECT_EQ("2|b|2", table());
  const std::string rejects = read_file(folder_ / "file.rejects.csv");
  EXPECT_EQ("sep=;\nabout\nid;name;v\n1;a;x\n\n", rejects);
  const std::string mended = folder_.write("mended.csv", "sep=;\nabout\nid;name;v\n1;a;1\n\n");
  EXPECT_EQ(0, load(mended, flags).exit_code);
  EXPECT_EQ("1|a|1 2|b|2", table());
}

/// A load that was interrupted by a bad record goes on with a budget; the odd quote costs its line.
TEST_F(DialectFlags, AnOddQuoteIsResumed) {
  std::string file = "id,name,v\n";
  for (int i = 1; i <= 400; ++i)
    file += std::to_string(i) + (i == 300 ? ",\"odd" : ",\"even\"") + ",1\n";
  const std::string path = folder_.write("file.csv", file);
  const Finished failed = load(path, {"--chunk-size", "1KiB", "--jobs", "1"});
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr(path + ":301: unterminated CSV quoted field"));
  const std::int64_t before = db().number("select count(*) from t");
  EXPECT_GT(before, 0);
  const Finished resumed = load(path, {"--max-rejects", "1", "--jobs", "4"});
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  EXPECT_EQ(399, db().number("select count(*) from t"));
  EXPECT_EQ(399, db().number("select count(distinct id) from t"));
  EXPECT_EQ("id,name,v\n300,\"odd,1\n", read_file(folder_ / "file.rejects.csv"));
}

/// A file that grows behind a footer, or an end of the data, has records in other places.
TEST_F(DialectFlags, WhatWasLeftOutIsNotAppendedTo) {
  const std::string path = folder_.write("file.csv", "id,name,v\n1,a,2\nTotal\n");
  EXPECT_EQ(0, load(path, {"--skip-footer", "1"}).exit_code);
  folder_.write("file.csv", "id,name,v\n1,a,2\nTotal\n2,b,3\nTotal\n");
  const Finished grown = load(path, {"--skip-footer", "1", "--grown", "append"});
  EXPECT_EQ(7, grown.exit_code) << grown.err;
  EXPECT_THAT(grown.err, HasSubstr("--skip-footer"));
  EXPECT_EQ("1|a|2", table());
}

}  // namespace
}  // namespace sluice::test

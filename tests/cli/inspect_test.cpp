#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/packed.hpp"
#include "support/shell.hpp"

namespace sluice::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class Inspect : public DatabaseTest {
 protected:
  Finished inspect(const std::string& flags) {
    return shell("pgsluice inspect " + flags, folder_.path(), db().raw(), PQdb(db().raw()));
  }
  json inspected(const std::string& flags) {
    const Finished finished = inspect("--output json " + flags);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    return json::parse(finished.out).at("files").at(0);
  }
  std::vector<std::string> types_of(const json& file) {
    std::vector<std::string> types;
    for (const json& column : file.at("columns")) types.push_back(column.at("type"));
    return types;
  }

  TemporaryFolder folder_;
};

struct Example {
  std::string name;
  std::string bytes;
  std::string rows;  ///< of the table that the proposal makes
};

std::vector<Example> samples() {
  return {
      {"plain.csv", "id,name,v\n1,a,2.5\n2,\"b, c\",\n", "1|a|2.5 2|b, c|NULL"},
      {"excel.csv", "Nr;Tag;Betrag;;\r\n1;31.12.2025;1.234,50;;\r\n2;01.02.2026;-7;;\r\n",
       "1|2025-12-31|1234.50 2|2026-02-01|-7"},
      {"nulls.csv", "id,v,w\n1,N/A,NA\n2,7,\n3,-,y\n", "1|NULL|NA 2|7|NULL 3|NULL|y"},
      {"blanks.csv", "id,v,w\n1, 3 ,  indented\n2, 5 , x \n", "1|3|  indented 2|5| x "},
      {"quoted nulls.csv", "a,b,c\n1,\"\",\"\"\n2,\"N/A\",x\n3,5,y\n", "1|NULL| 2|NULL|x 3|5|y"},
      {"signs.csv", "id;amount;ver\n1;1,50;1.5\n2;2,50;2.5\n", "1|1,50|1.5 2|2,50|2.5"},
      {"many nulls.csv",
       "a,b\n1,1\n1,null\n1,NULL\n1,Null\n1,nUll\n1,n/a\n1,N/A\n1,na\n1,-\n1,--\n",
       "1|1 1|null 1|NULL 1|Null 1|nUll 1|n/a 1|N/A 1|na 1|- 1|--"},
      {"system.csv", "ctid,xmin,oid\n1,2,3\n4,5,6\n", "1|2|3 4|5|6"},
      {"long.csv", std::string(63, 'x') + "a," + std::string(63, 'x') + "b\n1,2\n4,5\n", "1|2 4|5"},
      {"odd\x1bname.csv",
       "a\x1b"
       "b,c\n1,2\n3,4\n",
       "1|2 3|4"},
      {"-flag.csv", "a,b\n1,2\n3,4\n", "1|2 3|4"},
      {"marked by excel.csv", "sep=;\na;b\n1;2\n3;4\n", "1|2 3|4"},
      {"latin header.csv", "K\xe4ufer;Preis\n1;2\n3;4\n", "1|2 3|4"},
      {"hive",
       "1\x01x\x01"
       "2\n2\x01y\x01\\N\n",
       "1|x|2 2|y|NULL"},
      {"mysql.csv", "1,\"say \\\"a\\\"\",2\n2,\"b\\\\\",3\n", "1|say \"a\"|2 2|b\\|3"},
      {"dump.txt", "1\ta\\tb\t\\N\n2\tc\t3\n\\.\n", "1|a\tb|NULL 2|c|3"},
      {"region.tbl", "0|AFRICA|lar \"deposits\"|\n1|AMERICA|hs use|\n",
       "0|AFRICA|lar \"deposits\" 1|AMERICA|hs use"},
      {"titled.csv", "Report of May\n\nid,name,v\n1,a,2\n2,b,3\n3,c,4\nTotal: 3\n",
       "1|a|2 2|b|3 3|c|4"},
      {"commented.csv", "id,name,v\n# x\n1,a,2\n2,b,3\n# y, z\n3,c,4\n", "1|a|2 2|b|3 3|c|4"},
      {"zip codes.csv", "zip;phone\n01234;+49 170 1\n98765;555\n", "01234|+49 170 1 98765|555"},
      {"reserved.csv", "order,User Name,user name\n1,a,b\n2,c,d\n", "1|a|b 2|c|d"},
      {"crlf.csv", "id,name\r\n1,\"a\r\nb\"\r\n2,c\r\n", "1|a\r\nb 2|c"},
      {"marked.csv", "\xef\xbb\xbfid,name\n1,\xc3\xa4\n", "1|\xc3\xa4"},
      {"latin.csv", "id;name\n1;M\xfcller\n2;Caf\xe9 \xe0 la carte\n",
       "1|M\xc3\xbcller 2|Caf\xc3\xa9 \xc3\xa0 la carte"},
  };
}

/// What it proposes works: the table takes the file by that command, and says what the file says.
TEST_F(Inspect, ProposesWhatWorks) {
  for (const Example& sample : samples()) {
    SCOPED_TRACE(sample.name);
    folder_.write(sample.name, sample.bytes);
    const json file = inspected("--names snake -- '" + sample.name + "'");
    db().run(file.at("create_table").get<std::string>());
    const std::string command = file.at("command");
    const Finished loaded = shell(command, folder_.path(), db().raw(), PQdb(db().raw()));
    ASSERT_EQ(0, loaded.exit_code) << command << "\n" << loaded.err;
    const std::string create = file.at("create_table");
    const std::size_t begin = std::string("create table ").size();
    const std::string table = create.substr(begin, create.find(" (") - begin);
    std::string columns;
    for (const json& column : file.at("columns"))
      columns += ", coalesce(\"" + column.at("column").get<std::string>() + "\"::text, 'NULL')";
    EXPECT_EQ(sample.rows, db().value("select string_agg(concat_ws('|'" + columns +
                                      "), ' ' order by ctid) from " + table))
        << command;
  }
}

/// No type changes what a value means, whatever the file has in a column: judged by Python's types.
TEST_F(Inspect, TypesKeepWhatValuesMean) {
  const Finished judged = shell("python3 " PGSLUICE_SOURCE_DIR
                                "/tests/sniff/round_trip.py \"$(command -v pgsluice)\" '" +
                                    url() + "' --files 30",
                                folder_.path(), db().raw(), PQdb(db().raw()));
  EXPECT_EQ(0, judged.exit_code) << judged.out << judged.err;
  EXPECT_THAT(judged.out, HasSubstr(" 0 wrong"));
}

/// Types are those of all rows, not of a sample's.
TEST_F(Inspect, ReadsAllRows) {
  std::string csv = "id,v,at\n";
  for (int i = 0; i < 200'000; ++i) csv += std::to_string(i) + ",1,2025-01-01\n";
  csv += "200000,1.5,2025-01-01 10:00\n";
  folder_.write("late.csv", csv);
  folder_.write("late.csv.gz", piped("gzip -1", csv));
  for (const std::string& name : {std::string("late.csv"), std::string("late.csv.gz")}) {
    const json file = inspected(name);
    EXPECT_EQ((std::vector<std::string>{"integer", "numeric", "timestamp"}), types_of(file));
    EXPECT_EQ(200'001, file.at("records"));
    EXPECT_NEAR(200'001, file.at("columns").at(0).at("distinct").get<double>(), 8'000);
  }
  EXPECT_EQ((std::vector<std::string>{"integer", "numeric", "timestamp"}),
            types_of(json::parse(inspect("- --output json < late.csv").out).at("files").at(0)));
}

/// For who shows them: as they are read, NULL as null, and long values cut between characters.
TEST_F(Inspect, ShowsTheFirstRows) {
  std::string euros;
  for (int i = 0; i < 100; ++i) euros += "€";
  std::string csv = "id;v;\n1;\"a\n\"\"b\"\"\";\n2;;\nodd\n3;" + euros + ";\n";
  for (int i = 4; i < 40; ++i) csv += std::to_string(i) + ";x;\n";
  folder_.write("rows.csv", csv);
  const json rows = inspected("rows.csv").at("first_rows");
  ASSERT_EQ(10, rows.size());
  EXPECT_EQ((json{"1", "a\n\"b\""}), rows.at(0));
  EXPECT_EQ((json{"2", nullptr}), rows.at(1));
  EXPECT_EQ((json{"3", euros.substr(0, 66 * 3) + "…"}), rows.at(2));
  EXPECT_EQ((json{"10", "x"}), rows.at(9));
}

TEST_F(Inspect, SaysWhatTextMayBeThatIsNoUtf8) {
  folder_.write("latin.csv", "id,v\n1,caf\xe9\n2,x\n");
  const json file = json::parse(inspect("- --output json < latin.csv").out).at("files").at(0);
  EXPECT_EQ(10, file.at("not_utf8").at("byte"));
  EXPECT_EQ("WIN1252", file.at("not_utf8").at("likely").at(0)) << file.at("not_utf8");
}

TEST_F(Inspect, SaysWhatItIsNotSureOf) {
  folder_.write("odd.csv", "a,b\nc,d,e\nf\ng,h,i,j\n");
  EXPECT_THAT(inspect("odd.csv").out, HasSubstr("not sure: "));
  folder_.write("dates.csv", "day,v\n01/02/2025,1\n03/04/2025,2\n");
  EXPECT_THAT(inspect("dates.csv").out, HasSubstr("column \"day\" is text: no value tells"));
  folder_.write("words.csv", "name,city\nAnn,Rome\nBob,Oslo\n");
  EXPECT_THAT(inspect("words.csv").out, HasSubstr("nothing tells whether the first record"));
  std::string csv = "id,v\n";
  for (int i = 1; i <= 100; ++i) csv += std::to_string(i) + ",5\n";
  folder_.write("ragged.csv", csv + "101,5,6\n");
  EXPECT_THAT(
      inspect("ragged.csv").out,
      HasSubstr("1 of 101 records have another number of values, the first one in line 102"));
  folder_.write("bad.csv", csv + "x,5\n");
  folder_.write("cut.csv", csv + "101");
  EXPECT_THAT(inspect("cut.csv").out, HasSubstr("the last 1 lines are left out"));
  folder_.write("pivot.csv", "id,2020,2021\n1,1,2\n2,3,4\n");
  EXPECT_THAT(inspect("pivot.csv").out, HasSubstr("both names and values"));
  folder_.write("lines.json", "{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n");
  EXPECT_THAT(inspect("lines.json").out, HasSubstr("not sure: it looks like JSON"));
  EXPECT_THAT(inspect("bad.csv").out,
              HasSubstr("all but 1 of its values are integer; the first other is x"));
}

/// A table's names tell a delimiter and a header that nothing else does.
TEST_F(Inspect, AsksTheTable) {
  db().run("create table people (name text, city text)");
  folder_.write("people.csv", "name;city\nAnn,Lee;Rome,IT\nBob,Ray;Oslo,NO\n");
  const json file = inspected("people.csv -t people");
  EXPECT_TRUE(file.at("header"));
  EXPECT_EQ((std::vector<std::string>{"--delimiter", ";"}), file.at("flags"));
  EXPECT_EQ("pgsluice load people.csv -t people --delimiter ';'", file.at("command"));
}

TEST_F(Inspect, SaysThatSeveralFilesAreOfOneShape) {
  folder_.write("a.csv", "id,v\n1,2.5\n2,3.5\n");
  folder_.write("b.csv", "id,v\n3,4.5\n4,5.5\n");
  const std::string text = inspect("a.csv b.csv").out;
  EXPECT_THAT(text, HasSubstr("\n2 files of one shape: a.csv, b.csv\n\ncreate table a (\n"));
  EXPECT_THAT(text, HasSubstr("\npgsluice load a.csv b.csv -t a\n"));
  EXPECT_EQ(text.find("create table"), text.rfind("create table")) << "one for all";
  EXPECT_EQ("create table a (\n  id integer not null,\n  v numeric not null\n);\n",
            inspect("a.csv b.csv --output sql").out);
  const json alone = json::parse(inspect("a.csv --output json").out);
  EXPECT_FALSE(alone.contains("together"));
}

/// What it says of several files works: one table takes all of them by these commands.
TEST_F(Inspect, SaysWhereSeveralFilesDiffer) {
  std::filesystem::create_directory(folder_ / "in");
  folder_.write("in/t.csv", "id,day,Note\n1,31.12.2025,a\n2,30.12.2025,b\n");
  folder_.write("in/u.csv", "note;id;day;more\nc;3000000000;29.12.2025;x\nd;4;28.12.2025;y\n");
  folder_.write("in/v.csv", "id,day\n5,27.12.2025\n6,26.12.2025\n");
  const std::string said = inspect("in").out;
  for (const char* difference :
       {"3 files for one table, which differ: in/t.csv, in/u.csv, in/v.csv\n",
        "\"id\" is bigint in in/u.csv; integer in in/t.csv, in/v.csv: bigint takes all\n",
        "\"Note\" is not in in/v.csv\n", "\"more\" is only in in/u.csv\n",
        "columns stand in another order in in/u.csv\n"})
    EXPECT_THAT(said, HasSubstr(difference));
  const json all = json::parse(inspect("in --names snake --output json").out);
  ASSERT_EQ(1U, all.at("together").size());
  const json& together = all.at("together").at(0);
  EXPECT_FALSE(together.at("one_shape"));
  EXPECT_EQ(4U, together.at("differences").size());
  db().run(together.at("create_table").get<std::string>());
  for (const std::string command : together.at("commands")) {
    const Finished loaded = shell(command, folder_.path(), db().raw(), PQdb(db().raw()));
    EXPECT_EQ(0, loaded.exit_code) << command << "\n" << loaded.err;
  }
  EXPECT_EQ(
      "1 2025-12-31 a -,2 2025-12-30 b -,3000000000 2025-12-29 c x,4 2025-12-28 d y,"
      "5 2025-12-27 - -,6 2025-12-26 - -",
      db().value("select string_agg(concat_ws(' ', id, day, coalesce(note, '-'), "
                 "coalesce(more, '-')), ',' order by day desc) from t"));
}

TEST_F(Inspect, TakesFilesOfOtherKindsForOtherTables) {
  folder_.write("trips.csv", "id,fare,tip\n1,2.5,1\n2,3.5,1\n");
  folder_.write("people.csv", "name,born\nAnn,1990-01-01\nBob,1980-01-01\n");
  folder_.write("trips2.csv", "id,fare\n3,2\n4,3\n");
  const std::string sql = inspect("people.csv trips.csv trips2.csv --output sql").out;
  EXPECT_THAT(sql, HasSubstr("create table people (\n  name text not null,"));
  EXPECT_THAT(sql, HasSubstr("create table trips (\n  id integer not null,\n  fare numeric not "
                             "null,\n  tip integer\n);"));
  const json all = json::parse(inspect("people.csv trips.csv trips2.csv --output json").out);
  EXPECT_EQ(2U, all.at("together").size());
}

TEST_F(Inspect, AFileThatCannotBeReadDoesNotEndTheOthers) {
  folder_.write("a.csv", "id,v\n1,2.5\n2,3.5\n");
  folder_.write("empty.csv", "");
  folder_.write("z.csv", "id,v\n3,4.5\n4,5.5\n");
  const Finished text = inspect("empty.csv a.csv nothing.csv z.csv");
  EXPECT_NE(0, text.exit_code);
  EXPECT_THAT(text.err, HasSubstr("empty.csv: "));
  EXPECT_THAT(text.err, HasSubstr("nothing.csv: "));
  EXPECT_THAT(text.out, HasSubstr("2 files of one shape: a.csv, z.csv"));
  const Finished as_json = inspect("empty.csv a.csv nothing.csv z.csv --output json");
  EXPECT_EQ(text.exit_code, as_json.exit_code);
  const json all = json::parse(as_json.out);
  EXPECT_EQ(text.exit_code, all.at("exit_code"));
  ASSERT_EQ(4U, all.at("files").size());
  EXPECT_EQ("nothing.csv", all.at("files").at(2).at("file"));
  EXPECT_TRUE(all.at("files").at(2).contains("error"));
  EXPECT_EQ("id", all.at("files").at(3).at("columns").at(0).at("name"));
}

TEST_F(Inspect, SaysWhatIsWrong) {
  EXPECT_EQ(2, inspect("nothing.csv").exit_code);
  folder_.write("empty.csv", "");
  EXPECT_EQ(1, inspect("empty.csv").exit_code);
  EXPECT_THAT(inspect("empty.csv").err, HasSubstr("empty.csv: "));
  EXPECT_EQ(2, inspect("empty.csv --output xml").exit_code);
}

}  // namespace
}  // namespace sluice::test

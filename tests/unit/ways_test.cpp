#include "script/ways.hpp"

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "script/script.hpp"
#include "script/script_file.hpp"
#include "script/stretches.hpp"

namespace sluice::script {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// One way of a file whose bytes come in parts of so many, or the error.
std::string one_way(std::string_view bytes, Way way, std::size_t part = 1000) {
  std::string text;
  try {
    ScriptText script("f.sql", way);
    for (std::size_t at = 0; at < bytes.size(); at += part)
      script.add(bytes.substr(at, part), text);
    script.end(text);
  } catch (const Failure& failure) {
    return std::string("error: ") + failure.what();
  }
  return text;
}

std::string forth(std::string_view bytes) { return one_way(bytes, Way::forth); }
std::string back(std::string_view bytes) { return one_way(bytes, Way::back); }

TEST(Ways, StandWhereTheyStandInTheFile) {
  const std::string goose =
      "-- a comment\n-- +goose Up\ncreate table t (a int);\n\n-- +goose Down\ndrop table t;\n";
  EXPECT_EQ("-- a comment\n-- +goose Up\ncreate table t (a int);\n\n", forth(goose));
  EXPECT_EQ("-- a comment\n\n\n\n-- +goose Down\ndrop table t;\n", back(goose));
  const std::string dbmate = "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;";
  EXPECT_EQ("-- migrate:up\nselect 1;\n", forth(dbmate));
  EXPECT_EQ("\n\n-- migrate:down\nselect 2;", back(dbmate));
  const std::string node = "-- Up Migration\nselect 1;\n  ---- Down Migration\nselect 2;\n";
  EXPECT_EQ("-- Up Migration\nselect 1;\n", forth(node));
  EXPECT_EQ("\n\n  ---- Down Migration\nselect 2;\n", back(node));
  const std::string both_ways_twice =
      "-- +migrate Down\nselect 1;\n-- +migrate Up\nselect 2;\n-- +migrate Down\nselect 3;\n";
  EXPECT_EQ("\n\n-- +migrate Up\nselect 2;\n", forth(both_ways_twice));
  EXPECT_EQ("-- +migrate Down\nselect 1;\n\n\n-- +migrate Down\nselect 3;\n",
            back(both_ways_twice));
}

TEST(Ways, AreTheSameHoweverTheBytesCome) {
  const std::string file = "/* -- +goose Down\n*/\n-- +goose NO TRANSACTION\r\n-- +goose up\n" +
                           std::string(9000, ' ') + "select\n'\n-- x\n';\n-- +goose down\nselect 2";
  for (const Way way : {Way::forth, Way::back}) {
    const std::string whole = one_way(file, way, file.size());
    EXPECT_THAT(whole, HasSubstr(way == Way::forth ? "-- x" : "select 2"));
    for (const std::size_t part : {1, 2, 3, 7, 4096, 5000})
      EXPECT_EQ(whole, one_way(file, way, part)) << part;
  }
}

TEST(Ways, APlainFileGoesForthWhateverItQuotes) {
  const std::string plain =
      "create table t (v text default '\n-- +goose Down\n-- migrate:down\n');\n";
  EXPECT_EQ(plain, forth(plain));
  EXPECT_EQ("-- an up migration\nselect 1;\n", forth("-- an up migration\nselect 1;\n"));
  EXPECT_EQ("", forth(""));
}

TEST(Ways, WhatIsNotUnderstoodIsRefusedByLine) {
  const struct {
    const char* file;
    const char* says;
  } cases[] = {
      {"-- +goose Upp\n", "f.sql:1: \"-- +goose Upp\" says nothing that goose knows"},
      {"-- migrate:up transaction:maybe\n", "f.sql:1: \"-- migrate:up transaction:maybe\" says"},
      {"-- +migrate Up noTransactions\n", "f.sql:1: "},
      {"\n-- migrate:down\n-- migrate:up\n",
       "f.sql:2: a file of dbmate whose way back stands first"},
      {"-- +goose Up\n-- +goose Up\n", "f.sql:2: the way forth has begun already, in line 1"},
      {"-- +goose NO TRANSACTION\nselect 1;\n-- +goose Up\n", "f.sql:2: a statement in front of"},
      {"-- +goose NO TRANSACTION\n", "f.sql:1: a file of goose without a way forth"},
      {"-- +goose Up\n-- +goose StatementBegin\nselect 1;\n",
       "f.sql:2: the statement that begins here has no StatementEnd"},
      {"-- +goose Up\n-- +goose StatementBegin\n-- +goose Down\n",
       "f.sql:3: a StatementBegin is open, that of line 2"},
      {"-- +goose Up\n-- +goose StatementEnd\n", "f.sql:2: no StatementBegin is open here"},
      {"-- +goose Up\n  -- +goose Down\n", "f.sql:2: what is said to goose begins its line"},
      {"-- +goose ENVSUB ON\n-- +goose Up\nselect '$HOME';\n",
       "f.sql:3: $HOME would be the variable"},
      {"-- +goose ENVSUB ON\n-- +goose Up\nselect '${HOME?x}';\n",
       "f.sql:3: ${HOME?x}: write ${NAME}"},
      {"-- +goose Up\nselect '${A}';\n-- +goose ENVSUB ON\nselect '${A}';\n",
       "f.sql:2: ${A} stands where ENVSUB is off"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(forth(c.file), HasSubstr(std::string("error: ") + c.says));
}

TEST(Ways, OfAScriptAreKnown) {
  const Script goose =
      make_script("1_a.sql",
                  "-- +goose NO TRANSACTION\n-- +goose Up\n-- pgsluice: retries 7\n"
                  "vacuum;\n-- +goose Down\nselect 1;\n");
  EXPECT_EQ(Style::goose, goose.style);
  EXPECT_EQ("1_a.sql", goose.back_path);
  EXPECT_FALSE(goose.directives.in_transaction);
  EXPECT_EQ(7, goose.directives.retries);
  EXPECT_FALSE(
      make_script("1_a.sql", "-- migrate:up transaction:false\nvacuum").directives.in_transaction);
  EXPECT_TRUE(make_script("1_a.sql", "-- migrate:up\n-- migrate:down transaction:false\nvacuum")
                  .directives.in_transaction);
  EXPECT_FALSE(make_script("1_a.up.sql", "-- no-transaction\nvacuum").directives.in_transaction);
  EXPECT_EQ("", make_script("1_a.sql", "-- +migrate Up\nselect 1").back_path);
}

TEST(Ways, BackMayBeMendedWithoutAnotherChecksum) {
  const Script one = make_script("1_a.sql", "-- migrate:up\nselect 1;\n-- migrate:down\n");
  const Script mended =
      make_script("1_a.sql", "-- migrate:up\nselect 1;\n-- migrate:down\nselect 2;");
  EXPECT_EQ(one.checksum, mended.checksum);
  const Script other = make_script("1_a.sql", "-- migrate:up\nselect 3;\n-- migrate:down\n");
  EXPECT_NE(one.checksum, other.checksum);
}

/// What is sent, with the values of these.
std::string sent(const std::string& text, const Placeholders& values = {},
                 std::size_t part_bytes = 10) {
  const Script script = make_script("1_a.sql", text);
  std::string all;
  try {
    Stretches stretches(script, values, part_bytes);
    while (const auto stretch = stretches.next()) all += stretch->sql;
  } catch (const Failure& failure) {
    return std::string("error: ") + failure.what();
  }
  return all;
}

TEST(Ways, VariablesOfTheEnvironmentArePutIn) {
  const std::string file =
      "-- +goose ENVSUB ON\n-- +goose Up\nselect '${A}', '${B-b}', '${C:-c}', $$x$$;\n"
      "-- +goose ENVSUB OFF\nselect '${D}';\n";
  EXPECT_THAT(sent(file, {{"A", "1"}, {"C", ""}}), HasSubstr("select '1', 'b', 'c', $$x$$;"));
  EXPECT_THAT(sent(file, {{"A", "1"}}), HasSubstr("select '${D}'"));
  EXPECT_THAT(sent(file), HasSubstr("1_a.sql: ${A}: the environment has no variable of this name"));
}

TEST(Frame, BeginAndCommitAroundAFileAreTakenOut) {
  EXPECT_EQ("     ; create table t (a int); \n      ;\n",
            sent("begin; create table t (a int); \nCOMMIT;\n"));
  EXPECT_EQ("     \n    ; select 1;    ", sent("BEGIN\nwork; select 1; END"));
  EXPECT_EQ(
      "select ':';       ",
      sent("-- pgsluice: placeholder a\nbegin; select ${a}; commit", {{"a", "':'"}}).substr(34));
  for (const auto& [file, says] : std::vector<std::pair<std::string, std::string>>{
           {"begin; select 1;", "1_a.sql:1:1: BEGIN: the whole file is one transaction already"},
           {"begin; select 1; commit; select 2", "1_a.sql:1:18: the transaction ends here"},
           {"select 1; commit;", "1_a.sql:1:11: COMMIT: the whole file is one transaction already"},
           {"begin isolation level serializable; commit", "1_a.sql:1:1: BEGIN: the whole"},
           {"begin; begin; commit;", "1_a.sql:1:8: BEGIN: the whole"}})
    EXPECT_THAT(sent(file), HasSubstr(says)) << file;
}

TEST(Version, HasNumbersWithDotsBetween) {
  const auto v = [](const char* text) { return Version::parse(text).value(); };
  EXPECT_LT(v("1.9"), v("1.10"));
  EXPECT_LT(v("1"), v("1.1"));
  EXPECT_LT(v("1.9.9"), v("2"));
  EXPECT_EQ(v("1.0"), v("1"));
  EXPECT_EQ("1.0.2", v("01.0.02").text());
  EXPECT_EQ(v("1.2"), Version::of(1, ".2"));
  for (const char* wrong : {"", "x", "1.", ".1", "1..2", "1,2", "-1", "99999999999999999999"})
    EXPECT_FALSE(Version::parse(wrong)) << wrong;
}

}  // namespace
}  // namespace sluice::script

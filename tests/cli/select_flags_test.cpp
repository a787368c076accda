#include <gmock/gmock.h>

#include <csignal>

#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What --where and --select do from the command line to the table, the ledger and the report.
class SelectFlags : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, city text, fare numeric)");
    path_ = folder_.write("in.csv", "id,city,fare\n1,Ulm,2.5\n2,,3\n3,Aalen,\n4,Bonn,7\n");
  }

  Finished run(const std::string& command, const std::vector<std::string>& flags) const {
    std::vector<std::string> all{command, path_, "-t", "t", "-d", url()};
    if (command == "load") all.insert(all.end(), {"--progress", "none"});
    all.insert(all.end(), flags.begin(), flags.end());
    return pgsluice(all);
  }
  Finished load(const std::vector<std::string>& flags) const { return run("load", flags); }
  std::string table() {
    return db().value(
        "select coalesce(string_agg(concat_ws('|', id, city, fare), ' ' order by id), '') from t");
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(SelectFlags, FilteredRecordsAreCountedEverywhere) {
  const Finished loaded = load({"--where", "city <> '' and fare > 0"});
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.out, HasSubstr("stored 2 rows"));
  EXPECT_THAT(loaded.out, HasSubstr(", 2 filtered"));
  EXPECT_EQ("1|Ulm|2.5 4|Bonn|7", table());
  const Finished list = pgsluice({"loads", "-d", url()});
  EXPECT_THAT(list.out, HasSubstr("filtered"));
  const Finished shown = pgsluice({"loads", "show", "1", "-d", url()});
  EXPECT_THAT(shown.out, HasSubstr("filtered       2"));
  const auto json =
      nlohmann::json::parse(pgsluice({"loads", "show", "1", "-d", url(), "--output", "json"}).out);
  EXPECT_EQ(
      2, (json.contains("load") && json["load"].is_object() ? json["load"] : json)["rows_filtered"]
             .get<int>());
  const auto again = nlohmann::json::parse(
      load({"--where", "city <> '' and fare > 0", "--again", "--output", "json"}).out);
  EXPECT_EQ(2, again["loads"][0]["rows_filtered"]);
  EXPECT_EQ(4, again["loads"][0]["records_read"]);
  EXPECT_EQ(2, again["totals"]["rows_filtered"]);
  const Finished without = load({"--again"});
  EXPECT_THAT(without.out, Not(HasSubstr("filtered")));
}

TEST_F(SelectFlags, AnotherConditionIsAnotherLoad) {
  ASSERT_EQ(0, load({"--where", "id > 1"}).exit_code);
  EXPECT_THAT(load({"--where", "id > 1"}).out, HasSubstr("nothing to do"));
  const Finished other = load({"--where", "id > 2"});
  EXPECT_EQ(7, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("where"));
  EXPECT_EQ(7, load({}).exit_code);
  const Finished list = load({"--select", "id, city"});
  EXPECT_EQ(7, list.exit_code);
  EXPECT_THAT(list.err, HasSubstr("select"));
  EXPECT_EQ("2|3 3|Aalen 4|Bonn|7", table());
}

TEST_F(SelectFlags, ALimitedLoadIsNotTheWholeOne) {
  const std::vector<std::string> flags{"--select", "id::int as id, lower(city) as city", "--where",
                                       "id::int <> 3"};
  std::vector<std::string> limited = flags;
  limited.insert(limited.end(), {"--limit", "2"});
  ASSERT_EQ(0, load(limited).exit_code);
  EXPECT_EQ(7, load(flags).exit_code);
  std::vector<std::string> again = flags;
  again.insert(again.end(), {"--truncate", "--chunk-size", "8"});
  ASSERT_EQ(0, load(again).exit_code);
  EXPECT_EQ("1|ulm 2| 4|bonn", db().value("select string_agg(concat_ws('|', id, coalesce(city, "
                                          "'')), ' ' order by id) from t"));
}

TEST_F(SelectFlags, ADryRunShowsTheRows) {
  const std::vector<std::string> flags{
      "--select", "id, '\"' || city || ',' as city, 10 / (id::int - 3) as fare", "--dry-run",
      "--limit", "4"};
  const Finished shown = load(flags);
  ASSERT_EQ(0, shown.exit_code) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("  rows\n    id,city,fare\n    1,\"\"\"Ulm,\",-5\n    2,,-10\n"
                                   "    4,\"\"\"Bonn,\",10\n"));
  EXPECT_THAT(shown.out, HasSubstr("city || ',' as city -> city text"));
  EXPECT_THAT(shown.err, HasSubstr("would be refused: division by zero"));
  std::vector<std::string> as_json = flags;
  as_json.insert(as_json.end(), {"--output", "json"});
  const auto json = nlohmann::json::parse(load(as_json).out);
  EXPECT_EQ("2", json["loads"][0]["rows"][1]["id"]);
  EXPECT_TRUE(json["loads"][0]["rows"][1]["city"].is_null());
  EXPECT_EQ("", table());
  EXPECT_EQ(0, db().number("select count(*) from pg_namespace where nspname = 'pgsluice'"));
}

TEST_F(SelectFlags, ACheckJudgesTheSqlToo) {
  const Finished checked = run("check", {"--select", "id, 1 / (id::int - 3) as fare"});
  EXPECT_EQ(3, checked.exit_code) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("in.csv:4: "));
  EXPECT_THAT(checked.out, HasSubstr("division by zero"));
  const Finished where = run("check", {"--where", "1 / (id - 3) > 0"});
  EXPECT_EQ(3, where.exit_code) << where.err;
  EXPECT_THAT(where.out, HasSubstr("in.csv:4: "));
  EXPECT_EQ("", table());
}

/// Both could be meant, and PostgreSQL would take the server's without a word.
TEST_F(SelectFlags, AColumnOfTheNameOfAServersValueIsToBeQualified) {
  folder_.write("user.csv", "id,user\n1,ann\n");
  db().run("create table said (id int, who text)");
  const auto select = [this](const std::string& list) {
    return pgsluice({"load", folder_ / "user.csv", "-t", "said", "-d", url(), "--select", list});
  };
  const Finished refused = select("id, upper(user) as who");
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("user is a value of the server's, and a column"),
                                 HasSubstr("csv.user is the column")));
  EXPECT_EQ(0, select("id, upper(csv.user) as who").exit_code);
  EXPECT_EQ("ANN", db().value("select who from said"));
  // Alone it can only be the column.
  EXPECT_EQ(7, select("id, user as who").exit_code);
}

TEST_F(SelectFlags, WrongSqlIsWrongUsage) {
  const struct {
    std::vector<std::string> flags;
    std::string says;
  } examples[] = {
      {{"--where", ""}, "--where: it is empty"},
      {{"--select", " "}, "--select: it is empty"},
      {{"--where", "\xff"}, "--where"},
      {{"--select", "id", "--map", "id=id"}, "--map and --select exclude each other"},
      {{"--select", "id", "--add", "fare=1"}, "--add and --select exclude each other"},
      {{"--select", "id", "--skip-column", "id"}, "--skip-column and --select exclude each other"},
      {{"--select", "id", "--writer", "copy"}, "--writer copy and --select exclude each other"},
      {{"--select", "id", "--header=none"}, "say them with --columns"},
      {{"--select", "id", "--on-conflict", "nothing"}, "no primary key"},
      {{"--select", ":load as id", "--no-ledger"}, "leave out --no-ledger"},
  };
  for (const auto& example : examples) {
    const Finished finished = load(example.flags);
    EXPECT_EQ(2, finished.exit_code) << example.says << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(example.says));
  }
  EXPECT_EQ("", table());
}

/// Else a rule that does not hold would make other dates without a word.
TEST_F(SelectFlags, ATextThatNoRuleReadsIsSaid) {
  db().run("create table dates (id int, d date, e date)");
  const std::string path = folder_.write("d.csv", "id,d,e\n1,03/02/2024,03/02/2024\n");
  const Finished loaded =
      pgsluice({"load", path, "-t", "dates", "-d", url(), "--date-format", "DD/MM/YYYY", "--select",
                "id, e, to_date(d, 'DD/MM/YYYY') as d"});
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_THAT(loaded.err, HasSubstr("do not act on what the list has as the file's text: d\n"));
  EXPECT_EQ("2024-02-03 2024-02-03", db().value("select d || ' ' || e from dates"));
}

TEST_F(SelectFlags, AFileWithoutNamesGetsThemFromColumns) {
  const Finished loaded =
      load({"--header=skip", "--columns", "nr,town,price", "--select",
            "nr::int as id, town as city, price::numeric as fare", "--where", "town <> ''"});
  ASSERT_EQ(0, loaded.exit_code) << loaded.err;
  EXPECT_EQ("1|Ulm|2.5 3|Aalen 4|Bonn|7", table());
}

/// A job's flags are those of the command line, and what its load came to is in its slot's message.
TEST_F(SelectFlags, AScheduleHasThem) {
  const std::string config =
      folder_.write("pgsluice.toml",
                    "[[job]]\nname = \"one\"\ncron = \"@every 1s\"\nload = [\"in.csv\"]\n"
                    "table = \"t\"\nflags = [\"--select\", \"id, upper(city) as city\", "
                    "\"--where\", \"id <> '2' and city <> 'x;'\"]\n");
  Process scheduler({"schedule", "run", "--config", config, "-d", url()});
  const bool is_run = comes_true(
      "select exists (select from pgsluice.loads where state = 'finished' and rows_filtered = 1)");
  scheduler.signal(SIGTERM);
  const Finished stopped = scheduler.wait();
  EXPECT_TRUE(is_run) << stopped.err;
  EXPECT_EQ("1|ULM 3|AALEN 4|BONN", table());
}

}  // namespace
}  // namespace sluice::test

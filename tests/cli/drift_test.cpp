#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "sniff/other_values.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "tuple/table.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* drifted = "its columns are not those of load";

class Drift : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table t (id int, station text, celsius numeric, more text)");
  }

  Finished load(const std::vector<std::string>& files, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"load", "-t", "t", "-d", url()};
    all.insert(all.end(), files.begin(), files.end());
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all);
  }
  /// With --on-drift.
  Finished load(const std::string& file, const std::string& csv, const std::string& on_drift,
                std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--on-drift", on_drift});
    return load({folder_.write(file, csv)}, more);
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }
  std::int64_t loads() { return db().number("select count(*) from pgsluice.loads"); }

  TemporaryFolder folder_;
};

TEST_F(Drift, SaysWhatIsMissingAndLoadsTheFile) {
  const Finished first = load("day-1.csv", "id,station,celsius\n1,a,2.5\n", "note");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.err, Not(HasSubstr(drifted)));
  const Finished same = load("day-2.csv", "celsius,ID,station\n3.5,2,b\n", "note");
  EXPECT_EQ(0, same.exit_code) << same.err;
  EXPECT_THAT(same.err, Not(HasSubstr(drifted)));
  const Finished other = load("day-3.csv", "id,station,more\n3,c,x\n", "note");
  EXPECT_EQ(0, other.exit_code) << other.err;
  EXPECT_THAT(other.err, AllOf(HasSubstr("day-3.csv: its columns are not those of load 2 ("),
                               HasSubstr("day-2.csv, 20"),
                               HasSubstr("): new: \"more\"; missing: \"celsius\"\n")));
  const Finished fewer = load("day-4.csv", "id,station\n4,d\n", "note");
  EXPECT_EQ(0, fewer.exit_code) << fewer.err;
  EXPECT_THAT(fewer.err, HasSubstr("of load 3 ("));
  EXPECT_THAT(fewer.err, HasSubstr("): missing: \"more\"\n"));
  // It is the usual one now.
  const Finished again = load("day-5.csv", "id,station\n5,e\n", "stop");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.err, Not(HasSubstr(drifted)));
  EXPECT_EQ(5, rows());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// For programs: what is said to people in words.
TEST_F(Drift, IsAnObjectInJson) {
  const auto drift_of = [this](const std::string& file, const std::string& csv,
                               const std::string& on_drift) {
    const Finished finished = load(file, csv, on_drift, {"--output", "json"});
    const nlohmann::json json = nlohmann::json::parse(finished.out);
    return json.at("loads").at(0);
  };
  EXPECT_FALSE(drift_of("day-1.csv", "id,station,celsius\n1,a,2.5\n", "note").contains("drift"));
  const nlohmann::json noted =
      drift_of("day-2.csv", "id,more,celsius\nA,x,2\nB,x,3\nC,x,4\n", "note").at("drift");
  EXPECT_EQ(1, noted.at("since_load"));
  EXPECT_THAT(noted.at("since_source").get<std::string>(), HasSubstr("day-1.csv"));
  EXPECT_EQ((nlohmann::json{{"now", "more"}, {"then", "station"}}), noted.at("renamed").at(0));
  const nlohmann::json& other = noted.at("other_type").at(0);
  EXPECT_EQ("id", other.at("column"));
  EXPECT_EQ("integer", other.at("type"));
  EXPECT_EQ(3, other.at("others"));
  EXPECT_EQ("A", other.at("first"));
  const nlohmann::json stopped = drift_of("day-3.csv", "station,id\na,1\n", "stop").at("drift");
  EXPECT_TRUE(stopped.at("new").empty());
  EXPECT_EQ(nlohmann::json::array({"celsius"}), stopped.at("missing"));
  EXPECT_TRUE(stopped.at("renamed").empty());
  const nlohmann::json refused =
      drift_of("day-4.csv", "id,station,temp_celsius\n1,a,2\n", "note").at("drift");
  EXPECT_EQ("temp_celsius", refused.at("renamed").at(0).at("now"));
}

TEST_F(Drift, IsNotAskedForByItself) {
  ASSERT_EQ(0, load({folder_.write("a1.csv", "id,station\n1,a\n")}).exit_code);
  const Finished loaded = load({folder_.write("a2.csv", "id,celsius\n1,2\n")});
  EXPECT_EQ(0, loaded.exit_code);
  EXPECT_THAT(loaded.err, Not(HasSubstr(drifted)));
}

TEST_F(Drift, StopsBeforeAnythingIsStored) {
  ASSERT_EQ(0, load("a1.csv", "id,station,celsius\n1,a,2.5\n", "stop").exit_code);
  const Finished stopped = load("a2.csv", "id,station\n2,b\n", "stop", {"--truncate"});
  EXPECT_EQ(2, stopped.exit_code);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("a2.csv: its columns are not those of load 1 ("),
                                 HasSubstr("missing: \"celsius\""),
                                 HasSubstr("--on-drift note loads it as it is, without values")));
  EXPECT_EQ(1, rows()) << "not even emptied";
  EXPECT_EQ(1, loads());
  const Finished taken = load("a2.csv", "id,station\n2,b\n", "note", {"--truncate"});
  EXPECT_EQ(0, taken.exit_code) << taken.err;
  EXPECT_EQ(1, rows());
  // What --truncate has taken away says all the same which columns are usual.
  EXPECT_EQ(0, load("a3.csv", "id,station\n3,c\n", "stop", {"--truncate"}).exit_code);
  EXPECT_EQ(2, load("a4.csv", "id,celsius\n3,1\n", "stop", {"--truncate"}).exit_code);
}

/// Many chunks, which go by another way.
TEST_F(Drift, StopsALongFileToo) {
  ASSERT_EQ(0, load("a1.csv", "id,station,celsius\n1,a,2.5\n", "stop").exit_code);
  std::string csv = "id,station\n";
  for (int i = 0; i < 400'000; ++i) csv += std::to_string(i) + ",a\n";
  const Finished stopped = load("a2.csv", csv, "stop");
  EXPECT_EQ(2, stopped.exit_code);
  EXPECT_EQ(1, rows());
  EXPECT_EQ(1, loads());
  const Finished noted = load("a2.csv", csv, "note");
  EXPECT_EQ(0, noted.exit_code) << noted.err;
  EXPECT_THAT(noted.err, HasSubstr(drifted));
  EXPECT_EQ(400'001, rows());
}

TEST_F(Drift, ExplainsANameThatTheTableLacks) {
  ASSERT_EQ(0, load("a1.csv", "id,station,celsius\n1,a,2.5\n", "note").exit_code);
  const std::string csv = "id,station,temp_celsius\n2,b,3.5\n";
  const Finished refused = load("a2.csv", csv, "note");
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("public.t has no column \"temp_celsius\""),
                                 HasSubstr("--on-drift: its columns are not those of load 1 ("),
                                 HasSubstr("\"temp_celsius\" may be \"celsius\" renamed")));
  EXPECT_THAT(load({folder_ / "a2.csv"}).err, Not(HasSubstr(drifted))) << "not asked for";
  const Finished mapped = load("a2.csv", csv, "stop", {"--map", "temp_celsius=celsius"});
  EXPECT_EQ(0, mapped.exit_code) << mapped.err;
  EXPECT_EQ("3.5", db().value("select celsius from t where id = 2"));
}

TEST_F(Drift, KnowsColumnsThatGoNowhere) {
  const std::vector<std::string> drop{"--ignore-extra"};
  ASSERT_EQ(0, load("a1.csv", "id,x\n1,2\n", "stop", drop).exit_code);
  EXPECT_EQ(R"(["x"])", db().value("select options ->> 'left-out' from pgsluice.loads"));
  EXPECT_EQ(0, load("a2.csv", "X,id\n1,2\n", "stop", drop).exit_code);
  EXPECT_EQ(0, load("a3.csv", "id\n3\n", "stop", drop).exit_code) << "nothing of x was stored";
  ASSERT_EQ(0, load("a4.csv", "id,x\n4,2\n", "note", drop).exit_code);
  const Finished more = load("a5.csv", "id,x,y\n5,2,3\n", "stop", drop);
  EXPECT_EQ(2, more.exit_code);
  EXPECT_THAT(more.err, HasSubstr("): new: \"y\"\n"));
  // The names decide nothing else: the same content is the same load.
  EXPECT_THAT(load("a4.csv", "id,x\n4,2\n", "stop", drop).out, HasSubstr("nothing to do"));
}

/// An unfinished load of a version that did not say what goes nowhere is gone on with.
TEST_F(Drift, NamesOfWhatGoesNowhereKeepNoLoadFromGoingOn) {
  std::string csv = "id,x\n";
  for (int i = 0; i < 1000; ++i) csv += std::to_string(i) + ",y\n";
  ASSERT_EQ(5, load("a.csv", csv + "bad,1\n", "note",
                    {"--ignore-extra", "--max-rejects", "0", "--chunk-size", "1KiB"})
                   .exit_code);
  db().run("update pgsluice.loads set options = options - 'left-out'");
  const Finished resumed =
      load("a.csv", csv + "bad,1\n", "note", {"--skip-column", "x", "--max-rejects", "1"});
  EXPECT_EQ(3, resumed.exit_code) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("resuming load 1"));
  EXPECT_EQ(1000, rows());
}

TEST_F(Drift, SaysValuesThatAreSurelyOfAnotherType) {
  ASSERT_EQ(0, load("a1.csv", "id,celsius\n1,2\n", "stop").exit_code);
  const Finished stopped = load("a2.csv", "id,celsius\n1.5,2\n2.5,2\n,\n3.5,2\n", "stop");
  EXPECT_EQ(2, stopped.exit_code);
  EXPECT_THAT(stopped.err,
              HasSubstr("): \"id\" is integer, and 3 of its first 3 values are not: \"1.5\"\n"));
  EXPECT_EQ(1, rows());
  EXPECT_EQ(2, load("b1.csv", "id,celsius\nA-1,2\nB-2,2\nC-3,2\n", "stop").exit_code);
  // By position there are no names, and types tell.
  const Finished swapped = load("a3.csv", "a,1,2,\nb,2,3,\nc,3,4,\n", "stop", {"--header", "none"});
  EXPECT_EQ(2, swapped.exit_code);
  EXPECT_THAT(swapped.err, HasSubstr("\"id\" is integer, and 3 of its first 3 values are not"));
  // A bad record is none, and what a rule writes in another way neither.
  std::string csv = "id,celsius\n";
  for (int i = 0; i < 50; ++i) csv += std::to_string(i) + ",2\n";
  EXPECT_EQ(3, load("a4.csv", csv + "x,1\ny,1\nz,1\n", "stop", {"--max-rejects", "5"}).exit_code);
  EXPECT_EQ(0, load("a5.csv", "id;celsius\n1;1,5\n2;2,5\n3;3,5\n", "stop",
                    {"--delimiter", ";", "--decimal", ","})
                   .exit_code);
}

/// Two suppliers into one table, and a job for each.
TEST_F(Drift, ComparesWithTheLoadWhosePathIsAlike) {
  ASSERT_EQ(0, load("eu-2026-01-01.csv", "id,station\n1,a\n", "stop").exit_code);
  // None is like it: the newest of its folder counts.
  EXPECT_EQ(2, load("us-2026-01-01.csv", "id,celsius\n2,2\n", "stop").exit_code);
  ASSERT_EQ(0, load("us-2026-01-01.csv", "id,celsius\n2,2\n", "note").exit_code);
  EXPECT_EQ(0, load("eu-2026-01-02.csv", "id,station\n3,b\n", "stop").exit_code);
  EXPECT_EQ(0, load("us-2026-01-02.csv", "id,celsius\n4,3\n", "stop").exit_code);
  const Finished stopped = load("us-2026-01-03.csv", "id,station\n5,c\n", "stop");
  EXPECT_EQ(2, stopped.exit_code);
  EXPECT_THAT(stopped.err, HasSubstr("us-2026-01-02.csv"));
  // A folder is nearer than the rest of the table.
  std::filesystem::create_directory(folder_ / "other");
  ASSERT_EQ(0, load("other/a.csv", "id,more\n6,x\n", "note").exit_code);
  EXPECT_EQ(0, load("other/b.csv", "id,more\n7,y\n", "stop").exit_code);
}

TEST_F(Drift, AFileThatIsThereIsNotTold) {
  ASSERT_EQ(0, load("a1.csv", "id,station\n1,a\n", "stop").exit_code);
  ASSERT_EQ(0, load("a2.csv", "id,celsius\n2,2\n", "note").exit_code);
  const Finished nothing = load("a1.csv", "id,station\n1,a\n", "stop");
  EXPECT_EQ(0, nothing.exit_code) << nothing.err;
  EXPECT_THAT(nothing.out, HasSubstr("nothing to do"));
  EXPECT_EQ(2, load("a1.csv", "id,station\n1,a\n", "stop", {"--again"}).exit_code);
  EXPECT_EQ(2, rows());
}

/// Who takes a load out again takes it for a mistake.
TEST_F(Drift, ALoadThatWasUndoneSaysNothing) {
  db().run("alter table t add column by bigint");
  ASSERT_EQ(0, load("a1.csv", "id,station\n1,a\n", "stop", {"--add", "by=:load"}).exit_code);
  ASSERT_EQ(0, load("a2.csv", "id\n2\n", "note", {"--add", "by=:load"}).exit_code);
  const Finished undone =
      pgsluice({"loads", "undo", "2", "-t", "t", "--column", "by", "-d", url()});
  ASSERT_EQ(0, undone.exit_code) << undone.err;
  EXPECT_EQ(0, load("a3.csv", "id,station\n3,a\n", "stop", {"--add", "by=:load"}).exit_code);
}

TEST_F(Drift, OfSeveralFilesThoseOfTheUsualColumnsAreLoaded) {
  ASSERT_EQ(0, load("a0.csv", "id,station\n0,a\n", "stop").exit_code);
  std::vector<std::string> files;
  for (int i = 1; i <= 30; ++i)
    files.push_back(folder_.write(
        "a" + std::to_string(i) + ".csv",
        (i == 13 ? "id\n" : "id,station\n") + std::to_string(i) + (i == 13 ? "\n" : ",b\n")));
  const Finished loaded = load(files, {"--on-drift", "stop", "--keep-going"});
  EXPECT_EQ(2, loaded.exit_code);
  EXPECT_THAT(loaded.err, HasSubstr("a13.csv: its columns are not those of load"));
  EXPECT_EQ(30, rows());
  EXPECT_EQ(0, db().number("select count(*) from t where id = 13"));
}

/// Also the thirtieth is compared with what was there before the command, by one question for all.
TEST_F(Drift, SeveralFilesAreComparedWithWhatWasThereBefore) {
  ASSERT_EQ(0, load("a0.csv", "id,station\n0,a\n", "note").exit_code);
  std::vector<std::string> files;
  for (int i = 1; i <= 30; ++i)
    files.push_back(
        folder_.write("a" + std::to_string(i) + ".csv", "id\n" + std::to_string(i) + "\n"));
  const Finished loaded = load(files, {"--on-drift", "note"});
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  std::size_t told = 0;
  for (std::size_t at = 0; (at = loaded.err.find("not those of load 1", at)) != std::string::npos;
       ++at)
    ++told;
  EXPECT_EQ(30, told) << loaded.err;
}

/// The first file of a command says what is usual, where no load has been there before.
TEST_F(Drift, OfFilesIntoANewTableTheFirstSaysWhatIsUsual) {
  std::vector<std::string> files;
  for (int i = 1; i <= 12; ++i)
    files.push_back(folder_.write(
        "b" + std::to_string(10 + i) + ".csv",
        (i == 7 ? "id\n" : "id,station\n") + std::to_string(i) + (i == 7 ? "\n" : ",b\n")));
  const Finished loaded = load(files, {"--on-drift", "stop", "--keep-going"});
  EXPECT_EQ(2, loaded.exit_code);
  EXPECT_THAT(loaded.err, HasSubstr("b17.csv: its columns are not those of load"));
  EXPECT_EQ(11, rows());
}

TEST_F(Drift, ADryRunSaysIt) {
  ASSERT_EQ(0, load("a1.csv", "id,station\n1,a\n", "stop").exit_code);
  const Finished noted = load("a2.csv", "id\n2\n", "note", {"--dry-run"});
  EXPECT_EQ(0, noted.exit_code) << noted.err;
  EXPECT_THAT(noted.err, HasSubstr("missing: \"station\""));
  EXPECT_EQ(2, load("a2.csv", "id\n2\n", "stop", {"--dry-run"}).exit_code);
  EXPECT_EQ(1, rows());
}

TEST_F(Drift, IsInTheNotesOfJson) {
  ASSERT_EQ(0, load("a1.csv", "id,station\n1,a\n", "stop").exit_code);
  const Finished noted = load("a2.csv", "id\n2\n", "note", {"--output", "json"});
  EXPECT_EQ(0, noted.exit_code);
  const auto json = nlohmann::json::parse(noted.out);
  EXPECT_THAT(json["loads"][0]["notes"].dump(), HasSubstr("missing: \\\"station\\\""));
}

TEST_F(Drift, RefusesWhatCannotBe) {
  const std::string file = folder_.write("a.csv", "id\n1\n");
  for (const char* how : {"note", "stop"}) {
    const Finished refused = load({file}, {"--on-drift", how, "--no-ledger"});
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err, HasSubstr("leave out --no-ledger"));
  }
  const Finished adds = load({file}, {"--on-drift", "stop", "--add-columns"});
  EXPECT_EQ(2, adds.exit_code);
  EXPECT_THAT(adds.err, HasSubstr("before the load could stop"));
  EXPECT_EQ(0, load({file}, {"--on-drift", "note", "--add-columns"}).exit_code);
  EXPECT_EQ(2, load({file}, {"--on-drift", "maybe"}).exit_code);
}

/// Two days of a job.
TEST_F(Drift, IsSaidBySchedules) {
  std::filesystem::create_directory(folder_ / "in");
  const auto config = [&](const std::string& flags) {
    return folder_.write("pgsluice.toml",
                         "[[job]]\nname = \"feed\"\ncron = \"@every 1s\"\nload = [\"in/*.csv\"]\n"
                         "table = \"t\"\nsettle = \"0s\"\nflags = [" +
                             flags + "]\n");
  };
  const auto run_until = [&](const std::string& toml, const std::string& condition) {
    return is_seen([&] {
      pgsluice({"schedule", "run", "--once", "--config", toml, "-d", url()});
      return db().value("select coalesce((" + condition + ")::text, 'f')").starts_with("t");
    });
  };
  folder_.write("in/day-1.csv", "id,station\n1,a\n");
  ASSERT_TRUE(run_until(config(""), "select count(*) = 1 from t"));
  folder_.write("in/day-2.csv", "id\n2\n");
  ASSERT_TRUE(run_until(config(""), "select count(*) = 2 from t"));
  EXPECT_EQ(1, db().number("select count(*) from pgsluice.job_runs where state = 'ran' and message "
                           "like '%day-2.csv: its columns are not those of load 1 (%'"));
  folder_.write("in/day-3.csv", "id,more\n3,x\n");
  folder_.write("in/day-4.csv", "id\n4\n");
  ASSERT_TRUE(run_until(config("\"--on-drift\", \"stop\""), "select count(*) = 3 from t"));
  EXPECT_EQ(0, db().number("select count(*) from t where id = 3"));
  EXPECT_EQ(1,
            db().number("select count(*) from pgsluice.job_runs where state = 'failed' and "
                        "exit_code = 2 and message like '%day-3.csv: its columns%new: \"more\"%'"));
}

/// What is surely other the server refuses, whatever it looks like.
TEST_F(Drift, WhatIsSurelyOtherTheServerRefuses) {
  const std::vector<std::string> texts{"1",
                                       "-1",
                                       "+7",
                                       "007",
                                       "1.5",
                                       "1,5",
                                       "1,234.50",
                                       "1.234.567",
                                       "12 EUR",
                                       "1e5",
                                       "1e400",
                                       "0x1F",
                                       "0b11",
                                       "0o17",
                                       "1_000",
                                       "32768",
                                       "2147483648",
                                       "99999999999999999999",
                                       "nan",
                                       "NaN",
                                       "inf",
                                       "-inf",
                                       "+Infinity",
                                       "infinity",
                                       "true",
                                       "t",
                                       "f",
                                       "yes",
                                       "of",
                                       "off",
                                       "on",
                                       "y",
                                       "n",
                                       "tr",
                                       "FALS",
                                       "0",
                                       "x",
                                       "abc",
                                       "dead",
                                       "now",
                                       "today",
                                       "tomorrow",
                                       "yesterday",
                                       "epoch",
                                       "allballs",
                                       "2025-12-31",
                                       "20251231",
                                       "31.12.2025",
                                       "12/31/2025",
                                       "Jan 8, 1999",
                                       "J2451187",
                                       "2025-12-31 10:15",
                                       "2025-12-31T10:15:00+02",
                                       "10:15",
                                       "04:05:06.789",
                                       "040506",
                                       "T040506",
                                       "4:05 PM",
                                       "January",
                                       "monday",
                                       "BC",
                                       "zulu",
                                       "192.168.0.1",
                                       "10.1",
                                       "192.168",
                                       "10/8",
                                       "2001:db8::1",
                                       "::",
                                       "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                       "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
                                       "A0EEBC999C0B4EF8BB6D6BB9BD380A11",
                                       "12345678901234567890123456789012",
                                       "{}",
                                       "[1]",
                                       "\"a\"",
                                       "null",
                                       "-",
                                       "?",
                                       "\u00e9",
                                       "1 000",
                                       "0x1.8p3",
                                       "1e-400",
                                       ".5",
                                       "5.",
                                       "--5",
                                       "12-31",
                                       "1/2",
                                       "2 weeks",
                                       "A-1",
                                       "-",
                                       "+",
                                       "-.5",
                                       "_1",
                                       "e5"};
  const std::vector<std::pair<std::string, std::uint32_t>> types{
      {"smallint", tuple::oid::int2},       {"integer", tuple::oid::int4},
      {"bigint", tuple::oid::int8},         {"numeric", tuple::oid::numeric},
      {"real", tuple::oid::float4},         {"double precision", tuple::oid::float8},
      {"boolean", tuple::oid::boolean},     {"date", tuple::oid::date},
      {"time", tuple::oid::time},           {"timetz", tuple::oid::timetz},
      {"timestamp", tuple::oid::timestamp}, {"timestamptz", tuple::oid::timestamptz},
      {"uuid", tuple::oid::uuid},           {"inet", tuple::oid::inet},
      {"cidr", tuple::oid::cidr},           {"json", tuple::oid::json},
      {"jsonb", tuple::oid::jsonb},         {"text", tuple::oid::text}};
  std::size_t sure = 0;
  for (const char* style : {"ISO, DMY", "SQL, MDY", "Postgres, YMD"}) {
    db().run(std::string("set datestyle = '") + style + "'");
    for (const auto& [name, id] : types) {
      for (const std::string& text : texts) {
        if (!sniff::is_surely_other(text, id)) continue;
        ++sure;
        EXPECT_ANY_THROW(db().run("select " + name + " '" + text + "'")) << name << " " << text;
      }
    }
  }
  EXPECT_GT(sure, 1000U) << "it is sure of something";
}

}  // namespace
}  // namespace sluice::test

#include "plan/drift.hpp"

#include <gmock/gmock.h>

namespace sluice::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// "a, -, c": the table's columns that are fed, and those of the file that go nowhere.
FormerColumns former(const std::vector<std::string>& fields) {
  FormerColumns columns;
  for (const std::string& field : fields)
    columns.fields.push_back(field == "-" ? std::nullopt : std::optional(field));
  return columns;
}

/// Names that feed columns of their own name; "-x" goes nowhere.
std::vector<SourceColumn> source(const std::vector<std::string>& names) {
  std::vector<SourceColumn> columns;
  for (const std::string& name : names) {
    if (name.front() == '-')
      columns.push_back({.name = name.substr(1), .feeds = std::nullopt});
    else
      columns.push_back({.name = name, .feeds = name});
  }
  return columns;
}

std::vector<std::string> renames(const Drift& drift) {
  std::vector<std::string> all;
  for (const Drift::Renamed& renamed : drift.renamed)
    all.push_back(renamed.then + ">" + renamed.now);
  return all;
}

TEST(Drift, OrderAndCaseAreNone) {
  EXPECT_FALSE(drift_of(former({"id", "v", "w"}), source({"w", "id", "v"})).any());
  const std::vector<SourceColumn> alike{{.name = "ID", .feeds = "id"},
                                        {.name = "V_", .feeds = "v"}};
  EXPECT_FALSE(drift_of(former({"id", "v"}), alike).any());
}

TEST(Drift, SaysWhatIsNewAndWhatIsMissing) {
  const Drift drift = drift_of(former({"id", "amount", "v"}), source({"id", "v", "q", "r"}));
  EXPECT_THAT(drift.added, ElementsAre("q", "r"));
  EXPECT_THAT(drift.missing, ElementsAre("amount"));
  EXPECT_THAT(renames(drift), IsEmpty());
}

TEST(Drift, ARenamedColumnIsOneThatIsAlike) {
  const auto renamed = [](const std::string& then, const std::string& now) {
    return !drift_of(former({"id", then, "x", "y"}), source({"id", "-" + now, "z"}))
                .renamed.empty();
  };
  EXPECT_TRUE(renamed("celsius", "temp_celsius"));
  EXPECT_TRUE(renamed("trip_id", "TripID"));
  EXPECT_TRUE(renamed("station", "statoin"));
  EXPECT_FALSE(renamed("celsius", "humidity"));
  EXPECT_FALSE(renamed("a1", "b7")) << "short names tell nothing";
  EXPECT_FALSE(renamed("", "x"));
}

TEST(Drift, OrOneThatStandsInThePlaceOfAnother) {
  EXPECT_THAT(renames(drift_of(former({"id", "celsius", "v"}), source({"id", "-temperatur", "v"}))),
              ElementsAre("celsius>temperatur"));
  // Two swapped ones, by their likeness and not by their place.
  EXPECT_THAT(renames(drift_of(former({"first_name", "last_name"}),
                               source({"-last_names", "-first_names"}))),
              ElementsAre("first_name>first_names", "last_name>last_names"));
  // With one more in front of it a place says nothing.
  const Drift more = drift_of(former({"id", "celsius"}), source({"-q", "id", "-temperatur"}));
  EXPECT_THAT(renames(more), IsEmpty());
  EXPECT_THAT(more.added, ElementsAre("q", "temperatur"));
  EXPECT_THAT(more.missing, ElementsAre("celsius"));
}

TEST(Drift, WhatGoesNowhereIsKnownByItsName) {
  FormerColumns then = former({"id", "-", "v"});
  // An earlier version has not said how it was called.
  EXPECT_FALSE(drift_of(then, source({"id", "-other", "v"})).any());
  EXPECT_FALSE(drift_of(then, source({"id", "v"})).any());
  then.left_out = {"other"};
  EXPECT_FALSE(drift_of(then, source({"id", "-Other", "v"})).any());
  EXPECT_FALSE(drift_of(then, source({"id", "v"})).any()) << "nothing of it was stored";
  EXPECT_THAT(drift_of(then, source({"id", "-other", "-more", "v"})).added, ElementsAre("more"));
  // A flag takes a column out, or the table has got one for it: the file is as it was.
  EXPECT_FALSE(drift_of(then, source({"id", "other", "-v"})).any());
}

TEST(Drift, ReadsWhatTheLedgerHas) {
  const auto columns = former_columns(R"({"fields": ["id", null], "left-out": ["x"]})");
  ASSERT_TRUE(columns);
  EXPECT_EQ(std::optional<std::string>("id"), columns->fields[0]);
  EXPECT_FALSE(columns->fields[1]);
  EXPECT_THAT(*columns->left_out, ElementsAre("x"));
  EXPECT_FALSE(former_columns(R"({"fields": ["id"]})")->left_out);
  for (const char* damaged :
       {"", "[]", "{}", R"({"fields": 1})", R"({"fields": [1]})",
        R"({"fields": ["a"], "left-out": 7})", R"({"fields": ["a"], "left-out": [7]})"})
    EXPECT_FALSE(former_columns(damaged)) << damaged;
}

TEST(Drift, WordsNameTheLoadAndEachColumn) {
  Drift drift =
      drift_of(former({"id", "celsius", "amount"}), source({"id", "-temp_celsius", "q\n"}));
  drift.types = {
      {.column = "id", .type = "integer", .values = 1200, .others = 300, .first = "a\t1"}};
  drift.since = {12};
  drift.source = "in/a.csv";
  drift.finished_at = "2026-01-01 02:00:00+00";
  EXPECT_EQ(
      "its columns are not those of load 12 (in/a.csv, 2026-01-01 02:00:00+00): \"temp_celsius\" "
      "may be \"celsius\" renamed; \"q\\n\" may be \"amount\" renamed; \"id\" is integer, and 300 "
      "of its first 1,200 values are not: \"a\t1\"",
      words_of(drift));
  EXPECT_THAT(advice_for(drift), HasSubstr("--map 'temp_celsius=celsius'"));
  EXPECT_THAT(advice_for(drift_of(former({"id"}), source({"id", "v"}))), Not(HasSubstr("missing")));
}

}  // namespace
}  // namespace sluice::plan

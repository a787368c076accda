#include "tuple/encoder.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "csv/scanner.hpp"

namespace sluice::tuple {
namespace {

Table table_of(std::vector<Column> columns) {
  Table table;
  table.schema = "public";
  table.name = "t";
  table.columns = std::move(columns);
  return table;
}

Column column(const std::string& name, std::uint32_t type) {
  Column result;
  result.name = name;
  result.base_type.id = type;
  return result;
}

struct Encoding {
  csv::StructuralIndex index;
  std::string text;
  Batch batch;

  csv::ParseInput input() const {
    return {text.data(), text.size() - csv::Scanner::padding, index, false};
  }
};

Encoding encode(const EncoderPlan& plan, std::string text, RecordRange range = {}) {
  Encoding result;
  csv::ScanState state;
  const std::size_t size = text.size();
  result.text = std::move(text);
  result.text.append(csv::Scanner::padding, '\0');
  csv::Scanner(plan.dialect).scan(result.text.data(), 0, size, state, result.index);
  Encoder(plan).encode(result.input(), result.batch, range);
  return result;
}

TEST(Encoder, SendsUnusualRecordsDownTheSlowLane) {
  const Table table = table_of({column("a", oid::int4), column("b", oid::text)});
  const EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  const Encoding e = encode(plan, "1,x\n 2,\"tab\there\\\nand\r\"\n3,\n");
  EXPECT_EQ(2U, e.batch.fast.tuples);
  EXPECT_EQ(1U, e.batch.slow.tuples);
  EXPECT_EQ(" 2\ttab\\there\\\\\\nand\\r\n", e.batch.slow.bytes());
  EXPECT_EQ(3U, e.batch.records);
  const auto found = Encoder(plan).find(e.input(), Encoder::LaneName::fast, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(2U, found->record);
  const auto slow = Encoder(plan).find(e.input(), Encoder::LaneName::slow, 0);
  ASSERT_TRUE(slow);
  EXPECT_EQ(1U, slow->record);
  EXPECT_EQ(0U, slow->unsure_field);
}

TEST(Encoder, TypeWithoutCodecMakesAllRecordsText) {
  const Table table = table_of({column("a", oid::int4), column("b", 790 /* money */)});
  const EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  EXPECT_FALSE(plan.fast_lane);
  const Encoding e = encode(plan, "1,\"$1,000\"\n,\n");
  EXPECT_EQ("1\t$1,000\n\\N\t\\N\n", e.batch.slow.bytes());
  EXPECT_EQ(0U, e.batch.fast.size);
}

TEST(Encoder, RejectsRecordsOfTheWrongLength) {
  const Table table = table_of({column("a", oid::int4), column("b", oid::int4)});
  const EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  const Encoding e = encode(plan, "1,2\n3\n4,5,6\n\n");
  ASSERT_EQ(3U, e.batch.rejects.size());
  EXPECT_EQ(1U, e.batch.rejects[0].position.record);
  EXPECT_NE(std::string::npos, e.batch.rejects[0].message.find("missing data for column \"b\""));
  EXPECT_NE(std::string::npos,
            e.batch.rejects[1].message.find("extra data after last expected column"));
  EXPECT_EQ(1U, e.batch.tuples());
}

TEST(Encoder, EncodesARangeOfRecords) {
  const Table table = table_of({column("a", oid::int4)});
  const EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  EXPECT_EQ(2U, encode(plan, "1\n2\n3\n4\n", {1, 3}).batch.fast.tuples);
}

TEST(Encoder, LeavesOutIgnoredColumns) {
  const Table table = table_of({column("a", oid::text), column("b", oid::text)});
  const Mapping mapping = map_by_name(table, {"b", "extra", "A"}, {.ignore_extra = true}, "f.csv");
  EncoderPlan plan = plan_encoder(table, mapping, {}, csv::LineEnd::lf, {});
  plan.fast_lane = false;
  EXPECT_EQ("1\t3\n", encode(plan, "1,2,3\n").batch.slow.bytes());
  EXPECT_EQ((std::vector<std::string>{"b", "a"}), plan.column_names());
  EXPECT_EQ((std::vector<std::string>{"extra"}), mapping.ignored);
}

struct MappingCase {
  const char* name;
  std::vector<std::string> header;
  MappingOptions options;
  const char* complaint;
};

TEST(Mapping, RefusesWithBothSidesNamed) {
  Table table =
      table_of({column("id", oid::int4), column("Name", oid::text), column("name", oid::text)});
  table.columns.push_back(column("sum", oid::int4));
  table.columns.back().generated = true;
  const MappingCase cases[] = {
      {"unknown column", {"id", "colour"}, {}, "no column \"colour\""},
      {"ambiguous without case", {"id", "NAME"}, {}, "no column \"NAME\""},
      {"same column twice", {"id", "ID"}, {}, "both go to column \"id\""},
      {"generated column", {"sum"}, {}, "is generated"},
      {"a row where a header should be", {"17", "x"}, {}, "--header=none"},
      {"rename of nothing",
       {"id"},
       {.renames = {{"colour", "name"}}},
       "the file has no column \"colour\""},
  };
  for (const MappingCase& c : cases) {
    try {
      map_by_name(table, c.header, c.options, "f.csv");
      ADD_FAILURE() << c.name << ": accepted";
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::usage, failure.kind());
      EXPECT_NE(std::string::npos, std::string(failure.what()).find(c.complaint))
          << c.name << ": " << failure.what();
    }
  }
}

TEST(Mapping, TakesNamesInAnyOrderExactFirst) {
  const Table table =
      table_of({column("id", oid::int4), column("Name", oid::text), column("name", oid::text)});
  const Mapping mapping = map_by_name(table, {"name", "ID"}, {}, "f.csv");
  EXPECT_EQ(2U, mapping.targets.at(0));
  EXPECT_EQ(0U, mapping.targets.at(1));
  EXPECT_EQ((std::vector<std::string>{"Name"}), mapping.missing);
}

}  // namespace
}  // namespace sluice::tuple

#include "tuple/encoder.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "csv/scanner.hpp"
#include "tuple/tuple_range.hpp"

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

Encoding encode(const EncoderPlan& plan, std::string text, Lanes lanes = Lanes::both) {
  Encoding result;
  csv::ScanState state;
  const std::size_t size = text.size();
  result.text = std::move(text);
  result.text.append(csv::Scanner::padding, '\0');
  csv::Scanner(plan.dialect).scan(result.text.data(), 0, size, state, result.index);
  Encoder(plan).encode(result.input(), result.batch, {0, 1, 0}, lanes);
  return result;
}

/// Those that reading refuses.
std::vector<Reject> rejects_of(const EncoderPlan& plan, const Encoding& e) {
  std::vector<Reject> rejects;
  Encoder encoder(plan);
  encoder.start_search(e.input());
  while (auto hit = encoder.search({})) rejects.push_back(std::get<Reject>(*hit));
  EXPECT_EQ(e.batch.rejects, rejects.size());
  EXPECT_EQ(e.batch.ragged,
            static_cast<std::uint64_t>(std::ranges::count(rejects, true, &Reject::ragged)));
  return rejects;
}

TEST(Encoder, SendsUnusualRecordsDownTheSlowLane) {
  const Table table = table_of({column("a", oid::int4), column("b", oid::text)});
  const EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  const Encoding e = encode(plan, "1,x\n 2,\"tab\there\\\nand\r\"\n3,\n");
  EXPECT_EQ(2U, e.batch.fast.tuples);
  EXPECT_EQ(1U, e.batch.slow.tuples);
  EXPECT_EQ(" 2\ttab\\there\\\\\\nand\\r\n", e.batch.slow.bytes());
  EXPECT_EQ(3U, e.batch.records);
  Encoder search(plan);
  search.start_search(e.input());
  const auto first = search.search({.fast = 1, .slow = 0});
  ASSERT_TRUE(first);
  EXPECT_EQ(LaneName::slow, std::get<FoundRecord>(*first).lane);
  EXPECT_EQ(1U, std::get<FoundRecord>(*first).record);
  EXPECT_EQ(0U, std::get<FoundRecord>(*first).unsure_field);
  const auto second = search.search({.fast = 1, .slow = std::nullopt});
  ASSERT_TRUE(second);
  EXPECT_EQ(LaneName::fast, std::get<FoundRecord>(*second).lane);
  EXPECT_EQ(2U, std::get<FoundRecord>(*second).record);
  EXPECT_FALSE(search.search({}));
  const Encoding text = encode(plan, "1,x\n 2,y\n3,\n", Lanes::only_slow);
  EXPECT_EQ("1\tx\n 2\ty\n3\t\\N\n", std::string(text.batch.slow.bytes()));
  EXPECT_EQ(0U, text.batch.fast.tuples);
  search.start_search(text.input(), Lanes::only_slow);
  const auto last = search.search({.fast = std::nullopt, .slow = 2});
  ASSERT_TRUE(last);
  EXPECT_EQ(2U, std::get<FoundRecord>(*last).record);
}

TEST(Encoder, NumbersItsTuplesIfAsked) {
  const Table table = table_of({column("a", oid::int4)});
  EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  plan.number_records = true;
  const Encoding e = encode(plan, "7\n 8\n9\n");
  EXPECT_EQ(" 8\t1\n", e.batch.slow.bytes());
  const std::string second(e.batch.fast.bytes().substr(e.batch.fast.size - 2 - 12, 12));
  EXPECT_EQ(std::string("\0\0\0\x8\0\0\0\0\0\0\0\x2", 12), second);
}

struct KeyCase {
  std::uint32_t type;
  std::vector<std::string> equal;
  std::string other;
};

/// What a unique index takes for equal has one hash, in both lanes.
TEST(Encoder, EqualKeysHaveEqualHashes) {
  const KeyCase cases[] = {
      {oid::int4, {"7", "007"}, "8"},
      {oid::numeric, {"1.5", "1.50", "1.500000", "01.5"}, "15"},
      {oid::numeric, {"0", "0.00"}, "0.01"},
      {oid::numeric, {"10000", "10000.0"}, "1"},
      {oid::float8, {"0", "-0", "0e5"}, "1"},
      {oid::varchar, {"a", "a ", "a  "}, "b"},
      {oid::text, {"tab\there"}, "tab"},
      {oid::timestamptz,
       {"2024-01-01 12:00:00+00", "2024-01-01 14:00:00+02"},
       "2024-01-01 12:00:01+00"},
  };
  for (const KeyCase& c : cases) {
    const Table table = table_of({column("v", 790 /* money */), column("k", c.type)});
    EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
    KeyField key{.field = 1, .form = key_form_of(table.columns[1].base_type, true)};
    key.encode = plan.fields[1].encode;
    plan.key.fields = {key};
    std::string csv;
    for (const std::string& text : c.equal) csv += ",\"" + text + "\"\n";
    // Money has no codec: these keys are texts.
    Encoding e = encode(plan, csv);
    EXPECT_EQ(c.equal.size(), e.batch.slow.tuples);
    EXPECT_TRUE(e.batch.keys.is_complete) << c.equal[0];
    EXPECT_EQ(1U, e.batch.keys.hashes.size()) << c.equal[0];
    EXPECT_EQ(c.equal.size() > 1, e.batch.keys.may_repeat);
    const std::vector<std::uint64_t> by_text = e.batch.keys.hashes;
    plan.fields[0].encode = codecs::text;
    plan.fast_lane = true;
    e = encode(plan, csv + ",\"" + c.other + "\"\n,\n");
    EXPECT_EQ(c.equal.size() + 2, e.batch.fast.tuples);
    EXPECT_EQ(2U, e.batch.keys.hashes.size()) << c.equal[0];  // NULL is equal to nothing
    EXPECT_EQ(1, std::ranges::count(e.batch.keys.hashes, by_text.at(0)));
    plan.key.nulls_are_equal = true;
    EXPECT_EQ(3U, encode(plan, csv + ",\"" + c.other + "\"\n,\n,\n").batch.keys.hashes.size());
  }
}

TEST(Encoder, TellsWhetherKeysRise) {
  const auto rises = [](std::vector<std::uint32_t> types, const std::string& csv) {
    std::vector<Column> columns;
    for (const std::uint32_t type : types) columns.push_back(column("k", type));
    for (std::size_t i = 0; i < columns.size(); ++i) columns[i].name += std::to_string(i);
    const Table table = table_of(columns);
    EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
    for (std::size_t i = 0; i < types.size(); ++i) {
      const Type& type = table.columns[i].base_type;
      plan.key.fields.push_back({.field = i,
                                 .form = key_form_of(type, true),
                                 .order = key_order_form_of(type),
                                 .encode = plan.fields[i].encode});
    }
    return encode(plan, csv).batch.keys.is_rising;
  };
  EXPECT_TRUE(rises({oid::int4}, "-300\n-1\n0\n1\n255\n256\n70000\n"));
  EXPECT_FALSE(rises({oid::int4}, "1\n3\n2\n"));
  EXPECT_FALSE(rises({oid::int4}, "1\n1\n"));
  EXPECT_FALSE(rises({oid::int4}, "1\n\"\"\n"));
  EXPECT_FALSE(rises({oid::int4}, "1\n 2\n"));  // in two lanes
  EXPECT_TRUE(rises({oid::oid}, "1\n2147483648\n4294967295\n"));
  EXPECT_TRUE(rises({oid::date, oid::int2}, "2024-01-01,5\n2024-01-02,-4\n2024-01-02,3\n"));
  EXPECT_FALSE(rises({oid::date, oid::int2}, "2024-01-01,5\n2024-01-01,4\n"));
  EXPECT_FALSE(rises({oid::text}, "a\nb\n"));  // its order is the collation's
  EXPECT_FALSE(rises({oid::float8}, "1\n2\n"));
}

TEST(Encoder, KeysThatCannotBeComparedMayBeAny) {
  const Table table = table_of({column("k", oid::interval)});
  EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  KeyField key{.field = 0, .form = key_form_of(table.columns[0].base_type, true)};
  key.encode = plan.fields[0].encode;
  plan.key.fields = {key};
  const Encoding e = encode(plan, "1 day\n");
  EXPECT_FALSE(e.batch.keys.is_complete);
  EXPECT_TRUE(e.batch.keys.may_repeat);
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
  const std::vector<Reject> rejects = rejects_of(plan, e);
  ASSERT_EQ(3U, rejects.size());
  EXPECT_EQ(1U, rejects[0].position.record);
  EXPECT_NE(std::string::npos, rejects[0].message.find("missing data for column \"b\""));
  EXPECT_NE(std::string::npos, rejects[1].message.find("extra data after last expected column"));
  EXPECT_EQ(1U, e.batch.tuples());
}

TEST(Encoder, BlankAndShortRecordsFollowThePolicy) {
  const Table table = table_of({column("a", oid::text), column("b", oid::text)});
  struct Case {
    RecordPolicy policy;
    std::uint64_t tuples, rejects, blank_lines;
  };
  const Case cases[] = {
      {{}, 1, 3, 0},
      {{Ragged::pad, BlankLines::record}, 3, 1, 0},
      {{Ragged::pad, BlankLines::skip}, 2, 1, 1},
      {{Ragged::reject, BlankLines::skip}, 1, 2, 1},
      {{Ragged::reject, BlankLines::null}, 2, 2, 0},
      {{Ragged::pad, BlankLines::reject}, 2, 2, 0},
  };
  for (const Case& c : cases) {
    const EncoderPlan plan =
        plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {}, c.policy);
    const Encoding e = encode(plan, "x,y\n\nx\nx,y,z\n");
    EXPECT_EQ(c.tuples, e.batch.tuples());
    EXPECT_EQ(c.rejects, rejects_of(plan, e).size());
    EXPECT_EQ(c.blank_lines, e.batch.blank_lines);
    EXPECT_EQ(4U, e.batch.records);
  }
}

TEST(Encoder, RefusesWhatIsNotUtf8) {
  const Table table = table_of({column("a", oid::text), column("b", oid::int4)});
  const EncoderPlan plan =
      plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {.text_is_utf8 = true});
  const char bytes[] = "\xc3\xa9,1\n\xe9t\xe9,2\nx,\0\ny,4\n";
  const Encoding e = encode(plan, std::string(bytes, sizeof bytes - 1));
  const std::vector<Reject> rejects = rejects_of(plan, e);
  ASSERT_EQ(2U, rejects.size());
  EXPECT_EQ("22021", rejects[0].sql_state);
  EXPECT_EQ("a", rejects[0].column);
  EXPECT_EQ("invalid byte sequence for encoding \"UTF8\": 0xe9 0x74 0xe9", rejects[0].message);
  EXPECT_EQ("b", rejects[1].column);
  EXPECT_EQ("invalid byte sequence for encoding \"UTF8\": 0x00", rejects[1].message);
  EXPECT_EQ(2U, e.batch.fast.tuples);
}

TEST(Encoder, DoubtfulValuesTakeTheSlowLane) {
  Table table = table_of({column("v", oid::varchar), column("n", oid::numeric)});
  table.columns[0].base_type.modifier = 4 + 3;                // varchar(3)
  table.columns[1].base_type.modifier = 4 + ((5 << 16) | 2);  // numeric(5,2)
  table.columns[1].not_null = true;
  const EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  struct Case {
    const char* csv;
    bool is_fast;
  };
  const Case cases[] = {{"abc,1", true},
                        {"abcd,1", false},
                        {"\xc3\xa9\xc3\xa9\xc3\xa9,1", true},
                        {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9,1", false},
                        {"a,999.99", true},
                        {"a,1000", false},
                        {"a,999.996", false},
                        {"a,-998.123456", true},
                        {"a,0000000001", true},
                        {"a,", false},
                        {",-1234.5", false}};
  for (const Case& c : cases) {
    const Encoding e = encode(plan, std::string(c.csv) + "\n");
    EXPECT_EQ(c.is_fast ? 1U : 0U, e.batch.fast.tuples) << c.csv;
    EXPECT_EQ(c.is_fast ? 0U : 1U, e.batch.slow.tuples) << c.csv;
  }
}

TEST(TupleCutter, CutsWhatTheEncoderWrote) {
  const Table table = table_of({column("a", oid::int4), column("b", oid::text)});
  EncoderPlan plan = plan_encoder(table, map_by_position(table), {}, csv::LineEnd::lf, {});
  const auto joined = [](const TupleRange& range) {
    std::string bytes;
    for (const std::string_view piece : range.pieces) bytes += piece;
    return bytes;
  };
  for (const LaneName lane : {LaneName::fast, LaneName::slow}) {
    plan.fast_lane = lane == LaneName::fast;
    const std::string records[] = {"1,x\n", "2,\n", "3,\"a\nb\"\n", "4,long value\n"};
    const Encoding all = encode(plan, records[0] + records[1] + records[2] + records[3]);
    TupleCutter cutter(all.batch, lane);
    for (const auto& [first, end] : {std::pair{0, 4}, {1, 3}, {2, 2}, {3, 4}, {0, 1}}) {
      std::string text;
      for (int i = first; i < end; ++i) text += records[i];
      const Encoding part = encode(plan, text);
      const TupleRange range =
          cutter.cut(static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(end));
      EXPECT_EQ(part.batch.lane(lane).bytes(), joined(range)) << first << " to " << end;
    }
  }
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

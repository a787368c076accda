#include "tuple/value_rules.hpp"

#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "csv/scanner.hpp"
#include "tuple/encoder.hpp"

namespace sluice::tuple {
namespace {

using ::testing::HasSubstr;

struct Bench {
  Table table;
  EncoderPlan plan;

  Bench(const std::vector<std::pair<std::string, std::uint32_t>>& columns,
        const ValueWishes& wishes, csv::Dialect dialect = {}, std::string_view monetary = "C") {
    std::vector<RuledColumn> ruled;
    for (const auto& [name, type] : columns) {
      Column column;
      column.name = name;
      column.base_type.id = type;
      table.columns.push_back(column);
      ruled.push_back({.ignored = false, .name = name, .type = column.base_type});
    }
    if (dialect.escapes_everywhere()) dialect.nulls_between_blanks = wishes.trim != Trim::none;
    plan = plan_encoder(table, map_by_position(table), dialect, csv::LineEnd::lf, {});
    plan.rules = plan_value_rules(wishes, ruled, dialect, monetary);
  }

  /// The tuples as COPY's text has them, and of what is refused why.
  std::string encode(std::string text) const {
    csv::StructuralIndex index;
    csv::ScanState state;
    const std::size_t size = text.size();
    text.append(csv::Scanner::padding, '7');
    csv::Scanner(plan.dialect).scan(text.data(), 0, size, state, index);
    const csv::ParseInput input{text.data(), size, index, false};
    Batch batch;
    Encoder(plan).encode(input, batch, {}, Lanes::only_slow);
    std::string result(batch.slow.bytes());
    Encoder search(plan);
    search.start_search(input);
    while (auto hit = search.search({})) {
      const Reject& reject = std::get<Reject>(*hit);
      result +=
          reject.sql_state + " " + reject.column + " [" + reject.value + "] " + reject.message;
    }
    // What takes the fast lane, and what not, must agree on how many there are.
    Batch fast;
    Encoder(plan).encode(input, fast);
    EXPECT_EQ(batch.slow.tuples, fast.slow.tuples + fast.fast.tuples);
    EXPECT_EQ(batch.rejects, fast.rejects);
    return result;
  }
};

struct Case {
  std::string name;
  std::uint32_t type;
  ValueWishes wishes;
  std::string file;
  std::string tuple;  ///< COPY's text; or a part of why it is refused
  csv::Dialect dialect = {};
};

csv::Dialect nulls(const std::vector<std::string>& texts) {
  return {.null_text = texts.front(), .more_null_texts = {texts.begin() + 1, texts.end()}};
}

csv::Dialect text_format() {
  csv::Dialect dialect = csv::dialect_of({}, csv::Format::text);
  return dialect;
}

const ValueWishes german{.decimal = ",", .thousands = "."};
const ValueWishes comma_alone{.decimal = ","};

std::vector<Case> rule_cases() {
  const ValueWishes trim{.trim = Trim::unquoted};
  const ValueWishes trim_all{.trim = Trim::all};
  const ValueWishes quoted{.null_quoted = true};
  const ValueWishes english{.decimal = {}, .thousands = ","};
  const ValueWishes spaced{.decimal = ",", .thousands = "\u202f"};
  const ValueWishes own{.nulls_for = {"a=-", "a=x=y"}};
  return {
      {"two nulls", oid::text, {}, "NA", "\\N", nulls({"", "NA"})},
      {"two nulls, empty", oid::text, {}, "\n", "\\N", nulls({"NA", ""})},
      {"two nulls, quoted", oid::text, {}, "\"NA\"", "NA", nulls({"", "NA"})},
      {"null replaced", oid::text, {}, "\n", "", nulls({"-", "NA"})},
      {"own null", oid::text, own, "-", "\\N"},
      {"own null with =", oid::text, own, "x=y", "\\N"},
      {"own null quoted", oid::text, own, "\"-\"", "-"},
      {"own null beside empty", oid::text, own, "\n", "\\N"},
      {"null quoted", oid::text, quoted, "\"\"", "\\N"},
      {"null quoted, other", oid::text, quoted, "\"NA\"", "\\N", nulls({"", "NA"})},
      {"null partly quoted", oid::text, quoted, "N\"A\"", "\\N", nulls({"", "NA"})},
      {"null quoted, no null", oid::text, quoted, "\" \"", " "},
      {"trim", oid::text, trim, " \ta b\t ", "a b"},
      {"trim to NULL", oid::text, trim, "  ", "\\N"},
      {"trim to a null text", oid::text, trim, " NA ", "\\N", nulls({"NA"})},
      {"trim to empty", oid::text, trim, "  ", "", nulls({"NA"})},
      {"trim leaves quotes", oid::text, trim, "\" a \"", " a "},
      {"trim all", oid::text, trim_all, "\" a \"", "a"},
      {"trim all to empty", oid::text, trim_all, "\"  \"", ""},
      {"trim all, NULL", oid::text, {.null_quoted = true, .trim = Trim::all}, "\"  \"", "\\N"},
      {"trim no-break space", oid::text, trim, "\u00a0a", "\u00a0a"},
      {"trim text format", oid::text, trim, " \\N ", "\\N", text_format()},
      {"trim text format, no null", oid::text, trim, " \\\\N ", "\\\\N", text_format()},
      {"trim text format, text", oid::text, trim, "  a\\n ", "a\\n", text_format()},
      {"text format, null quoted", oid::text, quoted, "\\\\N", "\\\\N", text_format()},

      {"comma", oid::numeric, comma_alone, "\"1,5\"", "1.5"},
      {"comma, no point", oid::numeric, comma_alone, "1.5", "22P02 a [1.5] not a number"},
      {"comma, only a point", oid::numeric, comma_alone, "1234.567", "--decimal ','"},
      {"comma, none", oid::numeric, comma_alone, "15", "15"},
      {"grouped", oid::numeric, german, "\"-1.234.567,89\"", "-1234567.89"},
      {"grouped whole", oid::numeric, german, "1.234", "1234"},
      {"grouped, long head", oid::numeric, german, "1234.567", "--thousands '.'"},
      {"grouped, short group", oid::numeric, german, "1.23", "22P02"},
      {"grouped, long group", oid::numeric, german, "1.2345", "22P02"},
      {"grouped, empty head", oid::numeric, german, ".234", "22P02"},
      {"grouped behind the point", oid::numeric, german, "\"1,234.567\"", "22P02"},
      {"grouped, zero", oid::numeric, german, "0.123", "22P02"},
      {"ungrouped head", oid::numeric, german, "\"1234,5\"", "1234.5"},
      {"two commas", oid::numeric, german, "\"1,234,567\"", "1,234,567"},
      {"exponent", oid::float8, german, "\"1,5e-3\"", "1.5e-3"},
      {"blanks", oid::numeric, german, "\"  1,5 \"", "1.5"},
      {"no number", oid::numeric, german, "NaN", "NaN"},
      {"a date", oid::numeric, german, "01.02.2024", "22P02"},
      {"no digit", oid::numeric, german, "\",\"", ","},
      {"no fraction", oid::numeric, german, "\"5,\"", "5."},
      {"int grouped", oid::int4, german, "-1.234", "-1234"},
      {"int with a comma", oid::int4, german, "\"1,0\"", "1,0"},
      {"int with a point", oid::int4, german, "1.0", "22P02"},
      {"english", oid::numeric, english, "\"1,234,567.5\"", "1234567.5"},
      {"english, odd group", oid::numeric, english, "\"1,5\"", "1,5"},
      {"narrow space", oid::numeric, spaced, "\"1\u202f234,5\"", "1234.5"},
      {"text is no number", oid::text, {.trim = Trim::unquoted, .decimal = ","}, "1.5", "!"},
      {"money", oid::money, german, "\"1.234,5\"", "1234.5"},
      {"money, odd group", oid::money, english, "\"1,5\"", "22P02"},
      {"money with a sign", oid::money, german, "\"$1,5\"", "22P02"},

      {"yes", oid::boolean, {.booleans = {"Y,N", "ja,nein"}}, "Ja", "t"},
      {"no", oid::boolean, {.booleans = {"Y,N", "ja,nein"}}, "\" N \"", "f"},
      {"neither", oid::boolean, {.booleans = {"Y,N"}}, "on", "on"},
      {"turned round", oid::boolean, {.booleans = {"0,1"}}, "0", "t"},
      {"turned round, other", oid::boolean, {.booleans = {"0,1"}}, "off", "not one of --booleans"},
      {"date", oid::date, {.date_formats = {"DD/MM/YYYY"}}, "3/12/2024", "2024-12-03"},
      {"date, column", oid::date, {.date_formats = {"a=DD/MM/YYYY"}}, "31/01/2024", "2024-01-31"},
      {"date, no such day",
       oid::date,
       {.date_formats = {"DD/MM/YYYY"}},
       "31/02/2024",
       "22007 a [31/02/2024] does not fit --date-format 'DD/MM/YYYY'"},
      {"date, other order", oid::date, {.date_formats = {"DD/MM/YYYY"}}, "12/31/2024", "22007"},
      {"date, short year", oid::date, {.date_formats = {"DD/MM/YYYY"}}, "01/02/24", "22007"},
      {"date, ISO", oid::date, {.date_formats = {"DD/MM/YYYY"}}, "2024-02-03", "2024-02-03"},
      {"date, ISO in the other order",
       oid::date,
       {.date_formats = {"YYYY-DD-MM"}},
       "2024-01-13",
       "22007"},
      {"date, day second", oid::date, {.date_formats = {"YYYY-DD-MM"}}, "2024-13-01", "2024-01-13"},
      {"date, word", oid::date, {.date_formats = {"DD/MM/YYYY"}}, "infinity", "infinity"},
      {"date, rest", oid::date, {.date_formats = {"DD/MM/YYYY"}}, "01/02/2024x", "22007"},
      {"date, digits", oid::date, {.date_formats = {"YYYYMMDD"}}, "20240203", "2024-02-03"},
      {"date, too few digits", oid::date, {.date_formats = {"YYYYMMDD"}}, "2024023", "22007"},
      {"date, name", oid::date, {.date_formats = {"DD Mon YYYY"}}, "3 SEP  2024", "2024-09-03"},
      {"date, long name",
       oid::date,
       {.date_formats = {"Day, DD-Month-YY"}},
       "\"Friday, 3-may-69\"",
       "2069-05-03"},
      {"date, no day", oid::date, {.date_formats = {"MM/YYYY"}}, "02/2024", "2024-02-01"},
      {"date with a time",
       oid::date,
       {.date_formats = {"DD/MM/YYYY HH24:MI"}},
       "01/02/2024 23:59",
       "2024-02-01"},
      {"timestamp",
       oid::timestamp,
       {.date_formats = {"DD.MM.YYYY HH24:MI:SS.US"}},
       "01.02.2024 3:04:05.5",
       "2024-02-01 03:04:05.500000"},
      {"midnight",
       oid::timestamp,
       {.date_formats = {"MM/DD/YYYY HH12:MI AM"}},
       "01/02/2024 12:05 am",
       "2024-01-02 00:05:00"},
      {"noon",
       oid::timestamp,
       {.date_formats = {"MM/DD/YYYY HH12:MI AM"}},
       "01/02/2024 12:05 P.M.",
       "2024-01-02 12:05:00"},
      {"hour 13 of 12",
       oid::timestamp,
       {.date_formats = {"MM/DD/YYYY HH12:MI AM"}},
       "01/02/2024 13:05 PM",
       "22007"},
      {"letters",
       oid::timestamp,
       {.date_formats = {"YYYY\"T\"MM"}},
       "2024T05",
       "2024-05-01 00:00:00"},
      {"offset",
       oid::timestamptz,
       {.date_formats = {"DD/MM/YYYY HH24:MI TZH:TZM"}},
       "01/02/2024 10:00 -03:30",
       "2024-02-01 10:00:00-03:30"},
      {"short offset",
       oid::timestamptz,
       {.date_formats = {"DD/MM/YYYY HH24:MIOF"}},
       "01/02/2024 10:00+02",
       "2024-02-01 10:00:00+02:00"},
      {"no offset",
       oid::timestamptz,
       {.date_formats = {"DD/MM/YYYY HH24:MI"}},
       "01/02/2024 10:00",
       "2024-02-01 10:00:00"},
      {"time", oid::time, {.date_formats = {"HH12:MI PM"}}, "1:02 pm", "13:02:00"},
      {"time of a date", oid::time, {.date_formats = {"DD/MM/YYYY HH24:MI"}}, "10:30", "10:30"},
      {"epoch",
       oid::timestamptz,
       {.date_formats = {"epoch"}},
       "1700000000",
       "2023-11-14 22:13:20+00:00"},
      {"epoch, fraction",
       oid::timestamptz,
       {.date_formats = {"epoch"}},
       "-0.5",
       "1969-12-31 23:59:59.500000+00:00"},
      {"epoch, date", oid::date, {.date_formats = {"epoch"}}, "1700000000", "2023-11-14"},
      {"epoch, timestamp",
       oid::timestamp,
       {.date_formats = {"epoch_ms"}},
       "1700000000123",
       "2023-11-14 22:13:20.123000"},
      {"epoch, too large", oid::timestamp, {.date_formats = {"epoch"}}, "1700000000123", "22007"},
      {"epoch, exponent", oid::timestamp, {.date_formats = {"epoch"}}, "1.7e9", "22007"},
      {"epoch, much too large",
       oid::timestamp,
       {.date_formats = {"epoch"}},
       "99999999999999999999",
       "22007"},
      {"begins as the opposite", oid::boolean, {.booleans = {"fa,x"}}, "true", "22P02"},
  };
}

TEST(ValueRules, WriteWhatTheCodecsAreCertainOf) {
  for (const Case& c : rule_cases()) {
    if (c.tuple == "!") {
      EXPECT_THROW(Bench({{"a", c.type}}, c.wishes), Failure) << c.name;
      continue;
    }
    const std::string got = Bench({{"a", c.type}}, c.wishes, c.dialect).encode(c.file + "\n");
    if (got.starts_with("22")) {
      EXPECT_THAT(got, HasSubstr(c.tuple)) << c.name;
      EXPECT_TRUE(c.tuple.size() > 4) << c.name << ": " << got;
    } else {
      // A blank line is a record of one empty value: two of them here.
      EXPECT_EQ(c.tuple + "\n", got.substr(0, got.find('\n') + 1)) << c.name;
    }
  }
}

TEST(ValueRules, AreNoneWhereNothingIsSaid) {
  EXPECT_FALSE(Bench({{"a", oid::text}}, {}).plan.rules.any());
  EXPECT_FALSE(Bench({{"a", oid::numeric}}, {.decimal = "."}).plan.rules.any());
  EXPECT_FALSE(Bench({{"a", oid::text}}, {}, nulls({"", "NA"})).plan.rules.any());
}

TEST(ValueRules, MakeAValueLongerThanItsRecord) {
  // Texts of one byte: what is written for them has room all the same.
  const Bench bench({{"a", oid::boolean}, {"b", oid::boolean}, {"c", oid::numeric}},
                    {.decimal = ",", .booleans = {"+,-"}});
  std::string file;
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    file += "+,-,7\n";
    expected += "t\tf\t7\n";
  }
  EXPECT_EQ(expected, bench.encode(file));
}

TEST(ValueRules, AreRefusedWhereTheyDoNotFit) {
  struct {
    ValueWishes wishes;
    std::string message;
  } const wrong[] = {
      {{.nulls_for = {"z=1"}},
       "--null-for z=1: the file feeds no column \"z\"\n  the file feeds: a, m"},
      {{.nulls_for = {"a"}}, "--null-for a: write COLUMN=TEXT"},
      {{.null_quoted_columns = {"a", "q"}}, "--null-quoted: the file feeds no column \"q\""},
      {{.decimal = ",,"}, "--decimal: \",,\" is no decimal point"},
      {{.decimal = "5"}, "--decimal"},
      {{.decimal = "-"}, "--decimal"},
      {{.decimal = ",", .thousands = ","}, "must differ"},
      {{.thousands = "."}, "--decimal ,"},
      {{.decimal = ",", .thousands = "ab"}, "--thousands"},
      {{.decimal = ",", .thousands = "1"}, "--thousands"},
      {{.decimal = ","}, "--set lc_monetary=C"},
      {{.booleans = {"Y"}}, "--booleans: \"Y\" is not a pair"},
      {{.booleans = {"Y,N,M"}}, "is not a pair"},
      {{.booleans = {"Y,"}}, "is not a pair"},
      {{.booleans = {"Y,y"}}, "true and false"},
      {{.booleans = {"Y,N", "N,J"}}, "true and false"},
      {{.booleans = {"Y,N"}}, "no column is boolean"},
      {{.date_formats = {"DD/MM/YYYY"}}, "no column has such values"},
      {{.date_formats = {"a=DD/MM/YYYY"}}, "column \"a\" is no date"},
      {{.date_formats = {"A=DD/MM/YYYY"}}, "column \"a\" is no date"},  // as names of a header
      {{.date_formats = {"b=DD/MM/YYYY"}}, "the file feeds no column \"b\""},
      {{.date_formats = {"d=HH24:MI"}}, "needs what the format has not"},
      {{.date_formats = {"d=DD/MM"}}, "has a month, but no year"},
      {{.date_formats = {"d=YYYY HH:MI"}}, "HH12, but no AM"},
      {{.date_formats = {"d=YYYY HH24 AM"}}, "HH24 and AM"},
      {{.date_formats = {"d=YYYY-MM-DDTHH24"}}, "double quotes"},
      {{.date_formats = {"d=YYYY Q"}}, "to_timestamp's words"},
      {{.date_formats = {"d=YYYY YY"}}, "two years"},
      {{.date_formats = {"d=MM MM YYYY"}}, "twice"},
      {{.date_formats = {"d=YYYY \"x"}}, "not closed"},
      {{.date_formats = {"d="}}, "is empty"},
      {{.date_formats = {"d=YYYY-MM-DD TZH"}}, "no place for an offset"},
      {{.date_formats = {"d=YYYY", "d=YYYY"}}, "given twice"},
  };
  for (const auto& [wishes, message] : wrong) {
    std::vector<std::pair<std::string, std::uint32_t>> columns{{"a", oid::text}, {"m", oid::money}};
    if (!wishes.date_formats.empty() && message != "no column has such values")
      columns.emplace_back("d", oid::date);
    try {
      const Bench bench(columns, wishes, {}, "de_DE.UTF-8");
      ADD_FAILURE() << message;
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::usage, failure.kind());
      EXPECT_THAT(failure.what(), HasSubstr(message));
    }
  }
}

}  // namespace
}  // namespace sluice::tuple

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/failure.hpp"
#include "support/dialect_cases.hpp"
#include "unit/chunked.hpp"

namespace sluice::test {
namespace {

ChunkedOptions options_of(const nlohmann::json& one) {
  ChunkedOptions o;
  o.dialect = dialect_of_case(one);
  o.newline = *value_named<csv::Newline>(one["newline"].get<std::string>());
  o.skip_lines = one["skip_lines"];
  o.footer_lines = one["footer"];
  o.record_lines_max = one["lines_max"];
  o.cuts_open_records = one["cuts"];
  return o;
}

/// One record a line, so that what differs is seen.
std::string shown(const std::vector<ChunkedRecord>& records) {
  std::string text;
  for (const ChunkedRecord& record : records) {
    text += std::to_string(record.position.line) + " " +
            std::to_string(record.position.byte_offset) + ":";
    if (record.defect != csv::Defect::none) text += " bad";
    for (const std::string& field : record.fields)
      text += " [" +
              nlohmann::json(field).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
              "]";
    text += "\n";
  }
  return text;
}

std::string expected_of(const nlohmann::json& one) {
  std::vector<ChunkedRecord> records;
  for (const nlohmann::json& each : one["records"]) {
    ChunkedRecord record{{each["byte"], each["line"], 0}, {}, csv::Defect::none};
    if (each["fields"].is_null()) {
      record.defect = csv::Defect::unterminated_quote;
    } else {
      for (const nlohmann::json& field : each["fields"])
        record.fields.push_back(field.is_null() ? "<null>" : from_hex(field));
    }
    records.push_back(std::move(record));
  }
  return shown(records);
}

std::string found_of(const nlohmann::json& one, ChunkedOptions options) {
  try {
    return shown(records_of(from_hex(one["text"]), options));
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

/// For every dialect the records are those of the rules, for every chunk size and form of the scan.
void expect_records_of_rules(const std::vector<nlohmann::json>& cases) {
  for (const nlohmann::json& one : cases) {
    ChunkedOptions options = options_of(one);
    ASSERT_EQ(std::nullopt, csv::defect_of(options.dialect)) << one;
    const bool fails = one["records"].is_null();
    const std::string expected = fails ? "" : expected_of(one);
    for (const std::size_t size : chunk_sizes_of_cases()) {
      options.chunk_bytes = size;
      options.form = size % 2 == 0 ? csv::Scanner::Form::automatic : csv::Scanner::Form::portable;
      const std::string found = found_of(one, options);
      if (fails) {
        ASSERT_NE(std::string::npos, found.find("--max-record-lines")) << size << " " << one;
      } else {
        ASSERT_EQ(expected, found) << "chunks of " << size << ": " << one << "\n"
                                   << from_hex(one["text"]);
      }
    }
  }
}

TEST(DialectProperty, RecordsAreThoseOfTheRulesForEveryChunkSize) {
  const char* const rounds = std::getenv("PGSLUICE_DIALECT_ROUNDS");
  const std::vector<nlohmann::json> cases =
      drawn_cases(17, rounds == nullptr ? 1500 : std::atoi(rounds));
  ASSERT_GE(cases.size(), 1U);
  expect_records_of_rules(cases);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end + 1 - at));
    at = end + 1;
  }
  return lines;
}

/// The kind of file that Pollock calls row_extra_quote: one quote too many, at each place of each
/// of the first and the last records.
TEST(OddQuote, CostsOneLine) {
  std::string text;
  for (int i = 0; i < 14; ++i) {
    const std::string n = std::to_string(i);
    text += n + ",plain " + n + ",\"quoted, " + n + "\",\"say \"\"" + n + "\"\"\",\n";
  }
  const std::vector<std::string> lines = lines_of(text);
  ChunkedOptions options;
  options.cuts_open_records = true;
  const std::vector<ChunkedRecord> all = records_of(text, options);
  ASSERT_EQ(14U, all.size());
  for (const std::size_t broken : {0UL, 1UL, 2UL, 11UL, 12UL, 13UL}) {
    for (std::size_t place = 0; place < lines[broken].size(); ++place) {
      std::string odd;
      for (std::size_t i = 0; i < lines.size(); ++i)
        odd += i == broken ? lines[i].substr(0, place) + "\"" + lines[i].substr(place) : lines[i];
      std::string first;
      for (const std::size_t size : {1UL, 7UL, 40UL, 64UL, 100UL, 4096UL}) {
        options.chunk_bytes = size;
        const std::vector<ChunkedRecord> found = records_of(odd, options);
        ASSERT_EQ(14U, found.size()) << "line " << broken << ", place " << place << "\n" << odd;
        for (std::size_t i = 0; i < found.size(); ++i) {
          const bool is_whole = found[i].defect == csv::Defect::none;
          ASSERT_EQ(i != broken, is_whole) << "line " << broken << ", place " << place;
          if (is_whole) {
            ASSERT_EQ(all[i].fields, found[i].fields);
          }
        }
        if (first.empty()) first = shown(found);
        ASSERT_EQ(first, shown(found)) << "chunks of " << size;
      }
    }
  }
}

TEST(OddQuote, IsAnErrorOfAllThatFollowsWithoutABudget) {
  const std::vector<ChunkedRecord> found = records_of("1,a\n2,\"b\n3,c\n", {});
  ASSERT_EQ(2U, found.size());
  EXPECT_EQ(csv::Defect::unterminated_quote, found[1].defect);
}

TEST(OddQuote, CostsOneLineWhereTheRecordIsTooLarge) {
  std::string text = "1,a\n2,\"b\n";
  for (int i = 3; i < 200; ++i) text += std::to_string(i) + ",\"c\"\n";
  for (const std::size_t size : {1UL, 64UL, 4096UL}) {
    const std::vector<ChunkedRecord> found =
        records_of(text, {.chunk_bytes = size, .record_bytes_max = 100, .cuts_open_records = true});
    ASSERT_EQ(199U, found.size());
    EXPECT_EQ(csv::Defect::too_long, found[1].defect);
    EXPECT_EQ((std::vector<std::string>{"199", "c"}), found[198].fields);
    EXPECT_EQ(199U, found[198].position.line);
    EXPECT_EQ(199U, found[198].position.record);
  }
  EXPECT_THROW(records_of(text, {.chunk_bytes = 64, .record_bytes_max = 100}), Failure);
}

/// Its first line cannot be kept.
TEST(OddQuote, IsAFailureWhereALineIsTooLarge) {
  EXPECT_THROW(records_of("1,\"" + std::string(300, 'x'),
                          {.chunk_bytes = 64, .record_bytes_max = 100, .cuts_open_records = true}),
               Failure);
}

/// A backslash inside quotes hides the quotes of all lines behind, so each would open the rest
/// anew.
TEST(OddQuote, ManyOfThemEndSoon) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "\\\"\n";
  const csv::Dialect dialect{.escape = '\\'};
  const std::vector<ChunkedRecord> found =
      records_of(text, {.dialect = dialect, .cuts_open_records = true});
  EXPECT_EQ(3000U, found.size());
}

}  // namespace
}  // namespace sluice::test

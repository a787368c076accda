#include "csv/parser.hpp"

#include <gtest/gtest.h>

#include "unit/chunked.hpp"

namespace sluice::test {
namespace {

using Fields = std::vector<std::string>;

struct Case {
  const char* name;
  std::string text;
  std::vector<Fields> records;
};

/// What COPY ... (FORMAT csv) reads; each case is parsed at several chunk sizes and with both
/// scanners.
const Case cases[] = {
    {"plain", "a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}},
    {"no line end at the end", "a,b\nc,d", {{"a", "b"}, {"c", "d"}}},
    {"unquoted empty is NULL, quoted empty is empty", "a,,\"\"\n", {{"a", "<null>", ""}}},
    {"blank line is one NULL", "a\n\nb\n", {{"a"}, {"<null>"}, {"b"}}},
    {"separator at the end", "a,\n", {{"a", "<null>"}}},
    {"delimiter and newline in quotes", "\"a,b\nc\",d\n", {{"a,b\nc", "d"}}},
    {"doubled quote", "\"a\"\"b\",\"\"\"\"\n", {{"a\"b", "\""}}},
    {"quotes open and close anywhere", "a\"b,\"c,\"d\"\n", {{"ab,c", "d"}}},
    {"quoted, then bare", "\"a\"b,c\n", {{"ab", "c"}}},
    {"two quoted sections", "\"a\"\"b\"c\"d\",e\n", {{"a\"bcd", "e"}}},
    {"CRLF", "a,b\r\nc,\"d\r\ne\"\r\n", {{"a", "b"}, {"c", "d\r\ne"}}},
    {"CR", "a,b\rc,\"d\re\"\r", {{"a", "b"}, {"c", "d\re"}}},
    {"lone backslash-dot is data", "a\n\\.\nb\n", {{"a"}, {"\\."}, {"b"}}},
    {"backslash means nothing", "a\\,b\\N\n", {{"a\\", "b\\N"}}},
    {"blanks are kept", " a , b \n", {{" a ", " b "}}},
    {"byte-order mark is dropped",
     "\xef\xbb\xbf"
     "a,b\n",
     {{"a", "b"}}},
    {"quoted behind a byte-order mark", "\xef\xbb\xbf\"a\",b\n", {{"a", "b"}}},
    {"not only ASCII", "\xc3\xa9,\"\xe2\x82\xac\"\n", {{"\xc3\xa9", "\xe2\x82\xac"}}},
    {"nothing", "", {}},
};

TEST(Parser, ReadsWhatCopyReads) {
  for (const Case& c : cases) {
    for (const std::size_t chunk_bytes : {1UL, 2UL, 3UL, 5UL, 8UL, 1000UL}) {
      for (const auto form : {csv::Scanner::Form::automatic, csv::Scanner::Form::portable}) {
        std::vector<Fields> records;
        for (const ChunkedRecord& record :
             records_of(c.text, {.chunk_bytes = chunk_bytes, .form = form})) {
          EXPECT_EQ(csv::Defect::none, record.defect) << c.name;
          records.push_back(record.fields);
        }
        EXPECT_EQ(c.records, records) << c.name << ", chunks of " << chunk_bytes;
      }
    }
  }
}

TEST(Parser, NullTextIsNullOnlyUnquoted) {
  ChunkedOptions options;
  options.dialect.null_text = "NA";
  const auto records = records_of("NA,\"NA\",,NAN\n", options);
  EXPECT_EQ((Fields{"<null>", "NA", "", "NAN"}), records.at(0).fields);
}

TEST(Parser, EscapeOtherThanQuote) {
  ChunkedOptions options;
  options.dialect.escape = '\\';
  for (const std::size_t chunk_bytes : {1UL, 4UL, 1000UL}) {
    options.chunk_bytes = chunk_bytes;
    const auto records = records_of("\"a\\\"b\",\"c\\\\\",\"d\\e\"\n\"x\\\"\n\",\\y,z\n", options);
    ASSERT_EQ(2U, records.size());
    EXPECT_EQ((Fields{"a\"b", "c\\", "d\\e"}), records[0].fields);
    EXPECT_EQ((Fields{"x\"\n", "\\y", "z"}), records[1].fields);
  }
}

TEST(Parser, OtherDelimiterAndQuote) {
  ChunkedOptions options;
  options.dialect.delimiter = '\t';
  options.dialect.quote = '\'';
  options.dialect.escape = '\'';
  EXPECT_EQ((Fields{"a\tb", "c\"", "<null>"}), records_of("'a\tb'\tc\"\t\n", options).at(0).fields);
}

TEST(Parser, NamesDefects) {
  struct {
    std::string text;
    std::size_t record;
    csv::Defect defect;
  } const defects[] = {
      {"a,b\nc\rd,e\nf,g\n", 1, csv::Defect::stray_carriage_return},
      {"a,b\nc,d\r\ne,f\n", 1, csv::Defect::stray_carriage_return},
      {"a,b\r\nc,d\ne,f\r\n", 1, csv::Defect::stray_line_feed},
      {"a,b\r\nc\rd\r\n", 1, csv::Defect::stray_carriage_return},
      {"a,b\rc,d\ne\r", 1, csv::Defect::stray_line_feed},
      {"a,b\n\"c,d\ne\n", 1, csv::Defect::unterminated_quote},
      {"a,b\r\nc,d\r", 1, csv::Defect::stray_carriage_return},
  };
  for (const auto& c : defects) {
    for (const std::size_t chunk_bytes : {1UL, 3UL, 1000UL}) {
      const auto records = records_of(c.text, {.chunk_bytes = chunk_bytes});
      ASSERT_GT(records.size(), c.record) << c.text;
      EXPECT_EQ(csv::Defect::none, records[0].defect) << c.text;
      EXPECT_EQ(c.defect, records[c.record].defect) << c.text << ", chunks of " << chunk_bytes;
    }
  }
}

}  // namespace
}  // namespace sluice::test

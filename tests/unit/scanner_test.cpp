#include "csv/scanner.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sluice::csv {
namespace {

StructuralIndex scan(const Dialect& dialect, std::string text, Scanner::Form form, std::size_t step,
                     ScanState state = {}, ScanState* end_state = nullptr,
                     LineEnd line_end = LineEnd::lf) {
  const std::size_t size = text.size();
  text.append(Scanner::padding, '"');  // what stands behind the end must not matter
  const Scanner scanner(dialect, form, line_end);
  StructuralIndex index;
  for (std::size_t begin = 0; begin < size; begin += step) {
    scanner.scan(text.data(), begin, std::min(size, begin + step), state, index);
  }
  if (end_state != nullptr) *end_state = state;
  return index;
}

TEST(Scanner, FindsSeparatorsOutsideQuotesAndOpeningQuotes) {
  EXPECT_EQ((StructuralIndex{1, 2, 7, 10}),
            scan({}, "a,\"b,\n\"\"c\"\nd", Scanner::Form::portable, 100));
}

TEST(Scanner, EscapeCountsInsideQuotesOnly) {
  Dialect dialect;
  dialect.escape = '\\';
  EXPECT_EQ((StructuralIndex{2, 3, 10}),
            scan(dialect, "a\\,\"b\\\",\n\"\nc", Scanner::Form::portable, 100));
}

/// All forms agree on any bytes with the state machine, however they are cut into stretches.
TEST(Scanner, FormsAgree) {
  std::mt19937 random(7);
  const std::string alphabet = "ab,\"\"\n\r;\\ ||";
  for (int round = 0; round < 1500; ++round) {
    std::string text(std::uniform_int_distribution<std::size_t>(0, 400)(random), 'x');
    for (char& c : text)
      c = alphabet[std::uniform_int_distribution<std::size_t>(0, alphabet.size() - 1)(random)];
    Dialect dialect;
    if (round % 3 == 0) dialect.delimiter = ';';
    if (round % 3 == 1) dialect.delimiter = *Delimiter::of(round % 2 == 0 ? "||" : "|a|");
    if (round % 5 == 1) dialect.quote = dialect.escape = Dialect::none;
    if (round % 5 >= 2) {
      dialect.escape = '\\';
      dialect.escapes = round % 5 == 2 ? Escapes::text : Escapes::everywhere;
      if (round % 5 != 3) dialect.quote = Dialect::none;
    }
    const LineEnd line_end = round % 7 < 3 ? LineEnd::any : LineEnd::lf;
    ScanState expected_state;
    StructuralIndex expected;
    detail::scan_bytewise(dialect, text.data(), 0, text.size(), expected_state, expected);
    for (const std::size_t step : {1UL, 7UL, 63UL, 64UL, 65UL, 1000UL}) {
      for (const Scanner::Form form : {Scanner::Form::portable, Scanner::Form::automatic}) {
        ScanState state;
        ASSERT_EQ(expected, scan(dialect, text, form, step, {}, &state, line_end))
            << Scanner(dialect, form).form() << " " << step << "\n"
            << text;
        EXPECT_NE("bytewise", std::string(Scanner(dialect, form).form()));
        if (line_end == LineEnd::any) {
          EXPECT_EQ(expected_state.pairs, state.pairs);
        }
        EXPECT_EQ(expected_state.in_quotes, state.in_quotes);
        EXPECT_EQ(expected_state.line_feeds, state.line_feeds);
        EXPECT_EQ(expected_state.carriage_returns, state.carriage_returns);
        EXPECT_EQ(expected_state.quotes, state.quotes);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::csv

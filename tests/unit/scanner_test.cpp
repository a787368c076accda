#include "csv/scanner.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sluice::csv {
namespace {

StructuralIndex scan(const Dialect& dialect, std::string text, Scanner::Form form,
                     std::size_t step) {
  const std::size_t size = text.size();
  text.append(Scanner::padding, '"');  // what stands behind the end must not matter
  const Scanner scanner(dialect, form);
  StructuralIndex index;
  ScanState state;
  for (std::size_t begin = 0; begin < size; begin += step) {
    scanner.scan(text.data(), begin, std::min(size, begin + step), state, index);
  }
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

/// Both forms agree on any bytes, however they are cut into stretches.
TEST(Scanner, FormsAgree) {
  std::mt19937 random(7);
  const std::string alphabet = "ab,\"\"\n\r;\\ ";
  for (int round = 0; round < 300; ++round) {
    std::string text(std::uniform_int_distribution<std::size_t>(0, 400)(random), 'x');
    for (char& c : text)
      c = alphabet[std::uniform_int_distribution<std::size_t>(0, alphabet.size() - 1)(random)];
    Dialect dialect;
    if (round % 3 == 0) dialect.delimiter = ';';
    const StructuralIndex expected = scan(dialect, text, Scanner::Form::portable, 1);
    for (const std::size_t step : {1UL, 7UL, 63UL, 64UL, 65UL, 1000UL}) {
      EXPECT_EQ(expected, scan(dialect, text, Scanner::Form::portable, step));
      EXPECT_EQ(expected, scan(dialect, text, Scanner::Form::automatic, step))
          << Scanner(dialect).form();
    }
  }
}

}  // namespace
}  // namespace sluice::csv

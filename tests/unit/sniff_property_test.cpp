#include <gmock/gmock.h>

#include <random>

#include "sniff/dialect.hpp"

namespace sluice::sniff {
namespace {

using Table = std::vector<std::vector<std::string>>;

/// A drawn table, as a drawn dialect writes it.
class DrawnFile {
 public:
  explicit DrawnFile(std::uint32_t number) : random_(number) {
    dialect_.delimiter =
        *csv::Delimiter::of(pick<std::string>({",", ",", ";", "\t", "|", "||", "\x1f"}));
    const int quoting = draw(0, 3);
    if (quoting == 1) dialect_.escapes = csv::Escapes::everywhere;
    if (quoting == 1) dialect_.escape = '\\';
    if (quoting == 2) dialect_.quote = dialect_.escape = csv::Dialect::none;
    line_end_ = pick<std::string>({"\n", "\n", "\r\n"});
    const int columns = draw(2, 9);
    const int rows = draw(8, 60);
    std::vector<int> kinds;
    for (int i = 0; i < columns; ++i) kinds.push_back(draw(0, 6));
    if (draw(0, 3) > 0) {
      table_.emplace_back();
      for (int i = 0; i < columns; ++i) table_.back().push_back("name" + std::to_string(i));
    }
    for (int row = 0; row < rows; ++row) {
      table_.emplace_back();
      for (const int kind : kinds) table_.back().push_back(value(kind));
    }
  }

  const Table& table() const { return table_; }
  const csv::Dialect& dialect() const { return dialect_; }

  std::string text() {
    std::string text;
    for (const auto& row : table_) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (i > 0) text += dialect_.delimiter.text();
        text += written(row[i]);
      }
      text += line_end_;
    }
    return text;
  }

 private:
  int draw(int least, int most) { return std::uniform_int_distribution(least, most)(random_); }
  template <class T>
  T pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(draw(0, static_cast<int>(from.size()) - 1))];
  }

  std::string value(int kind) {
    if (draw(0, 9) == 0) return "";
    switch (kind) {
      case 0: return std::to_string(draw(-9, 100'000));
      case 1: return std::to_string(draw(0, 999)) + "." + std::to_string(draw(10, 99));
      case 2: return "2025-1" + std::to_string(draw(0, 2)) + "-" + std::to_string(draw(10, 28));
      case 3: return pick<std::string>({"true", "false"});
      case 4: return pick<std::string>({"red", "green", "blue", "Ann Lee", "B. Ray"});
      case 5: return std::to_string(draw(10, 23)) + ":" + std::to_string(draw(10, 59)) + ":00";
      default: break;
    }
    static const std::vector<std::string> odd{"to be, or not", "a; b",     "say \"hi\"",
                                              "x|y",           "don't",    "5\" pipe",
                                              "two\nlines",    "tab\there"};
    return draw(0, 2) == 0 ? pick(odd) : "note " + std::to_string(draw(1, 99));
  }

  std::string written(const std::string& value) {
    const std::string special = std::string(dialect_.delimiter.text()) + "\"\r\n" +
                                (dialect_.escapes_everywhere() ? "\\" : "");
    const bool needs = value.find_first_of(special) != std::string::npos;
    if (!dialect_.has_quotes()) return needs ? "plain" : value;
    if (!needs && draw(0, 9) > 0) return value;
    std::string made = "\"";
    for (const char c : value) {
      if (c == '"') made += dialect_.escape;
      made += c;
    }
    return made + "\"";
  }

  std::mt19937 random_;
  csv::Dialect dialect_;
  std::string line_end_;
  Table table_;
};

Table read(const Sample& sample, const csv::Dialect& dialect, csv::LineEnd line_end) {
  Table table;
  sample.read(dialect, line_end, [&](const csv::Record& record) {
    table.emplace_back();
    for (const csv::Field& field : record.fields) table.back().emplace_back(field.view());
    return true;
  });
  return table;
}

/// What a dialect wrote is read as it was, or refused; it is hardly ever read as something else.
TEST(SniffedDialect, IsFoundAgain) {
  static constexpr std::uint32_t cases = 1000;
  std::size_t refused = 0;
  std::vector<std::uint32_t> misread;
  for (std::uint32_t number = 0; number < cases; ++number) {
    DrawnFile drawn(number);
    const Sample sample(drawn.text(), true);
    const csv::LineEnd line_end = sample.bytes().find("\r\n") != std::string_view::npos
                                      ? csv::LineEnd::crlf
                                      : csv::LineEnd::lf;
    const Table truth = read(sample, drawn.dialect(), line_end);
    const Readings found = find_dialect(sample);
    if (!found.are_sure()) {
      ++refused;
      continue;
    }
    const Reading& best = found.all.front();
    if (read(sample, best.dialect, best.line_end) != truth || best.skip_lines != 0)
      misread.push_back(number);
  }
  RecordProperty("refused", static_cast<int>(refused));
  EXPECT_LE(misread.size(), cases / 500) << ::testing::PrintToString(misread);
  EXPECT_LE(refused, cases / 100);
}

}  // namespace
}  // namespace sluice::sniff

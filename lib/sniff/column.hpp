#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "csv/parser.hpp"
#include "sniff/distinct.hpp"
#include "sniff/value_kind.hpp"

namespace sluice::sniff {

/// The type that stores every value of a column unchanged in meaning, and what has to be said to
/// load it.
struct ColumnType {
  std::string sql = "text";
  bool decimal_comma = false;      ///< --decimal ,
  std::string thousands;           ///< --thousands
  std::string date_format;         ///< --date-format, for this column
  std::vector<std::string> nulls;  ///< words that are NULL, as they stand in the file
  bool null_quoted = false;        ///< some of what is NULL stands in quotes
  std::string why_text;            ///< where it is text, though it looks like something else
};

/// What the values of one column have been, in one pass over them.
class Column {
 public:
  /// A value as the parser has it.
  void add(const csv::Field& field);
  /// A value that a load takes for no value.
  void add_missing();
  /// A value that nothing but text can store as it is, whatever it looks like.
  void add_text(const csv::Field& field);
  /// What another part of the same column has had.
  void merge(const Column& other);

  ColumnType type() const;

  std::uint64_t values() const { return values_; }
  std::uint64_t empty() const { return count(Kind::empty); }
  std::uint64_t null_words() const { return count(Kind::null_word); }
  std::uint64_t distinct() const { return distinct_.estimate(); }
  std::size_t longest() const { return longest_; }
  /// Of numbers by their value, of all else by their bytes; empty where there are none.
  const std::string& smallest() const { return smallest_; }
  const std::string& largest() const { return largest_; }
  const std::vector<std::string>& examples() const { return examples_; }
  /// Whether a value of this kind was seen.
  bool has(Kind kind) const { return count(kind) > 0; }
  std::uint64_t count(Kind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

 private:
  static constexpr std::size_t examples_max = 3;
  static constexpr std::size_t null_words_max = 8;

  bool only(std::initializer_list<Kind> these) const;
  bool note_null_word(const std::string& word);
  void note_number(Kind kind, std::string_view text);
  void note_date(const LocalDate& date);
  void note_extremes(Kind kind, std::string_view text);
  std::optional<ColumnType> number_type() const;
  std::optional<ColumnType> local_date_type() const;
  std::optional<std::string> plain_type() const;
  std::string why_text() const;

  std::uint64_t values_ = 0;
  std::array<std::uint64_t, kinds> counts_{};
  std::map<std::string, std::uint64_t> null_texts_;
  std::uint8_t boolean_words_ = 0;   ///< pairs: true and false, t and f, yes and no
  bool points_are_groups_ = true;    ///< each decimal could be groups of thousands: 1.234
  bool has_point_groups_ = false;    ///< and there is one
  bool groups_are_certain_ = false;  ///< a comma between groups can be no decimal one
  std::size_t digits_max_ = 0;       ///< of a decimal
  std::optional<LocalDate> date_;
  bool dates_differ_ = false;
  std::uint64_t with_blanks_ = 0;
  bool has_quoted_missing_ = false;
  std::size_t longest_ = 0;
  Distinct distinct_;
  std::optional<double> smallest_number_;
  std::optional<double> largest_number_;
  std::string smallest_;
  std::string largest_;
  std::vector<std::string> examples_;
  std::string first_text_;  ///< the first value that is nothing but a text
};

}  // namespace sluice::sniff

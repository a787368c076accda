#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "csv/parser.hpp"
#include "sniff/distinct.hpp"
#include "sniff/extremes.hpp"
#include "sniff/few_values.hpp"
#include "sniff/histogram.hpp"
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

/// What is found out of a column beside its type.
enum class Detail : std::uint8_t {
  none,
  quickly,  ///< nothing, but values that come again are known, which takes some memory
  all,      ///< how many are different, and how they are spread
};

/// What the values of one column have been, in one pass over them. Parts of it that are merged in
/// their order are what one pass over all of it says.
class Column {
 public:
  Column() = default;
  explicit Column(Detail detail) : detail_(detail) {}

  /// A value as the parser has it.
  void add(const csv::Field& field);
  /// A value that a load takes for no value.
  void add_missing();
  /// A value that nothing but text can store as it is, whatever it looks like.
  void add_text(const csv::Field& field);
  /// What the part of the same column behind this one has had.
  void merge(const Column& other);

  ColumnType type() const;

  std::uint64_t values() const { return values_; }
  std::uint64_t empty() const { return count(Kind::empty); }
  std::uint64_t null_words() const { return count(Kind::null_word); }
  /// About how many are different; 0 where nobody has counted.
  std::uint64_t distinct() const { return distinct_.estimate(); }
  std::size_t longest() const { return longest_; }
  /// Of numbers by their value, of all else by their bytes; empty where there are none.
  const std::string& smallest() const { return extremes_.smallest(); }
  const std::string& largest() const { return extremes_.largest(); }
  /// How numbers are spread, or dates and times, in seconds.
  const Histogram& spread() const { return spread_; }
  const FewValues& few_values() const { return few_; }
  const std::vector<std::string>& examples() const { return examples_; }
  /// Whether a value of this kind was seen.
  bool has(Kind kind) const { return count(kind) > 0; }
  std::uint64_t count(Kind kind) const;

 private:
  static constexpr std::size_t examples_max = 3;
  static constexpr std::size_t null_words_max = 8;

  bool only(std::initializer_list<Kind> these) const;
  /// There are more of them than words that mean nothing.
  bool are_null_words_texts() const { return null_texts_.size() > null_words_max; }
  void add_new(const csv::Field& field);
  void note_value(const Classified& found, std::string_view text);
  void note_number(Kind kind, std::string_view text);
  void note_date(const LocalDate& date);
  std::optional<ColumnType> number_type() const;
  std::optional<ColumnType> local_date_type() const;
  std::optional<std::string> plain_type() const;
  std::string why_text() const;

  Detail detail_ = Detail::all;
  std::uint64_t values_ = 0;
  std::array<std::uint64_t, kinds> counts_{};
  FewValues few_;
  std::set<std::string> null_texts_;
  std::uint8_t boolean_words_ = 0;   ///< pairs: true and false, t and f, yes and no
  bool points_are_groups_ = true;    ///< each decimal could be groups of thousands: 1.234
  bool has_point_groups_ = false;    ///< and there is one
  bool groups_are_certain_ = false;  ///< a comma between groups can be no decimal one
  bool has_negative_zero_ = false;
  bool has_long_decimals_ = false;  ///< of more digits than a double keeps
  std::optional<LocalDate> date_;
  bool dates_differ_ = false;
  std::uint64_t with_blanks_ = 0;
  bool has_quoted_missing_ = false;
  std::size_t longest_ = 0;
  Distinct distinct_;
  Extremes extremes_;
  Histogram spread_;
  std::vector<std::string> examples_;
  std::string first_text_;  ///< the first value that is nothing but a text
};

}  // namespace sluice::sniff

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.hpp"
#include "base/names.hpp"
#include "base/position.hpp"
#include "csv/parser.hpp"
#include "tuple/boolean_rule.hpp"
#include "tuple/date_rule.hpp"
#include "tuple/decimal_rule.hpp"

namespace sluice::tuple {

/// Around which values blanks do not count.
enum class Trim { none, unquoted, all };
/// `none` has none: it is what COPY does.
constexpr auto names_of(Trim) {
  return std::array{Named{Trim::unquoted, "unquoted"}, Named{Trim::all, "all"}};
}

/// What a user says of what texts mean, as the flags have it.
struct ValueWishes {
  std::vector<std::string> nulls_for;  ///< COLUMN=TEXT
  bool null_quoted = false;            ///< in all columns, or in those
  std::vector<std::string> null_quoted_columns;
  Trim trim = Trim::none;
  std::string decimal;                    ///< empty: a point
  std::string thousands;                  ///< empty: none
  std::vector<std::string> booleans;      ///< TRUE,FALSE
  std::vector<std::string> date_formats;  ///< FORMAT or COLUMN=FORMAT
  std::vector<std::string> added;         ///< COLUMN=VALUE
};

/// What is done to the values of a CSV column, in this order. A rule only writes a text in a form
/// that the codecs are certain of; a text that it does not know is left to the server, unless the
/// server could take it for another value.
struct FieldRules {
  Trim trim = Trim::none;
  bool null_quoted = false;
  std::vector<std::string> own_nulls;          ///< of this column alone
  std::vector<std::string> null_texts;         ///< unquoted, that the parser has not looked for
  std::vector<std::string> quoted_null_texts;  ///< in quotes
  std::optional<DecimalRule> decimal;
  std::optional<BooleanRule> boolean;
  std::optional<DateRule> date;

  bool any() const {
    return trim != Trim::none || null_quoted || !null_texts.empty() || decimal || boolean || date;
  }
};

/// A value that is not in the file.
struct AddedValue {
  /// What is another value for each record.
  enum class Each { nothing, record, line };

  std::string column;
  std::uint32_t type = 0;     ///< pg_type.oid
  std::string wish;           ///< as the user has it
  std::string text;           ///< what is stored, with codec_padding bytes behind it
  std::size_t size = 0;       ///< of the text without them
  Each each = Each::nothing;  ///< that is stored instead
};

/// What is done to a record's values behind the parser, and in front of the codecs.
struct ValueRules {
  std::vector<FieldRules> fields;  ///< one per CSV column; empty where there is nothing to do
  std::vector<AddedValue> added;   ///< fields behind those of the file

  bool any() const { return !fields.empty() || !added.empty(); }
  /// Whether the line of each record is asked for.
  bool tell_lines() const;
};

/// What a column is to the rules.
struct RuledColumn {
  bool ignored = false;
  std::string name;
  Type type;
};

/// Throws Failure(usage) for a rule whose column does not exist, or has no such values.
/// `monetary` is the session's lc_monetary.
ValueRules plan_value_rules(const ValueWishes& wishes, const std::vector<RuledColumn>& columns,
                            const csv::Dialect& dialect, std::string_view monetary);

/// What --add can say of a load.
struct LoadWords {
  std::string file;  ///< the name of the source, as it was given
  std::string path;  ///< where it is
  std::string now;   ///< when the load began: 2024-01-02 03:04:05.678901+00
};

/// The values that are added, for columns that the file does not feed: those of `fed` it does.
/// Throws Failure(usage).
std::vector<AddedValue> plan_added_values(const std::vector<std::string>& wishes,
                                          const Table& table, const std::vector<RuledColumn>& fed);
/// The word for the load's number.
inline constexpr std::string_view load_word = ":load";

/// Fills in what they are in this load, but for its number.
void fill_in(std::vector<AddedValue>& added, const LoadWords& words);
/// Fills in that, once it is known.
void fill_in(std::vector<AddedValue>& added, LoadId load);

/// Applies the rules to one record after the other; allocates nothing once it is warm.
class ValueRewriter {
 public:
  /// `rules` must outlive it.
  explicit ValueRewriter(const ValueRules& rules) : rules_(rules), any_(rules.any()) {}

  bool any() const { return any_; }

  /// Gives the record, which has that number in the source and begins in that line (where it is
  /// asked for), other fields, which live until the next one. False where a value is refused.
  bool rewrite(csv::Record& record, std::uint64_t number, std::uint64_t line);

  /// Of the record that was rewritten last: how many bytes its texts may have become longer.
  std::size_t bytes_written() const { return used_ + bytes_added_; }
  /// Its fields as they are in the file.
  std::span<const csv::Field> original() const { return original_; }
  std::size_t refused_field() const { return refused_field_; }
  std::string why_refused() const;
  std::string_view refused_sql_state() const;

 private:
  bool rewrite(const FieldRules& rules, csv::Field& field);
  void add_values(std::uint64_t number, std::uint64_t line);

  const ValueRules& rules_;
  bool any_;
  std::span<const csv::Field> original_;
  std::vector<csv::Field> fields_;
  Buffer scratch_;
  std::size_t used_ = 0;
  std::size_t bytes_added_ = 0;
  std::size_t refused_field_ = 0;
};

}  // namespace sluice::tuple

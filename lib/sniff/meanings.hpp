#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/buffer.hpp"
#include "csv/dialect.hpp"
#include "sniff/column.hpp"
#include "tuple/value_rules.hpp"

namespace sluice::sniff {

/// What the values of a file are when the rules of a load have been applied to them. A rule for
/// numbers, booleans or dates acts on columns of such types alone: here on the values that it
/// knows, so that a column of nothing else gets such a type.
class Meanings {
 public:
  /// `names` are the columns as the table calls them. Throws Failure(usage) for wishes that are
  /// none.
  Meanings(const tuple::ValueWishes& wishes, const csv::Dialect& dialect,
           const std::vector<std::string>& names);

  /// The value of that column of the file.
  void add(std::size_t column, csv::Field field, Column& to);

 private:
  bool is_null(const tuple::FieldRules& rules, csv::Field& field) const;
  bool add_rewritten(std::size_t column, const csv::Field& field, Column& to);
  static bool add_date(const tuple::Rewriting& rewriting, Column& to);
  static bool take(const tuple::Rewriting& rewriting, bool would_be, const csv::Field& field,
                   Column& to);

  std::vector<tuple::FieldRules> rules_;  ///< one per column, or none
  std::optional<tuple::DecimalRule> decimal_;
  std::optional<tuple::BooleanRule> boolean_;
  std::optional<tuple::DateRule> date_;                ///< of all columns
  std::vector<std::optional<tuple::DateRule>> dates_;  ///< of each
  bool empty_is_null_ = false;                         ///< outside quotes
  Buffer scratch_;
};

}  // namespace sluice::sniff

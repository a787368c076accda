#include "sniff/meanings.hpp"

#include <algorithm>
#include <cstring>

#include "tuple/codec.hpp"

namespace sluice::sniff {
namespace {

using tuple::Rewriting;

std::vector<tuple::FieldRules> rules_for_texts(tuple::ValueWishes wishes,
                                               const csv::Dialect& dialect,
                                               const std::vector<std::string>& names) {
  wishes.decimal.clear();
  wishes.thousands.clear();
  wishes.booleans.clear();
  wishes.date_formats.clear();
  std::vector<tuple::RuledColumn> columns;
  for (const std::string& name : names)
    columns.push_back({.ignored = false, .name = name, .type = {.id = tuple::oid::text}});
  return tuple::plan_value_rules(wishes, columns, dialect, {}).fields;
}

std::optional<tuple::DecimalRule> decimal_rule_of(const tuple::ValueWishes& wishes,
                                                  const csv::Dialect& dialect) {
  if (wishes.decimal.empty() && wishes.thousands.empty()) return std::nullopt;
  const tuple::ValueWishes numbers{.decimal = wishes.decimal, .thousands = wishes.thousands};
  const std::vector<tuple::RuledColumn> column{
      {.ignored = false, .name = "number", .type = {.id = tuple::oid::numeric}}};
  const tuple::ValueRules rules = tuple::plan_value_rules(numbers, column, dialect, {});
  return rules.fields.empty() ? std::nullopt : rules.fields.front().decimal;
}

/// In the form that has a place for all of it.
tuple::DateRule date_rule_of(const std::string& format) {
  using Form = tuple::DateRule::Form;
  tuple::DateRule rule = tuple::date_rule_of(format);
  const bool is_instant = rule.epoch != tuple::DateRule::Epoch::none || rule.has_offset();
  if (is_instant)
    rule.form = Form::timestamptz;
  else if (rule.has_date())
    rule.form = rule.has_time() ? Form::timestamp : Form::date;
  else
    rule.form = Form::time;
  return rule;
}

csv::Field field_of(std::string_view text) {
  return {.text = text.data(), .size = static_cast<std::uint32_t>(text.size())};
}

bool is_number(Kind kind) { return kind >= Kind::integer && kind <= Kind::special; }

bool is_date(Kind kind) { return kind >= Kind::date && kind <= Kind::local_date; }

bool is_whole_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, tuple::is_digit);
}

}  // namespace

Meanings::Meanings(const tuple::ValueWishes& wishes, const csv::Dialect& dialect,
                   const std::vector<std::string>& names)
    : rules_(rules_for_texts(wishes, dialect, names)),
      decimal_(decimal_rule_of(wishes, dialect)),
      dates_(names.size()) {
  if (!wishes.booleans.empty()) boolean_ = tuple::boolean_rule_of(wishes.booleans);
  for (const std::string& wish : wishes.date_formats) {
    const auto named = std::ranges::find_if(
        names, [&](const std::string& name) { return wish.starts_with(name + "="); });
    if (named != names.end())
      dates_[static_cast<std::size_t>(named - names.begin())] =
          date_rule_of(wish.substr(named->size() + 1));
    else if (!wish.contains('='))
      date_ = date_rule_of(wish);
  }
  empty_is_null_ = dialect.null_text.empty() ||
                   std::ranges::find(dialect.more_null_texts, "") != dialect.more_null_texts.end();
}

void Meanings::add(std::size_t column, csv::Field field, Column& to) {
  if (field.null || (!rules_.empty() && is_null(rules_[column], field))) return to.add_missing();
  // An empty text is nothing to other types, unless --null-quoted says that it is NULL.
  if (field.size == 0 && !(field.quoted && empty_is_null_)) return to.add_text(field);
  if (!add_rewritten(column, field, to)) to.add(field);
}

/// With the blanks away that the rules take away.
bool Meanings::is_null(const tuple::FieldRules& rules, csv::Field& field) const {
  if (rules.trim == tuple::Trim::all || (rules.trim == tuple::Trim::unquoted && !field.quoted)) {
    const std::string_view text = csv::without_blanks(field.view());
    field.text = text.empty() ? field.text : text.data();
    field.size = static_cast<std::uint32_t>(text.size());
  }
  const std::vector<std::string>& nulls = field.quoted ? rules.quoted_null_texts : rules.null_texts;
  return std::ranges::find(nulls, field.view()) != nulls.end();
}

bool Meanings::add_rewritten(std::size_t column, const csv::Field& field, Column& to) {
  const std::optional<tuple::DateRule>& of_column = dates_[column];
  // What has digits alone is a number, unless its column was named.
  const bool may_be_date = date_ && !of_column && !is_whole_number(field.view());
  if (field.size == 0 || (!decimal_ && !boolean_ && !of_column && !may_be_date)) return false;
  const std::size_t size = field.size;
  scratch_.reserve(2 * (size + tuple::codec_padding) + tuple::rewriting_slack);
  char* const text = scratch_.bytes();
  std::memcpy(text, field.text, size);
  std::memset(text + size, 0, tuple::codec_padding);
  const std::string_view copy(text, size);
  char* const out = text + size + tuple::codec_padding;
  // Whoever names a column says what it is; a value that does not fit is the load's to refuse.
  if (of_column) return add_date(of_column->rewrite(copy, out), to);
  const Kind kind = classify(csv::without_blanks(copy)).kind;
  return (decimal_ && take(decimal_->rewrite(copy, out), is_number(kind), field, to)) ||
         (boolean_ && take(boolean_->rewrite(copy), kind == Kind::boolean, field, to)) ||
         (may_be_date && take(date_->rewrite(copy, out), is_date(kind), field, to));
}

bool Meanings::add_date(const Rewriting& rewriting, Column& to) {
  if (rewriting.kind == Rewriting::Kind::as_is) return false;
  if (rewriting.kind == Rewriting::Kind::refused)
    to.add_missing();
  else
    to.add(field_of(rewriting.text));
  return true;
}

/// False where the rule leaves it as it is. `would_be`: without the rule it is what the rule is
/// about.
bool Meanings::take(const Rewriting& rewriting, bool would_be, const csv::Field& field,
                    Column& to) {
  if (rewriting.kind == Rewriting::Kind::rewritten) {
    to.add(field_of(rewriting.text));
    return true;
  }
  if (rewriting.kind == Rewriting::Kind::as_is || !would_be) return false;
  to.add_text(field);
  return true;
}

}  // namespace sluice::sniff

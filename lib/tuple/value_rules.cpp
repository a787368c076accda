#include "tuple/value_rules.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/failure.hpp"
#include "base/sql_state.hpp"
#include "csv/dialect.hpp"
#include "tuple/codec.hpp"
#include "tuple/likeness.hpp"

namespace sluice::tuple {
namespace {

Failure usage(std::string message) { return {FailureKind::usage, std::move(message)}; }

/// From the wishes, flag by flag.
class Planning {
 public:
  Planning(const ValueWishes& wishes, const std::vector<RuledColumn>& columns,
           const csv::Dialect& dialect)
      : wishes_(wishes), columns_(columns), dialect_(dialect), rules_{} {
    rules_.fields.resize(columns.size());
  }

  ValueRules plan(std::string_view monetary) {
    add_trim();
    add_nulls();
    add_decimal(monetary);
    add_booleans();
    add_dates();
    if (std::ranges::none_of(rules_.fields, &FieldRules::any)) rules_.fields.clear();
    return std::move(rules_);
  }

 private:
  template <class Do>
  void for_all(Do to_do) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (!columns_[i].ignored) to_do(rules_.fields[i], columns_[i]);
  }

  std::string fed_columns() const {
    std::vector<std::string_view> names;
    for (const RuledColumn& column : columns_)
      if (!column.ignored) names.push_back(column.name);
    return fmt::format("\n  the file feeds: {}", fmt::join(names, ", "));
  }

  /// As --map finds a column of the file.
  std::optional<std::size_t> find(std::string_view name) const {
    std::vector<std::string> names;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].ignored) continue;
      names.emplace_back(columns_[i].name);
      places.push_back(i);
    }
    const auto found = find_named(names, std::string(name));
    return found ? std::optional(places[*found]) : std::nullopt;
  }

  std::size_t require(const std::string& flag, std::string_view name) const {
    if (const auto found = find(name)) return *found;
    throw usage(fmt::format("{}: the file feeds no column \"{}\"{}", flag, name, fed_columns()));
  }

  /// COLUMN=TEXT, where either may have a = in it.
  std::pair<std::size_t, std::string> split(const std::string& flag,
                                            const std::string& text) const {
    for (std::size_t at = text.find('='); at != std::string::npos; at = text.find('=', at + 1))
      if (const auto found = find(text.substr(0, at))) return {*found, text.substr(at + 1)};
    const std::size_t at = text.find('=');
    if (at == std::string::npos) throw usage(flag + " " + text + ": write COLUMN=TEXT");
    return {require(flag + " " + text, text.substr(0, at)), {}};
  }

  void add_trim() {
    for_all([this](FieldRules& rules, const RuledColumn&) { rules.trim = wishes_.trim; });
  }

  bool is_dialects_null(const std::string& text) const {
    return text == dialect_.null_text ||
           std::ranges::find(dialect_.more_null_texts, text) != dialect_.more_null_texts.end();
  }

  void add_nulls() {
    for (const std::string& text : wishes_.nulls_for) {
      auto [at, null_text] = split("--null-for", text);
      rules_.fields[at].own_nulls.push_back(std::move(null_text));
    }
    if (wishes_.null_quoted)
      for_all([](FieldRules& rules, const RuledColumn&) { rules.null_quoted = true; });
    for (const std::string& name : wishes_.null_quoted_columns)
      rules_.fields[require("--null-quoted", name)].null_quoted = true;
    for_all([this](FieldRules& rules, const RuledColumn&) { collect_nulls(rules); });
  }

  void collect_nulls(FieldRules& rules) const {
    std::vector<std::string>& own = rules.own_nulls;
    std::erase_if(own, [this](const std::string& text) { return is_dialects_null(text); });
    std::ranges::sort(own);
    const auto repeated = std::ranges::unique(own);
    own.erase(repeated.begin(), repeated.end());
    rules.null_texts = own;
    std::vector<std::string> all = own;
    all.push_back(dialect_.null_text);
    std::ranges::copy(dialect_.more_null_texts, std::back_inserter(all));
    if (rules.null_quoted) rules.quoted_null_texts = all;
    // Where escapes count everywhere, the parser compares what stands in the file, blanks or not.
    if (rules.trim != Trim::none && !dialect_.escapes_everywhere()) rules.null_texts = all;
  }

  char decimal_point() const {
    if (wishes_.decimal.empty()) return '.';
    const char c = wishes_.decimal.front();
    const bool is_word = is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (wishes_.decimal.size() == 1 && c > ' ' && c < 0x7f && !is_word && c != '+' && c != '-')
      return c;
    throw usage("--decimal: \"" + wishes_.decimal +
                "\" is no decimal point; write one character such as ,");
  }

  void require_thousands(char decimal) const {
    const std::string& text = wishes_.thousands;
    if (text.empty()) return;
    if (text.front() == decimal) {
      throw usage(wishes_.decimal.empty()
                      ? "--thousands .: say too what stands in front of decimals: --decimal ,"
                      : "--thousands and --decimal must differ");
    }
    const auto is_no_separator = [](char c) {
      return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && (c & '\x80') == 0) ||
             c == '+' || c == '-' || c == '\n' || c == '\r' || c == '\0';
    };
    const bool is_one = text.size() == 1 || (text.size() <= 4 && (text.front() & '\x80') != 0);
    if (!is_one || std::ranges::any_of(text, is_no_separator)) {
      throw usage("--thousands: \"" + text +
                  "\" cannot stand between digits; write one character such as .");
    }
  }

  void add_decimal(std::string_view monetary) {
    if (wishes_.decimal.empty() && wishes_.thousands.empty()) return;
    const char decimal = decimal_point();
    require_thousands(decimal);
    if (decimal == '.' && wishes_.thousands.empty()) return;
    bool is_any = false;
    for_all([&](FieldRules& rules, const RuledColumn& column) {
      const auto numbers = numbers_of(column.type);
      if (!numbers) return;
      is_any = true;
      if (*numbers == DecimalRule::Numbers::money) require_point(column, monetary);
      rules.decimal =
          DecimalRule{.decimal = decimal, .thousands = wishes_.thousands, .numbers = *numbers};
    });
    if (!is_any) {
      throw usage(std::string(wishes_.decimal.empty() ? "--thousands" : "--decimal") +
                  ": no column has numbers" + fed_columns());
    }
  }

  /// What is written for money means what its locale says.
  static void require_point(const RuledColumn& column, std::string_view monetary) {
    if (monetary.starts_with("en_") || monetary == "POSIX" || monetary == "C" ||
        monetary.starts_with("C."))
      return;
    throw usage(
        fmt::format("--decimal: column \"{}\" is of type money, which is read as "
                    "lc_monetary, {}, has it; write --set lc_monetary=C too",
                    column.name, monetary));
  }

  void add_booleans() {
    if (wishes_.booleans.empty()) return;
    const BooleanRule rule = boolean_rule_of(wishes_.booleans);
    bool is_any = false;
    for_all([&](FieldRules& rules, const RuledColumn& column) {
      if (column.type.id != oid::boolean) return;
      is_any = true;
      rules.boolean = rule;
    });
    if (!is_any) throw usage("--booleans: no column is boolean" + fed_columns());
  }

  void add_dates() {
    std::optional<DateRule> of_all;
    for (const std::string& text : wishes_.date_formats) {
      if (text.contains('=')) {
        const auto [at, format] = split("--date-format", text);
        if (rules_.fields[at].date) throw usage("--date-format " + text + ": given twice");
        rules_.fields[at].date = rule_for(columns_[at], date_rule_of(format));
        continue;
      }
      if (of_all) throw usage("--date-format " + text + ": given twice without a column");
      of_all = date_rule_of(text);
    }
    if (of_all) add_date_for_all(*of_all);
  }

  void add_date_for_all(const DateRule& rule) {
    bool is_any = false;
    for_all([&](FieldRules& rules, const RuledColumn& column) {
      if (rules.date || !fits(rule, date_form_of(column.type))) return;
      is_any = true;
      rules.date = rule_for(column, rule);
    });
    if (!is_any)
      throw usage("--date-format " + rule.format + ": no column has such values" + fed_columns());
  }

  static bool fits(const DateRule& rule, std::optional<DateRule::Form> form) {
    if (!form) return false;
    return *form == DateRule::Form::time ? rule.has_time() : rule.has_date();
  }

  static DateRule rule_for(const RuledColumn& column, DateRule rule) {
    const auto form = date_form_of(column.type);
    const std::string what = "--date-format " + rule.format + ": column \"" + column.name + "\" ";
    if (!form) throw usage(what + "is no date, time, timestamp or timestamptz");
    if (!fits(rule, form)) throw usage(what + "needs what the format has not");
    if (rule.has_offset() && *form != DateRule::Form::timestamptz)
      throw usage(what + "has no place for an offset: only timestamptz has");
    rule.form = *form;
    return rule;
  }

  const ValueWishes& wishes_;
  const std::vector<RuledColumn>& columns_;
  const csv::Dialect& dialect_;
  ValueRules rules_;
};

void trim(csv::Field& field) {
  const std::string_view text = csv::without_blanks(field.view());
  field.text = text.empty() ? field.text : text.data();
  field.size = static_cast<std::uint32_t>(text.size());
}

Rewriting rewrite_value(const FieldRules& rules, std::string_view text, char* out) {
  if (rules.decimal) return rules.decimal->rewrite(text, out);
  if (rules.boolean) return rules.boolean->rewrite(text);
  if (rules.date) return rules.date->rewrite(text, out);
  return {};
}

/// In front of the texts that stand for something else.
constexpr char word_mark = ':';

void require_known(const std::string& wish, std::string_view value) {
  static constexpr std::array<std::string_view, 6> words{":file",   ":path",   ":line",
                                                         ":record", load_word, ":now"};
  if (!value.starts_with(word_mark) || value.starts_with("::") ||
      std::ranges::find(words, value) != words.end())
    return;
  throw usage(fmt::format("--add {}: \"{}\" is not known; write {}, or :{} for that text itself",
                          wish, value, fmt::join(words, ", "), value));
}

/// Without what the type has no place for.
std::string_view now_for(std::uint32_t type, std::string_view now) {
  if (type == oid::date) return now.substr(0, now.find(' '));
  return type == oid::timestamp ? now.substr(0, now.rfind('+')) : now;
}

void set_text(AddedValue& added, std::string_view text) {
  added.text.assign(text);
  added.size = text.size();
  added.text.resize(added.size + codec_padding);
}

}  // namespace

ValueRules plan_value_rules(const ValueWishes& wishes, const std::vector<RuledColumn>& columns,
                            const csv::Dialect& dialect, std::string_view monetary) {
  return Planning(wishes, columns, dialect).plan(monetary);
}

std::vector<AddedValue> plan_added_values(const std::vector<std::string>& wishes,
                                          const Table& table, const std::vector<RuledColumn>& fed) {
  std::vector<AddedValue> added;
  for (const std::string& wish : wishes) {
    const std::size_t at = wish.find('=');
    const auto found =
        at == std::string::npos ? std::nullopt : table.find(std::string_view(wish).substr(0, at));
    if (!found) {
      std::vector<std::string_view> names;
      for (const Column& column : table.columns) names.push_back(column.name);
      throw usage(fmt::format("--add {}: {} has no such column; write COLUMN=VALUE\n  table: {}",
                              wish, table.full_name(), fmt::join(names, ", ")));
    }
    const Column& column = table.columns[*found];
    if (column.generated)
      throw usage("--add " + wish + ": the column is generated and takes no values");
    if (std::ranges::any_of(fed, [&](const RuledColumn& other) {
          return !other.ignored && other.name == column.name;
        })) {
      throw usage("--add " + wish +
                  ": the file feeds that column; leave it out with --skip-column, or write --map");
    }
    if (std::ranges::find(added, column.name, &AddedValue::column) != added.end())
      throw usage("--add " + wish + ": given twice");
    require_known(wish, std::string_view(wish).substr(at + 1));
    added.push_back({.column = column.name,
                     .type = column.base_type.id,
                     .wish = wish.substr(at + 1),
                     .text = {}});
  }
  return added;
}

void fill_in(std::vector<AddedValue>& added, const LoadWords& words) {
  for (AddedValue& value : added) {
    const std::string_view wish = value.wish;
    value.each = wish == ":record" ? AddedValue::Each::record
                 : wish == ":line" ? AddedValue::Each::line
                                   : AddedValue::Each::nothing;
    if (value.each != AddedValue::Each::nothing || wish == load_word) continue;
    set_text(value, wish == ":file"   ? std::string_view(words.file)
                    : wish == ":path" ? std::string_view(words.path)
                    : wish == ":now"  ? now_for(value.type, words.now)
                                      : wish.substr(wish.starts_with("::") ? 1 : 0));
  }
}

void fill_in(std::vector<AddedValue>& added, LoadId load) {
  for (AddedValue& value : added)
    if (value.wish == load_word) set_text(value, std::to_string(load.value));
}

bool ValueRules::tell_lines() const {
  return std::ranges::find(added, AddedValue::Each::line, &AddedValue::each) != added.end();
}

bool ValueRewriter::rewrite(csv::Record& record, std::uint64_t number, std::uint64_t line) {
  original_ = record.fields;
  fields_.assign(original_.begin(), original_.end());
  fields_.resize(original_.size() + rules_.added.size());
  record.fields = fields_;
  used_ = bytes_added_ = 0;
  scratch_.reserve(record.end - record.begin + fields_.size() * rewriting_slack + codec_padding);
  add_values(number, line);
  for (std::size_t i = 0; i < rules_.fields.size(); ++i) {
    if (fields_[i].null || rewrite(rules_.fields[i], fields_[i])) continue;
    refused_field_ = i;
    return false;
  }
  return true;
}

void ValueRewriter::add_values(std::uint64_t number, std::uint64_t line) {
  csv::Field* field = fields_.data() + original_.size();
  for (const AddedValue& added : rules_.added) {
    field->text = added.text.data();
    field->size = static_cast<std::uint32_t>(added.size);
    if (added.each != AddedValue::Each::nothing) {
      const std::uint64_t count = added.each == AddedValue::Each::line ? line : number;
      char* const out = scratch_.bytes() + used_;
      field->text = out;
      field->size =
          static_cast<std::uint32_t>(std::to_chars(out, out + rewriting_slack, count).ptr - out);
      used_ += field->size;
    } else {
      bytes_added_ += added.size;
    }
    ++field;
  }
}

bool ValueRewriter::rewrite(const FieldRules& rules, csv::Field& field) {
  if (rules.trim == Trim::all || (rules.trim == Trim::unquoted && !field.quoted)) trim(field);
  const std::vector<std::string>& nulls = field.quoted ? rules.quoted_null_texts : rules.null_texts;
  if (std::ranges::find(nulls, field.view()) != nulls.end()) {
    field.null = true;
    return true;
  }
  char* const out = scratch_.bytes() + used_;
  const Rewriting rewriting = rewrite_value(rules, field.view(), out);
  if (rewriting.kind == Rewriting::Kind::refused) return false;
  if (rewriting.kind == Rewriting::Kind::as_is) return true;
  field.text = rewriting.text.data();
  field.size = static_cast<std::uint32_t>(rewriting.text.size());
  if (field.text == out) used_ += field.size;
  return true;
}

std::string ValueRewriter::why_refused() const {
  const FieldRules& rules = rules_.fields[refused_field_];
  if (rules.decimal) return rules.decimal->why_refused();
  return rules.boolean ? rules.boolean->why_refused() : rules.date->why_refused();
}

std::string_view ValueRewriter::refused_sql_state() const {
  return rules_.fields[refused_field_].date ? sql_state::invalid_datetime_format
                                            : sql_state::invalid_text_representation;
}

}  // namespace sluice::tuple

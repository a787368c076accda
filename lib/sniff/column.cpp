#include "sniff/column.hpp"

#include <algorithm>

#include "csv/dialect.hpp"
#include "sniff/local_date.hpp"

namespace sluice::sniff {
namespace {

/// What a double keeps.
constexpr std::ptrdiff_t double_digits = 15;

std::uint8_t pair_of(std::string_view word) {
  if (word.size() >= 4 || word == "false" || word == "FALSE") return 1;
  if (word.size() == 1) return 2;
  return 4;
}

/// Of a decimal: three digits behind the point, and one to three in front of it: 1.234.
bool may_be_group(std::string_view text) {
  const std::size_t begin = text.front() == '-' ? 1 : 0;
  if (text.size() < begin + 5 || text.size() > begin + 7 || text[begin] == '0') return false;
  return text[text.size() - 4] == '.';
}

/// -0.0: a sign that integers and numeric do not keep.
bool is_negative_zero(std::string_view text) {
  return text.starts_with('-') && text.find_first_not_of("0.", 1) == std::string_view::npos;
}

/// 1,234,567 or 1,234.50
bool is_certain_group(std::string_view text) {
  return text.find('.') != std::string_view::npos || std::ranges::count(text, ',') > 1;
}

/// What the server reads with blanks around it, as it is.
bool may_have_blanks(const ColumnType& type) {
  const bool is_rewritten =
      type.decimal_comma || !type.thousands.empty() || !type.date_format.empty();
  return type.sql == "text" || (!is_rewritten && type.sql != "uuid" && type.sql != "inet");
}

std::string shortened(std::string_view text) { return std::string(shown_part_of(text)); }

}  // namespace

void Column::add(const csv::Field& field) {
  ++values_;
  FewValues::Value* const known = few_.find(field.view(), field.quoted);
  if (known == nullptr) return add_new(field);
  ++known->times;
  ++counts_[static_cast<std::size_t>(known->kind)];
  if (known->has_blanks) ++with_blanks_;
  if (known->number && detail_ == Detail::all) spread_.add(*known->number);
}

void Column::add_new(const csv::Field& field) {
  const std::string_view all = field.view();
  const std::string_view text = csv::without_blanks(all);
  longest_ = std::max(longest_, all.size());
  Classified found = classify(text);
  const bool is_missing = found.kind == Kind::empty || found.kind == Kind::null_word;
  const bool has_blanks = text.size() != all.size();
  // Blanks around it make it a text of its own.
  if (is_missing && has_blanks) found.kind = Kind::text;
  ++counts_[static_cast<std::size_t>(found.kind)];
  if (detail_ != Detail::none && few_.are_few()) {
    few_.add({.text = std::string(all.substr(0, FewValues::bytes_max + 1)),
              .quoted = field.quoted,
              .kind = found.kind,
              .has_blanks = has_blanks,
              .number = found.number,
              .times = 1});
  }
  if (found.kind == Kind::null_word) null_texts_.emplace(all);
  if (found.kind != Kind::empty && detail_ == Detail::all) distinct_.add(all);
  if (is_missing && found.kind != Kind::text) {
    has_quoted_missing_ |= field.quoted;
    return;
  }
  if (has_blanks) ++with_blanks_;
  if (examples_.size() < examples_max) {
    const std::string example = shortened(all);
    if (std::ranges::find(examples_, example) == examples_.end()) examples_.push_back(example);
  }
  if (found.kind == Kind::text && first_text_.empty()) first_text_ = shortened(all);
  note_value(found, text);
}

void Column::note_value(const Classified& found, std::string_view text) {
  if (found.kind == Kind::boolean) boolean_words_ |= pair_of(text);
  if (found.kind == Kind::local_date) note_date(found.date);
  note_number(found.kind, text);
  if (found.kind >= Kind::integer && found.kind <= Kind::exponent && found.number)
    extremes_.add_number(text, *found.number);
  else
    extremes_.add_text(text);
  if (found.number && detail_ == Detail::all) spread_.add(*found.number);
}

void Column::add_missing() {
  ++values_;
  ++counts_[static_cast<std::size_t>(Kind::empty)];
}

void Column::add_text(const csv::Field& field) {
  ++values_;
  ++counts_[static_cast<std::size_t>(Kind::text)];
  longest_ = std::max<std::size_t>(longest_, field.size);
  few_.give_up();
  if (detail_ == Detail::all) distinct_.add(field.view());
  if (first_text_.empty()) first_text_ = shortened(field.view());
}

std::uint64_t Column::count(Kind kind) const {
  const std::uint64_t counted = counts_[static_cast<std::size_t>(kind)];
  if (!are_null_words_texts()) return counted;
  if (kind == Kind::null_word) return 0;
  return counted + (kind == Kind::text ? counts_[static_cast<std::size_t>(Kind::null_word)] : 0);
}

void Column::note_number(Kind kind, std::string_view text) {
  if (kind == Kind::decimal) {
    has_negative_zero_ |= is_negative_zero(text);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    has_long_decimals_ |=
        text.size() > double_digits && std::ranges::count_if(text, is_digit) > double_digits;
    if (may_be_group(text))
      has_point_groups_ = true;
    else
      points_are_groups_ = false;
  }
  if (kind == Kind::comma && text.find('.') != std::string_view::npos) has_point_groups_ = true;
  if (kind == Kind::grouped && is_certain_group(text)) groups_are_certain_ = true;
}

void Column::note_date(const LocalDate& date) {
  if (!date_) {
    date_ = date;
    return;
  }
  if (!date_->is_like(date)) dates_differ_ = true;
  date_->orders &= date.orders;
  date_->time_parts = std::max(date_->time_parts, date.time_parts);
  date_->has_fraction |= date.has_fraction;
}

void Column::merge(const Column& other) {
  values_ += other.values_;
  for (std::size_t i = 0; i < kinds; ++i) counts_[i] += other.counts_[i];
  few_.merge(other.few_);
  null_texts_.insert(other.null_texts_.begin(), other.null_texts_.end());
  boolean_words_ |= other.boolean_words_;
  points_are_groups_ &= other.points_are_groups_;
  has_point_groups_ |= other.has_point_groups_;
  groups_are_certain_ |= other.groups_are_certain_;
  has_long_decimals_ |= other.has_long_decimals_;
  has_negative_zero_ |= other.has_negative_zero_;
  dates_differ_ |= other.dates_differ_;
  if (other.date_) note_date(*other.date_);
  with_blanks_ += other.with_blanks_;
  has_quoted_missing_ |= other.has_quoted_missing_;
  longest_ = std::max(longest_, other.longest_);
  distinct_.merge(other.distinct_);
  extremes_.merge(other.extremes_);
  spread_.merge(other.spread_);
  if (first_text_.empty()) first_text_ = other.first_text_;
  for (const std::string& example : other.examples_)
    if (examples_.size() < examples_max && std::ranges::find(examples_, example) == examples_.end())
      examples_.push_back(example);
}

/// Whether all values that are any are of these kinds, and there is one.
bool Column::only(std::initializer_list<Kind> these) const {
  std::uint64_t of_these = 0;
  for (const Kind kind : these) of_these += count(kind);
  return of_these > 0 && of_these + count(Kind::empty) + count(Kind::null_word) == values_;
}

std::optional<ColumnType> Column::number_type() const {
  using enum Kind;
  // No other number has it; digits beyond those of a double are worth more.
  if (has_negative_zero_ && only({integer, decimal, exponent, special}) && !has_long_decimals_)
    return ColumnType{.sql = "double precision"};
  if (only({integer})) return ColumnType{.sql = "integer"};
  if (only({integer, bigint})) return ColumnType{.sql = "bigint"};
  if (only({integer, bigint, huge, decimal})) return ColumnType{.sql = "numeric"};
  if (only({integer, decimal, exponent, special}))
    return ColumnType{.sql = has_long_decimals_ ? "numeric" : "double precision"};
  if (only({integer, bigint, decimal, grouped}) && has(grouped) && groups_are_certain_)
    return ColumnType{.sql = "numeric", .thousands = ","};
  if (only({integer, bigint, decimal, comma, grouped}) && has(comma) && !groups_are_certain_ &&
      (!has(decimal) || points_are_groups_))
    return ColumnType{
        .sql = "numeric", .decimal_comma = true, .thousands = has_point_groups_ ? "." : ""};
  return std::nullopt;
}

std::optional<ColumnType> Column::local_date_type() const {
  if (!only({Kind::local_date}) || dates_differ_) return std::nullopt;
  const std::uint8_t orders = date_->orders;
  if (orders != DateOrder::dmy && orders != DateOrder::mdy && orders != DateOrder::ymd)
    return std::nullopt;
  return ColumnType{.sql = date_->time_parts == 0 ? "date" : "timestamp",
                    .date_format = format_of(*date_)};
}

std::optional<std::string> Column::plain_type() const {
  using enum Kind;
  const bool is_one_pair = boolean_words_ == 1 || boolean_words_ == 2 || boolean_words_ == 4;
  if (only({boolean}) && is_one_pair) return "boolean";
  if (only({date})) return "date";
  if (only({date, timestamp})) return "timestamp";
  if (only({timestamptz})) return "timestamptz";
  if (only({time})) return "time";
  if (only({timetz})) return "timetz";
  if (only({uuid})) return "uuid";
  if (only({inet})) return "inet";
  if (only({json})) return "json";
  return std::nullopt;
}

std::string Column::why_text() const {
  using enum Kind;
  if (only({integer, bigint, grouped}) && has(grouped))
    return "1,234 may be 1234 or 1.234: --thousands , or --decimal , says which";
  if (only({integer, bigint, decimal, comma, grouped}) && has(comma))
    return "both commas and points are between digits";
  if (only({local_date}) && date_->orders != 0 && !dates_differ_)
    return "no value tells in which order day, month and year are: --date-format says it";
  if (only({local_date})) return "dates are written in several ways";
  if (only({time, timetz}) || only({timestamp, timestamptz, date}))
    return "some times have an offset, and some have none";
  // Nearly all of them are something else.
  static constexpr std::uint64_t share = 20;
  const std::uint64_t texts = count(text);
  if (texts == 0 || texts * share > values_ - count(empty) - count(null_word)) return {};
  Column others = *this;
  others.values_ -= texts;
  others.counts_[static_cast<std::size_t>(text)] = 0;
  if (are_null_words_texts()) {
    others.counts_[static_cast<std::size_t>(null_word)] = 0;
    others.null_texts_.clear();
  }
  const std::string type = others.type().sql;
  if (type == "text") return {};
  return "all but " + std::to_string(texts) + " of its values are " + type +
         "; the first other is " +
         (first_text_.empty() && are_null_words_texts() ? *null_texts_.begin() : first_text_);
}

ColumnType Column::type() const {
  ColumnType type;
  if (const std::optional<ColumnType> number = number_type())
    type = *number;
  else if (const std::optional<ColumnType> date = local_date_type())
    type = *date;
  else if (const std::optional<std::string> plain = plain_type())
    type.sql = *plain;
  else
    type.why_text = why_text();
  if (with_blanks_ > 0 && !may_have_blanks(type)) {
    const std::string what = type.sql;
    type = {};
    type.why_text = "blanks are around values that are " + what + " without them: see --trim";
  }
  if (type.sql == "text") return type;
  type.nulls.assign(null_texts_.begin(), null_texts_.end());
  type.null_quoted = has_quoted_missing_;
  return type;
}

}  // namespace sluice::sniff

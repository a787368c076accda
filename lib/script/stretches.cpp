#include "script/stretches.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "script/foresight.hpp"

namespace sluice::script {
namespace {

std::string_view part_of(std::string_view text, const Unit& unit) {
  return text.substr(unit.begin, unit.end - unit.begin);
}

Lexed lex(std::string_view text, const PartOf& part, bool is_last) {
  return is_last ? lex_sql(text, part) : lex_whole(text, part);
}

/// Throws Failure{usage} for the first statement that no transaction may hold.
void require_transactional(const Script& script, const Stretch& stretch) {
  for (std::size_t i = 0; i < stretch.units.size(); ++i) {
    const std::string what = needs_no_transaction(stretch.units[i], stretch.unit(i));
    if (what.empty()) continue;
    throw Failure(FailureKind::usage,
                  at(script, stretch.units[i].place) + ": " + what +
                      " cannot run in a transaction, and this file is one; a file with such a "
                      "statement says, in front of its first one: -- pgsluice: no-transaction");
  }
}

/// The place of the first unit of which the values make more or fewer.
Place place_of_other_units(const Stretch& stretch, const Substitution& substitution) {
  for (const Unit& unit : stretch.written_units) {
    const std::string_view text = part_of(stretch.written, unit);
    const std::string sql = substitution.apply(text, lex_sql(text).colons);
    if (units_of(lex_sql(sql)).size() != 1) return unit.place;
  }
  return stretch.begin;
}

/// The progress of such a file is counted in its own statements, whatever the values are.
void require_same_units(const Script& script, const Stretch& stretch,
                        const Substitution& substitution) {
  if (script.directives.in_transaction || stretch.units.size() == stretch.written_units.size())
    return;
  throw Failure(FailureKind::usage,
                at(script, place_of_other_units(stretch, substitution)) +
                    ": the value of a placeholder makes more or fewer statements of this; in a "
                    "file with no-transaction a value stands inside of one statement");
}

}  // namespace

std::string_view Stretch::unit(std::size_t index) const { return part_of(sql, units[index]); }

std::optional<std::string_view> Stretch::written_unit(std::size_t index) const {
  if (written.empty()) return unit(index);
  if (written_units.size() != units.size()) return std::nullopt;
  return part_of(written, written_units[index]);
}

Place Stretch::place_of(std::size_t offset) const {
  return places.of(behind(begin, std::string_view(sql).substr(0, offset)));
}

Stretches::Stretches(const Script& script)
    : script_(script), frame_(script), written_frame_(script) {
  fill();
}

Stretches::Stretches(const Script& script, const Placeholders& values, std::size_t part_bytes)
    : script_(script),
      substitution_(std::in_place, script, values),
      part_bytes_(part_bytes),
      frame_(script),
      written_frame_(script) {
  fill();
}

std::optional<Stretch> Stretches::next() {
  while (!data().empty()) {
  }
  if (is_over_) return std::nullopt;
  for (;;) {
    if (std::optional<Stretch> stretch = take()) {
      fill();
      return stretch;
    }
    grow();
  }
}

PartOf Stretches::part() const {
  return {.begin = at_,
          .is_behind_statements = units_before_ > 0,
          .keeps_transactions = !script_.directives.in_transaction};
}

/// What of the window is whole; nothing where no unit is.
std::optional<Stretch> Stretches::take() {
  Lexed written = lex(window_, part(), is_read_);
  // Behind data another stretch comes.
  const bool is_last = is_read_ && !written.data_begin;
  const std::size_t end = is_last ? window_.size() : written.whole_end;
  if (end == 0 && !is_last) return std::nullopt;
  Stretch stretch{.begin = at_,
                  .units_before = units_before_,
                  .is_first = is_first_,
                  .is_last = is_last,
                  .written = {},
                  .written_units = {}};
  if (!substitution_ || substitution_->is_empty()) {
    stretch.sql = window_.substr(0, end);
    frame_.take_out(written, stretch.sql, is_last);
    stretch.written_units = units_of(written);
    stretch.units = stretch.written_units;
    if (substitution_) judge(script_, written);
  } else {
    stretch.written = window_.substr(0, end);
    stretch.places = WrittenPlaces(at_);
    stretch.sql = substitution_->apply(stretch.written, written.colons, stretch.places);
    Lexed lexed = lex(stretch.sql, part(), is_last);
    // A value may have opened a quote, which ends later.
    if (!is_last && lexed.whole_end != stretch.sql.size()) return std::nullopt;
    stretch.places.apply_to(lexed);
    frame_.take_out(lexed, stretch.sql, is_last);
    judge(script_, lexed);
    stretch.units = units_of(lexed);
    written_frame_.take_out(written, stretch.written, is_last);
    stretch.written_units = units_of(written);
    require_same_units(script_, stretch, *substitution_);
  }
  stretch.has_data = written.data_begin.has_value();
  in_data_ = stretch.has_data;
  if (in_data_) copy_ = stretch.units.back().place;
  window_.erase(0, end);
  at_ = written.whole_end_place;
  units_before_ += stretch.units.size();
  is_first_ = false;
  is_over_ = is_last;
  return stretch;
}

/// Reads on until it is there, or the file has ended.
std::size_t Stretches::end_of_data_line(std::size_t begin) {
  std::size_t end = window_.find('\n', begin);
  while (end == std::string::npos && !is_read_) {
    if (window_.size() - begin >= limits::script_statement_bytes_max) {
      throw Failure(FailureKind::usage, at(script_, behind(at_, window_.substr(0, begin))) +
                                            ": a line of data is longer than " +
                                            format_bytes(limits::script_statement_bytes_max));
    }
    const std::size_t seen = window_.size();
    is_read_ = !file_->read(window_, part_bytes_);
    end = window_.find('\n', seen);
  }
  return std::min(end, window_.size());
}

std::string_view Stretches::data() {
  constexpr std::string_view end_of_data = "\\.";
  data_.clear();
  std::size_t taken = 0;
  std::size_t passed = 0;
  while (in_data_ && taken < part_bytes_) {
    const std::size_t end = end_of_data_line(taken);
    if (std::string_view(window_).substr(taken, end - taken) == end_of_data) {
      in_data_ = false;
      passed = std::min(end + 1, window_.size());
    } else if (end == window_.size()) {
      throw Failure(FailureKind::usage, at(script_, copy_) +
                                            ": the data of this COPY has no end: a line with \\. "
                                            "alone");
    } else {
      taken = passed = end + 1;
    }
  }
  data_.assign(window_, 0, taken);
  at_ = behind(at_, std::string_view(window_).substr(0, passed));
  window_.erase(0, passed);
  if (passed > 0 && !in_data_) fill();
  return data_;
}

void Stretches::fill() {
  if (is_over_ || is_read_) return;
  if (script_.is_kept) {
    window_ = script_.text;
    is_read_ = true;
    return;
  }
  if (!file_) file_ = std::make_unique<ScriptFile>(script_.path, script_.way);
  while (!is_read_ && window_.size() < part_bytes_)
    is_read_ = !file_->read(window_, part_bytes_ - window_.size());
}

void Stretches::grow() {
  if (window_.size() >= limits::script_statement_bytes_max) {
    const Lexed lexed = lex_sql(window_, part());
    const Place place = lexed.unfinished.line > 0  ? lexed.unfinished
                        : lexed.open_body.line > 0 ? lexed.open_body
                        : lexed.statements.empty() ? at_
                                                   : lexed.statements.front().place;
    throw Failure(FailureKind::usage,
                  at(script_, place) + ": what begins here has no end within " +
                      format_bytes(limits::script_statement_bytes_max) +
                      ", which is the longest statement of a file; write several, close the quote "
                      "that is open, or use pgsluice load for rows");
  }
  const std::size_t room = limits::script_statement_bytes_max - window_.size();
  is_read_ = !file_->read(window_, std::min(window_.size(), room));
}

bool Stretches::is_as_it_was() const { return !file_ || file_->checksum() == script_.checksum; }

void require_as_it_was(const Script& script, const Stretches& stretches, const std::string& means) {
  if (stretches.is_as_it_was()) return;
  throw Failure(FailureKind::changed, script.path + ": was changed while it was read; " + means,
                "Leave it alone, and run this again.");
}

std::size_t checked_units(const Script& script, const Placeholders& values) {
  Stretches stretches(script, values);
  std::size_t count = 0;
  while (const std::optional<Stretch> stretch = stretches.next()) {
    count += stretch->units.size();
    if (script.directives.in_transaction) require_transactional(script, *stretch);
  }
  require_as_it_was(script, stretches, "nothing of this file is applied");
  return count;
}

std::optional<std::string> checksum_of_units(const Script& script, std::size_t count) {
  Stretches stretches(script);
  UnitsHash hash;
  while (const std::optional<Stretch> stretch = stretches.next()) {
    for (std::size_t i = 0; i < stretch->units.size() && count > 0; ++i, --count)
      hash.add(stretch->unit(i));
    if (count == 0) return hash.digest();
  }
  return std::nullopt;
}

}  // namespace sluice::script

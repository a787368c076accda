#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuple/rewriting.hpp"
#include "tuple/table.hpp"

namespace sluice::tuple {

/// Dates and times in a format that a user says, with the words of to_timestamp
/// (https://www.postgresql.org/docs/current/functions-formatting.html). It is stricter than that: a
/// text fits from its beginning to its end, or not at all.
struct DateRule {
  enum class Form : std::uint8_t { date, time, timestamp, timestamptz };
  enum class Word : std::uint8_t {
    year,
    short_year,
    month,
    month_name,
    day,
    day_name,
    hour,
    half_day_hour,
    half_day,
    minute,
    second,
    fraction,
    offset_hours,
    offset_minutes,
    offset,
    literal,
  };
  struct Piece {
    Word word;
    std::uint8_t digits_max = 0;
    bool is_exact =
        false;  ///< it has as many digits as it may have, as the next one follows at once
    char literal = 0;
  };
  enum class Epoch : std::uint8_t { none, seconds, milliseconds };

  std::string format;
  Epoch epoch = Epoch::none;
  std::vector<Piece> pieces;
  bool iso_means_itself = true;  ///< no text that ISO 8601 has could be another one in this format
  Form form = Form::date;

  bool has(Word word) const;
  bool has_date() const { return epoch != Epoch::none || has(Word::year) || has(Word::short_year); }
  bool has_time() const { return has(Word::hour) || has(Word::half_day_hour); }
  bool has_offset() const { return has(Word::offset) || has(Word::offset_hours); }

  /// REQUIRES: room for text.size() + rewriting_slack bytes at `out`; codec_padding bytes behind
  /// the text may be read.
  Rewriting rewrite(std::string_view text, char* out) const;
  std::string why_refused() const;
};

/// Of a format, without the form. Throws Failure(usage).
DateRule date_rule_of(const std::string& format);

/// Which of these a type is; nothing if none.
std::optional<DateRule::Form> date_form_of(const Type& type);

}  // namespace sluice::tuple

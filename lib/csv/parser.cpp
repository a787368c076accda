#include "csv/parser.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#include "csv/unescape.hpp"

namespace sluice::csv {
namespace {

/// A copy, which the compiler knows not to change while fields are written.
class NullText {
 public:
  explicit NullText(const Dialect& dialect)
      : text_(dialect.null_text.data()), size_(dialect.null_text.size()) {}

  bool is(const Field& field) const {
    return field.size == size_ && (size_ == 0 || std::memcmp(field.text, text_, size_) == 0);
  }

 private:
  const char* text_;
  std::size_t size_;
};

/// Whether what stands in the file is NULL, where more than one text is.
bool is_null(const Dialect& dialect, const Field& field) {
  const std::string_view text =
      dialect.nulls_between_blanks ? without_blanks(field.view()) : field.view();
  return text == dialect.null_text ||
         std::ranges::find(dialect.more_null_texts, text) != dialect.more_null_texts.end();
}

}  // namespace

std::string_view message_of(Defect defect) {
  switch (defect) {
    case Defect::none: return "";
    case Defect::stray_carriage_return: return "unquoted carriage return found in data";
    case Defect::stray_line_feed: return "unquoted newline found in data";
    case Defect::unterminated_quote: return "unterminated CSV quoted field";
    case Defect::open_quote:
      return "unterminated CSV quoted field: a quote of this line is never closed, so the line "
             "alone "
             "is refused";
    case Defect::too_long:
      return "the record that begins here is larger than a record may be, or a quote in it is "
             "never "
             "closed (see --max-record-bytes, --quote)";
    case Defect::too_many_lines:
      return "the record that begins here has more lines than a record may have, or a quote in it "
             "is never closed (see --max-record-lines, --quote)";
    case Defect::end_marker: return "end-of-copy marker corrupt";
  }
  return "";
}

void Parser::start(const ParseInput& input, std::size_t begin) {
  input_ = input;
  at_ = begin;
  const auto first = std::ranges::lower_bound(input.index, begin);
  entry_ = static_cast<std::size_t>(first - input.index.begin());
  const auto odd = std::ranges::lower_bound(input.odd_lines, begin, {}, &OddLine::begin);
  odd_ = static_cast<std::size_t>(odd - input.odd_lines.begin());
  look_for_odd_line();
}

void Parser::look_for_odd_line() {
  odd_begin_ = odd_ < input_.odd_lines.size() ? input_.odd_lines[odd_].begin
                                              : std::numeric_limits<std::size_t>::max();
}

/// Steps over the odd lines that stand here; true at one that is a record, which has a defect.
bool Parser::take_odd_line(Record& record) {
  while (at_ == odd_begin_) {
    const OddLine& line = input_.odd_lines[odd_++];
    look_for_odd_line();
    at_ = line.behind;
    if (!line.is_record()) continue;
    record.begin = line.begin;
    record.end = line.end;
    record.fields = {};
    record.defect = line.kind == OddLine::Kind::too_long         ? Defect::too_long
                    : line.kind == OddLine::Kind::too_many_lines ? Defect::too_many_lines
                                                                 : Defect::open_quote;
    return true;
  }
  return false;
}

/// Whether a CR is one of a CRLF that ends a record.
inline bool Parser::is_pair(std::size_t entry) const {
  const std::span<const std::uint32_t> index = input_.index;
  if (!has_pairs_ || entry + 1 >= index.size()) return false;
  const std::size_t place = index[entry];
  return input_.bytes[place] == '\r' && index[entry + 1] == place + 1 &&
         input_.bytes[place + 1] == '\n';
}

void Parser::begin(Record& record) {
  scratch_block_ = 0;
  scratch_used_ = 0;
  record.begin = at_;
  record.defect = Defect::none;
  marks_end_ = false;
}

/// `end` is behind its last field.
void Parser::end(Record& record, const Field* end) {
  if (input_.unterminated_quote && at_ >= input_.size) record.defect = Defect::unterminated_quote;
  if (marks_end_) record.defect = Defect::end_marker;
  if (record.defect != Defect::none) end = fields_.data();
  record.fields = {fields_.data(), static_cast<std::size_t>(end - fields_.data())};
}

/// Whether a line end that is this byte, or two, ends a record as it should.
inline bool Parser::ends_record(char c, bool is_pair) const {
  switch (line_end_) {
    case LineEnd::lf: return c == '\n';
    case LineEnd::cr: return c == '\r';
    case LineEnd::crlf: return is_pair;
    case LineEnd::any: break;
  }
  return true;
}

bool Parser::next(Record& record) {
  if (at_ == odd_begin_ && take_odd_line(record)) return true;
  return is_usual_ ? next_of<true>(record) : next_of<false>(record);
}

/// A field that has entries of its own: quotes, or escapes.
template <bool usual>
[[gnu::always_inline]] inline Field Parser::with_entries(std::size_t begin, std::size_t end,
                                                         std::span<const std::uint32_t> entries) {
  const char* const from = input_.bytes + begin;
  const char* const to = input_.bytes + end;
  if (!usual && dialect_.escapes_everywhere()) return unescape_everywhere(from, to);
  // Most are one section, and nothing else.
  const char quote = dialect_.quote;
  if (entries.size() == 1 && dialect_.escape == quote && *from == quote && to - from >= 2 &&
      to[-1] == quote)
    return {from + 1, static_cast<std::uint32_t>(to - from - 2), true, false};
  return quoted(begin, end, entries);
}

/// What only other dialects need costs the usual ones nothing.
template <bool usual>
bool Parser::next_of(Record& record) {
  if (at_ >= input_.size || entry_ >= input_.index.size()) return false;
  begin(record);
  const char* const bytes = input_.bytes;
  const std::uint32_t* const index = input_.index.data();
  const char delimiter = dialect_.delimiter.last();
  const std::size_t reach = usual ? 0 : dialect_.delimiter.size() - 1;  // back to its first byte
  const char quote = dialect_.quote;
  const char escape = dialect_.escape;
  Field* out = fields_.data();
  const Field* full = out + fields_.size();
  std::size_t field_begin = at_;
  std::size_t entry = entry_;
  std::size_t first_opening = entry;  // of the current field's entries, which are quotes
  const NullText null(dialect_);

  const auto add_field = [&](std::size_t end) __attribute__((always_inline)) {
    if (out == full) [[unlikely]] {
      out = grow_fields(full);
      full = fields_.data() + fields_.size();
    }
    if (first_opening != entry) {
      *out++ =
          with_entries<usual>(field_begin, end, {index + first_opening, entry - first_opening});
      return;
    }
    out->text = bytes + field_begin;
    out->size = static_cast<std::uint32_t>(end - field_begin);
    out->quoted = false;
    out->null = usual ? null.is(*out) : is_null(dialect_, *out);
    ++out;
  };
  for (const std::size_t entries = input_.index.size(); entry < entries; ++entry) {
    const std::size_t place = index[entry];
    const char c = bytes[place];
    if (c == delimiter) {
      add_field(place - reach);
      field_begin = place + 1;
      first_opening = entry + 1;
      continue;
    }
    if (c == quote || (!usual && c == escape)) continue;
    const bool pair = is_pair(entry);
    const bool ends = ends_record(c, pair);
    if (!ends && record.defect == Defect::none)
      record.defect = c == '\r' ? Defect::stray_carriage_return : Defect::stray_line_feed;
    // A stray LF in a CRLF file ends its record too, so that reading can go on behind it.
    if (ends || (c == '\n' && line_end_ == LineEnd::crlf)) {
      if (record.defect == Defect::none) add_field(place);
      record.end = place;
      at_ = place + (pair ? 2 : 1);
      entry += pair ? 2 : 1;
      break;
    }
    first_opening = entry + 1;  // of a record with a defect, whose fields nobody reads
  }
  entry_ = entry;
  end(record, out);
  return true;
}

Field* Parser::grow_fields(const Field* full) {
  const auto used = static_cast<std::size_t>(full - fields_.data());
  fields_.resize(std::max<std::size_t>(32, 2 * used));
  return fields_.data() + used;
}

/// `openings` are the places of the quotes that open a quoted section.
Field Parser::quoted(std::size_t begin, std::size_t end, std::span<const std::uint32_t> openings) {
  const char* const from = input_.bytes + begin;
  const char* const to = input_.bytes + end;
  const char quote = dialect_.quote;
  const bool whole = *from == quote && to - from >= 2 && to[-1] == quote;
  if (!whole || !dialect_.escapes_by_doubling()) {
    // One section in which nothing is escaped needs no copy here either.
    const bool plain =
        whole && openings.size() == 1 &&
        std::memchr(from + 1, dialect_.escape, static_cast<std::size_t>(to - from - 2)) == nullptr;
    if (!plain) return unescape(from, to);
    return {from + 1, static_cast<std::uint32_t>(to - from - 2), true, false};
  }
  // Doubled quotes close and open at once, so the openings say where the parts are that are
  // copied: each goes up to the first quote of the next pair, which is the one that stays.
  char* const text = reserve_scratch(end - begin);
  char* out = text;
  for (std::size_t i = 0; i < openings.size(); ++i) {
    const char* const part = input_.bytes + openings[i] + 1;
    const bool last = i + 1 == openings.size();
    const char* const part_end = last ? to - 1 : input_.bytes + openings[i + 1];
    if (part > part_end || (!last && part_end[-1] != quote)) return unescape(from, to);
    std::memcpy(out, part, static_cast<std::size_t>(part_end - part));
    out += part_end - part;
  }
  return {text, static_cast<std::uint32_t>(out - text), true, false};
}

/// Any mixture of quoted and unquoted parts.
Field Parser::unescape(const char* from, const char* to) {
  char* const text = reserve_scratch(static_cast<std::size_t>(to - from));
  char* out = text;
  bool in_quotes = false;
  while (from < to) {
    const char c = *from++;
    if (!in_quotes) {
      if (c == dialect_.quote) {
        in_quotes = true;
      } else {
        *out++ = c;
      }
      continue;
    }
    if (c == dialect_.escape && from < to &&
        (*from == dialect_.escape || *from == dialect_.quote)) {
      *out++ = *from++;
    } else if (c == dialect_.quote) {
      in_quotes = false;
    } else {
      *out++ = c;
    }
  }
  return {text, static_cast<std::uint32_t>(out - text), true, false};
}

/// Where an escape counts everywhere.
Field Parser::unescape_everywhere(const char* from, const char* to) {
  const Field raw{from, static_cast<std::uint32_t>(to - from), false, false};
  // It has no quote in it, and so the field has none either.
  // MySQL's \N is NULL whatever else is.
  const std::string_view bare =
      dialect_.nulls_between_blanks ? without_blanks(raw.view()) : raw.view();
  const bool is_mysql_null = dialect_.escapes == Escapes::everywhere && bare.size() == 2 &&
                             bare[0] == dialect_.escape && bare[1] == 'N';
  if (is_mysql_null || is_null(dialect_, raw)) return {raw.text, raw.size, false, true};
  const char quote = dialect_.quote;
  const char escape = dialect_.escape;
  const bool has_quotes = dialect_.has_quotes();
  const bool whole = has_quotes && *from == quote && to - from >= 2 && to[-1] == quote;
  const auto inner = static_cast<std::size_t>(whole ? to - from - 2 : 0);
  if (whole && std::memchr(from + 1, escape, inner) == nullptr &&
      std::memchr(from + 1, quote, inner) == nullptr)
    return {from + 1, static_cast<std::uint32_t>(inner), true, false};

  char* const text = reserve_scratch(static_cast<std::size_t>(to - from));
  char* out = text;
  bool in_quotes = false;
  bool is_quoted = false;
  while (from < to) {
    const char c = *from++;
    if (c == escape) {
      if (from == to) {
        // The source ends behind it. COPY drops it.
        if (dialect_.escapes != Escapes::text) *out++ = c;
        break;
      }
      if (*from == '.' && dialect_.has_end_marker()) marks_end_ = true;
      from = unescape_one(dialect_.escapes, from, to, out);
    } else if (has_quotes && c == quote) {
      // A quote that is doubled inside quotes is one, as MySQL reads it too.
      if (in_quotes && from < to && *from == quote)
        *out++ = *from++;
      else
        in_quotes = !in_quotes;
      is_quoted = true;
    } else {
      *out++ = c;
    }
  }
  return {text, static_cast<std::uint32_t>(out - text), is_quoted, false};
}

/// Room for `bytes` and for what may be read behind them.
char* Parser::reserve_scratch(std::size_t bytes) {
  static constexpr std::size_t block_bytes = 64 * 1024;
  bytes += padding;
  while (scratch_block_ < scratch_.size() &&
         scratch_sizes_[scratch_block_] - scratch_used_ < bytes) {
    ++scratch_block_;
    scratch_used_ = 0;
  }
  if (scratch_block_ == scratch_.size()) {
    const std::size_t size = std::max(bytes, block_bytes);
    scratch_.push_back(std::make_unique_for_overwrite<char[]>(size));
    scratch_sizes_.push_back(size);
  }
  char* const place = scratch_[scratch_block_].get() + scratch_used_;
  scratch_used_ += bytes;
  return place;
}

}  // namespace sluice::csv

#include "chunk/preamble.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "chunk/separator_line.hpp"
#include "chunk/text_format.hpp"
#include "csv/parser.hpp"
#include "source/format.hpp"
#include "source/transcoder.hpp"

namespace sluice::chunk {
namespace {

/// For messages.
struct Place {
  const std::string& name;  ///< of the source
  std::uint64_t line = 1;
  std::string what = "header";
};

/// A source whose beginning can be looked at again.
class Lookahead {
 public:
  Lookahead(source::Source& source, std::size_t bytes_max)
      : source_(source), bytes_max_(bytes_max) {}

  std::string_view from(std::size_t offset) const { return std::string_view(text_).substr(offset); }
  std::string_view text() const { return text_; }
  bool at_end() const { return at_end_; }
  std::size_t bytes_max() const { return bytes_max_; }

  /// Reads on; false at the end of the source or of what a preamble may hold.
  bool more() {
    if (at_end_ || text_.size() > bytes_max_) return false;
    const std::size_t had = text_.size();
    std::size_t want = had == 0 ? limits::fingerprint_bytes : std::min(had, bytes_max_ + 1 - had);
    // One more than there is, which shows the end: of thousands of small files the texts are kept.
    if (const auto length = source_.length(); length && *length >= had)
      want = std::min<std::uint64_t>(want, *length - had + 1);
    text_.resize(had + want);
    const std::size_t got = source_.read(text_.data() + had, want);
    text_.resize(had + got);
    at_end_ = got < want;
    return got > 0;
  }

 private:
  source::Source& source_;
  std::size_t bytes_max_;
  std::string text_;
  bool at_end_ = false;
};

/// What a preamble may hold ends in front of the end of the line or record at `offset`.
Failure too_long(const Lookahead& text, std::size_t offset, const Place& place, bool is_open) {
  std::string problem = at(place.name, place.line) + ": the " + place.what + " that begins here";
  if (offset > 0) problem += ", with what is in front of it,";
  problem += " is larger than " + format_bytes(text.bytes_max());
  if (is_open) problem += "; a quote in it is still open";
  return {FailureKind::bad_record, problem + " (see --max-record-bytes, --quote)"};
}

/// Steps over one physical line, whatever ends it. False if the source ends before.
bool skip_line(Lookahead& text, std::size_t& offset, const Place& place) {
  for (std::size_t at = offset;; ++at) {
    if (at + 1 >= text.text().size()) {
      // A CR at the end of what is read may be half of a CRLF.
      while (at + 1 >= text.text().size() && text.more()) {
      }
      if (at >= text.text().size()) {
        if (!text.at_end()) throw too_long(text, offset, place, false);
        offset = text.text().size();
        return false;
      }
    }
    const char c = text.text()[at];
    if (c != '\n' && c != '\r') continue;
    const bool pair = c == '\r' && at + 1 < text.text().size() && text.text()[at + 1] == '\n';
    offset = at + (pair ? 2 : 1);
    return true;
  }
}

/// Whether that line is what it looks like: without a header it may be data, so the next line says.
bool is_meant(const SeparatorLine& line, std::string_view text, bool has_header) {
  if (has_header) return true;
  const std::size_t behind = std::min(text.find_first_not_of("\r\n", line.size), text.size());
  const std::string_view next = text.substr(behind);
  return next.substr(0, next.find_first_of("\r\n")).find(line.delimiter) != std::string_view::npos;
}

/// Skips that line, where it is there and in front of what is skipped anyway.
void skip_separator_line(Lookahead& text, const PreambleOptions& options, std::size_t& offset,
                         const Place& place, Preamble& result) {
  if (result.dialect.escapes == csv::Escapes::text) return;
  const auto line = separator_line(text.from(offset));
  if (!line || !is_meant(*line, text.from(offset), options.has_header)) return;
  if (options.asks_for_delimiter) {
    result.dialect.delimiter = line->delimiter;
    if (const auto defect = csv::defect_of(result.dialect))
      throw Failure(FailureKind::usage, "the first line says sep=" +
                                            csv::show_character(line->delimiter) + ": " + *defect);
    result.notes.push_back("the first line says that the delimiter is " +
                           csv::show_character(line->delimiter) + " (see --delimiter)");
  }
  if (options.skip_lines > 0) return;
  skip_line(text, offset, place);
  ++result.start.line;
}

csv::LineEnd find_line_end(Lookahead& text, std::size_t offset, const csv::Dialect& dialect) {
  for (;;) {
    const auto found = csv::detect_line_end(text.from(offset), dialect, text.at_end());
    if (found) return *found;
    if (!text.more())
      return csv::detect_line_end(text.from(offset), dialect, true).value_or(csv::LineEnd::lf);
  }
}

csv::LineEnd chosen_line_end(csv::Newline newline, csv::LineEnd first) {
  switch (newline) {
    case csv::Newline::automatic: break;
    case csv::Newline::lf: return csv::LineEnd::lf;
    case csv::Newline::crlf: return csv::LineEnd::crlf;
    case csv::Newline::cr: return csv::LineEnd::cr;
    case csv::Newline::any: return csv::LineEnd::any;
  }
  return first;
}

/// Reads on until all of the first record is there, or nothing more comes.
void read_first_record(Lookahead& text, std::size_t offset, const csv::Dialect& dialect,
                       csv::LineEnd line_end) {
  while (!csv::detect_line_end(text.from(offset), dialect, text.at_end()) && text.more()) {
  }
  // A CR may be half of a line end.
  if (line_end == csv::LineEnd::any && text.text().ends_with('\r')) text.more();
}

/// A record that is the header, or the beginning of one.
struct Header {
  std::vector<std::string> names;
  std::size_t size = 0;  ///< with its line end
  bool is_ended = false;
  bool is_open = false;  ///< a quote in it
  csv::Defect defect = csv::Defect::none;
};

/// Throws Failure for more names than any table has columns: each takes a hundred times its bytes.
void require_few_names(const csv::StructuralIndex& index, std::string_view bytes,
                       const Place& place) {
  constexpr std::size_t names_max = 100'000;
  if (index.size() <= names_max) return;
  const auto ends_line = [bytes](std::uint32_t at) {
    return bytes[at] == '\n' || bytes[at] == '\r';
  };
  if (std::ranges::any_of(index.begin(), index.begin() + names_max, ends_line)) return;
  throw Failure(FailureKind::bad_record,
                at(place.name, place.line) + ": the header has more than " +
                    format_count(names_max) + " names (see --delimiter, --header)");
}

Header parse_header(std::string_view text, const csv::Dialect& dialect, csv::LineEnd line_end,
                    const Place& place) {
  // The scanner may read past the end, and the parser wants the last record ended.
  std::string bytes(text);
  const std::size_t size = bytes.size();
  csv::StructuralIndex index;
  csv::ScanState state;
  bytes.append(csv::Scanner::padding, '\0');
  csv::Scanner(dialect).scan(bytes.data(), 0, size, state, index);
  require_few_names(index, bytes, place);
  const std::string_view end = csv::text_of(line_end);
  for (std::size_t i = 0; i < end.size(); ++i) {
    bytes[size + i] = end[i];
    index.push_back(static_cast<std::uint32_t>(size + i));
  }
  csv::Parser parser(dialect, line_end);
  parser.start({bytes.data(), size, index, false});
  csv::Record record;
  Header header;
  if (!parser.next(record)) return header;
  // A CR may be half of a line end.
  const bool is_half = line_end == csv::LineEnd::any && text.ends_with('\r');
  header.is_ended = record.end + (is_half ? 1 : 0) < size;
  header.is_open = state.in_quotes && record.end >= size;
  header.defect = header.is_open ? csv::Defect::unterminated_quote : record.defect;
  for (const csv::Field& field : record.fields) header.names.emplace_back(field.view());
  const std::string_view line =
      std::string_view(bytes).substr(record.end, size - std::min(size, record.end));
  const bool is_pair = line_end == csv::LineEnd::any && line.starts_with("\r\n");
  header.size = std::min(size, record.end + (is_pair ? 2 : end.size()));
  return header;
}

/// Parses the header at `offset` and steps over it. It is looked for in ever more of the text, so
/// that what one takes that is none is bounded.
std::vector<std::string> read_header(Lookahead& text, std::size_t& offset,
                                     const csv::Dialect& dialect, csv::LineEnd line_end,
                                     const Place& place) {
  for (std::size_t size = limits::fingerprint_bytes;; size *= 2) {
    while (text.from(offset).size() <= size && text.more()) {
    }
    const bool is_all = text.from(offset).size() <= size;
    Header header = parse_header(text.from(offset).substr(0, size), dialect, line_end, place);
    if (!header.is_ended && !is_all) continue;
    if (!header.is_ended && !text.at_end()) throw too_long(text, offset, place, header.is_open);
    if (header.defect != csv::Defect::none) {
      throw Failure(FailureKind::bad_record, at(place.name, place.line) + ": header: " +
                                                 std::string(csv::message_of(header.defect)) +
                                                 " (see --quote, --header)");
    }
    offset += header.size;
    return std::move(header.names);
  }
}

}  // namespace

std::uint64_t origin_of(source::Source& source, std::string_view read_ahead) {
  if (source.encoding() == nullptr) return 0;
  return source.origin() - source::Untranscoder(*source.encoding()).bytes_of(read_ahead).size();
}

Preamble read_preamble(source::Source& source, const PreambleOptions& options) {
  Lookahead text(source, options.bytes_max);
  text.more();
  source::require_text(text.text(), source.name());

  Preamble result;
  result.dialect = options.dialect;
  std::size_t offset = 0;
  skip_separator_line(text, options, offset, {source.name()}, result);
  for (std::uint64_t line = 0; line < options.skip_lines; ++line) {
    if (!skip_line(text, offset, {source.name(), result.start.line, "line"})) break;
    ++result.start.line;
  }
  if (options.text_dialect && looks_like_text(text.from(offset), *options.text_dialect)) {
    result.is_text = true;
    result.dialect = *options.text_dialect;
    result.notes.emplace_back(
        "it looks like COPY's text format, and is read as that (see --format)");
  }
  const bool has_header = result.is_text ? options.text_has_header : options.has_header;
  const csv::Dialect& dialect = result.dialect;
  result.first_line_end = find_line_end(text, offset, dialect);
  result.line_end = chosen_line_end(options.newline, result.first_line_end);
  while (has_header && !dialect.comment.empty() && text.from(offset).starts_with(dialect.comment) &&
         skip_line(text, offset, {source.name(), result.start.line, "comment"}))
    ++result.start.line;
  read_first_record(text, offset, dialect, result.line_end);
  result.front_bytes = text.text().substr(0, offset);

  if (has_header && !text.from(offset).empty()) {
    const std::size_t begin = offset;
    result.header =
        read_header(text, offset, dialect, result.line_end, {source.name(), result.start.line});
    const std::string_view header = text.text().substr(begin, offset - begin);
    result.start.line += csv::count_line_ends(header, result.line_end);
    result.header_bytes = header.substr(0, header.find_last_not_of("\r\n") + 1);
  }
  result.start.byte_offset = offset;
  result.beginning = text.text().substr(0, limits::fingerprint_bytes);
  result.read_ahead = text.from(offset);
  result.is_whole = text.at_end();
  result.origin = origin_of(source, result.read_ahead);
  return result;
}

}  // namespace sluice::chunk

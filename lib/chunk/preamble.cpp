#include "chunk/preamble.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "csv/parser.hpp"
#include "source/format.hpp"
#include "source/transcoder.hpp"

namespace sluice::chunk {
namespace {

/// A source whose beginning can be looked at again.
class Lookahead {
 public:
  Lookahead(source::Source& source, std::size_t bytes_max)
      : source_(source), bytes_max_(bytes_max) {}

  std::string_view from(std::size_t offset) const { return std::string_view(text_).substr(offset); }
  std::string_view text() const { return text_; }
  bool at_end() const { return at_end_; }

  /// Reads on; false at the end of the source or of what a preamble may hold.
  bool more() {
    if (at_end_ || text_.size() >= bytes_max_) return false;
    const std::size_t had = text_.size();
    const std::size_t want = std::max(had, limits::fingerprint_bytes);
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

/// Steps over one physical line, whatever ends it. False if the source ends before.
bool skip_line(Lookahead& text, std::size_t& offset) {
  for (std::size_t at = offset;; ++at) {
    if (at + 1 >= text.text().size()) {
      // A CR at the end of what is read may be half of a CRLF.
      while (at + 1 >= text.text().size() && text.more()) {
      }
      if (at >= text.text().size()) {
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

csv::LineEnd find_line_end(Lookahead& text, std::size_t offset, const csv::Dialect& dialect) {
  for (;;) {
    const auto found = csv::detect_line_end(text.from(offset), dialect, text.at_end());
    if (found) return *found;
    if (!text.more())
      return csv::detect_line_end(text.from(offset), dialect, true).value_or(csv::LineEnd::lf);
  }
}

/// Parses the header at `offset` and steps over it.
std::vector<std::string> read_header(const Lookahead& text, std::size_t& offset,
                                     const csv::Dialect& dialect, csv::LineEnd line_end,
                                     const std::string& where) {
  // The scanner may read past the end, and the parser wants the last record ended.
  std::string bytes(text.from(offset));
  const std::size_t size = bytes.size();
  csv::StructuralIndex index;
  csv::ScanState state;
  bytes.append(csv::Scanner::padding, '\0');
  csv::Scanner(dialect).scan(bytes.data(), 0, size, state, index);
  const std::string_view end = line_end == csv::LineEnd::crlf ? "\r\n"
                               : line_end == csv::LineEnd::cr ? "\r"
                                                              : "\n";
  for (std::size_t i = 0; i < end.size(); ++i) {
    bytes[size + i] = end[i];
    index.push_back(static_cast<std::uint32_t>(size + i));
  }
  csv::Parser parser(dialect, line_end);
  parser.start({bytes.data(), size, index, false});
  csv::Record record;
  if (!parser.next(record)) return {};
  if (state.in_quotes && record.end >= size) record.defect = csv::Defect::unterminated_quote;
  if (record.defect != csv::Defect::none) {
    throw Failure(FailureKind::bad_record,
                  where + ": header: " + std::string(csv::message_of(record.defect)) +
                      " (see --quote, --header)");
  }
  std::vector<std::string> names;
  for (const csv::Field& field : record.fields) names.emplace_back(field.view());
  offset += std::min(size, record.end + end.size());
  return names;
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
  std::size_t offset = text.text().starts_with("\xef\xbb\xbf") ? 3 : 0;
  for (std::uint64_t line = 0; line < options.skip_lines && skip_line(text, offset); ++line)
    ++result.start.line;
  result.line_end = find_line_end(text, offset, options.dialect);

  if (options.has_header && !text.from(offset).empty()) {
    const std::size_t begin = offset;
    result.header = read_header(text, offset, options.dialect, result.line_end,
                                at(source.name(), result.start.line));
    const std::string_view header = text.text().substr(begin, offset - begin);
    result.start.line += static_cast<std::uint64_t>(
        std::ranges::count(header, result.line_end == csv::LineEnd::cr ? '\r' : '\n'));
    result.header_bytes = header.substr(0, header.find_last_not_of("\r\n") + 1);
  }
  result.start.byte_offset = offset;
  result.beginning = text.text().substr(0, limits::fingerprint_bytes);
  result.read_ahead = text.from(offset);
  result.origin = origin_of(source, result.read_ahead);
  return result;
}

}  // namespace sluice::chunk

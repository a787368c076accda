#include "plan/beginning.hpp"

#include <fmt/format.h>

#include "base/failure.hpp"

namespace sluice::plan {
namespace {

chunk::PreambleOptions preamble_options(const LoadOptions& o) {
  std::optional<csv::Dialect> text;
  if (o.format == csv::Format::automatic) text = csv::dialect_of(o.wishes, csv::Format::text);
  return {.dialect = o.dialect,
          .has_header = o.header != HeaderMode::none,
          .skip_lines = o.skip_lines,
          .bytes_max = o.record_bytes_max,
          .newline = o.newline,
          .asks_for_delimiter = !o.wishes.delimiter,
          .text_dialect = std::move(text),
          .text_has_header = o.header_given && o.header != HeaderMode::none};
}

/// A file of fewer lines than are skipped is another one than is meant: it would be loaded with no
/// row. An empty one is empty.
void require_lines(const std::string& name, const LoadOptions& options,
                   const chunk::Preamble& preamble) {
  const std::string& text = preamble.beginning;
  if (options.skip_lines == 0 || text.empty() || preamble.header) return;
  const bool has_last_line = !text.ends_with('\n') && !text.ends_with('\r');
  const std::uint64_t lines = preamble.start.line - 1 + (has_last_line ? 1 : 0);
  const chunk::PreambleOptions meant = preamble_options(options);
  const bool wants_header = preamble.is_text ? meant.text_has_header : meant.has_header;
  if (!wants_header && lines >= options.skip_lines) return;
  throw Failure(FailureKind::usage,
                fmt::format("{}: {} in what --skip-lines {} leaves: it ends behind {} {}", name,
                            wants_header ? "there is no header" : "there is nothing",
                            options.skip_lines, lines, lines == 1 ? "line" : "lines"));
}

}  // namespace

/// Names at the header's end that are empty are those of no column: a delimiter at the end of each
/// line, or a spreadsheet's cells beside the table.
std::optional<std::vector<std::string>> header_names(const chunk::Preamble& preamble,
                                                     const LoadOptions& options) {
  std::optional<std::vector<std::string>> names = preamble.header;
  const bool all = options.record_policy.drops_surplus_blanks();
  bool is_first = true;
  while (names && names->size() > 1 && names->back().empty() && (is_first || all)) {
    names->pop_back();
    is_first = false;
  }
  return names;
}

chunk::Preamble read_preamble(source::Source& source, const LoadOptions& options) {
  return chunk::read_preamble(source, preamble_options(options));
}

Beginning read_beginning(source::Source& source, const LoadOptions& options) {
  Beginning beginning{read_preamble(source, options), {}, false, {}};
  require_lines(source.name(), options, beginning.preamble);
  const std::string& bytes = beginning.preamble.beginning;
  beginning.digests = {.fingerprint = source::fingerprint(source, bytes),
                       .head = source::head_digest(bytes),
                       .marked = source::marked_digests(source, bytes)};
  return beginning;
}

void adopt(LoadOptions& options, const chunk::Preamble& preamble) {
  options.dialect = preamble.dialect;
  // Elsewhere that can be said when a value is trimmed; here not, as \N is more than what it means.
  options.dialect.nulls_between_blanks =
      options.dialect.escapes_everywhere() && options.values.trim != tuple::Trim::none;
  if (preamble.is_text && !options.header_given) options.header = HeaderMode::none;
}

}  // namespace sluice::plan

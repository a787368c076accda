#include <algorithm>

#include "base/limits.hpp"
#include "chunk/chunker.hpp"
#include "chunk/preamble.hpp"
#include "csv/parser.hpp"
#include "sniff/header.hpp"
#include "sniff/proposal.hpp"
#include "source/encoding.hpp"
#include "tuple/utf8.hpp"

namespace sluice::sniff {
namespace {

/// What dialect and header are told by.
constexpr std::size_t sample_bytes = std::size_t{64} << 10;

/// The line sep=; of Excel is no record; the loader reads it too.
Sample without_separator_line(Sample sample) {
  static constexpr std::size_t line_size = 5;
  const std::string_view bytes = sample.bytes();
  const bool is_one = bytes.starts_with("sep=") && bytes.size() > line_size &&
                      (bytes[line_size] == '\n' || bytes[line_size] == '\r');
  return is_one ? sample.behind_lines(1) : sample;
}

/// Text that begins `begin` bytes behind the source's first one is no UTF-8 at `place`. A zero byte
/// is no text in any encoding that could be meant.
Proposal::NotUtf8 what_it_may_be(std::string_view text, std::size_t place, std::uint64_t begin) {
  static constexpr std::size_t line_max = 1024;
  Proposal::NotUtf8 found{.byte = begin + place, .likely = {}};
  if (text[place] == '\0') return found;
  const std::size_t end = text.substr(0, place).find_last_of("\r\n");
  const std::string_view line =
      text.substr(end == std::string_view::npos ? 0 : end + 1).substr(0, line_max);
  for (const source::Encoding& encoding : source::likely_encodings(line, 2))
    found.likely.push_back(encoding.name);
  return found;
}

/// Also what a header has in it, which the walk through the records does not see.
void look_at_encoding(const Sample& sample, Proposal& proposal) {
  static constexpr std::size_t character_max = 4;
  const std::optional<std::size_t> place = tuple::find_invalid_utf8(sample.bytes());
  // A character may be cut at the sample's end.
  if (!place || (!sample.is_whole() && *place + character_max > sample.bytes().size())) return;
  proposal.not_utf8 = what_it_may_be(sample.bytes(), *place, 0);
}

std::size_t fields_of(const Reading& reading) {
  return reading.columns + (reading.ends_with_delimiter ? 1 : 0);
}

/// The first record that is usual, and what is behind it.
HeaderFound look_for_header(const Sample& sample, const Reading& reading,
                            const std::vector<std::string>& names,
                            std::vector<std::string>& first) {
  std::vector<Column> rest(reading.columns);
  const std::size_t fields = fields_of(reading);
  bool is_first = true;
  sample.behind_lines(reading.skip_lines)
      .read(reading.dialect, reading.line_end, [&](const csv::Record& record) {
        if (record.fields.size() != fields) return true;
        for (std::size_t i = 0; i < reading.columns; ++i) {
          if (is_first)
            first.emplace_back(record.fields[i].view());
          else
            rest[i].add(record.fields[i]);
        }
        is_first = false;
        return true;
      });
  return find_header(first, rest, names);
}

/// All records of a source into their columns.
class Walk {
 public:
  Walk(source::Source& source, Proposal& proposal) : source_(source), proposal_(proposal) {}

  void run() {
    const Reading& reading = proposal_.reading();
    chunk::PreambleOptions before{.dialect = reading.dialect,
                                  .has_header = proposal_.has_header,
                                  .skip_lines = reading.skip_lines,
                                  .bytes_max = limits::record_bytes_default,
                                  .asks_for_delimiter = true};
    chunk::Preamble preamble = chunk::read_preamble(source_, before);
    const csv::LineEnd line_end = preamble.line_end;
    chunk::ChunkerOptions options{.dialect = reading.dialect,
                                  .chunk_bytes = limits::chunk_bytes_default,
                                  .record_bytes_max = limits::record_bytes_default,
                                  .cuts_open_records = true,
                                  .footer_lines = reading.skip_footer};
    chunk::Chunker chunker(source_, std::move(preamble), std::move(options));
    csv::Parser parser(reading.dialect, line_end);
    chunk::Chunk chunk;
    while (chunker.next(chunk)) {
      proposal_.bytes = chunk.start.byte_offset + chunk.size;
      look_at_encoding(chunk);
      chunk::PositionCounter positions(chunk, line_end);
      parser.start(chunk.parse_input());
      csv::Record record;
      for (std::uint64_t number = 0; parser.next(record); ++number) take(record, number, positions);
    }
  }

 private:
  void look_at_encoding(const chunk::Chunk& chunk) {
    if (proposal_.not_utf8) return;
    const std::optional<std::size_t> place = tuple::find_invalid_utf8(chunk.bytes());
    if (!place) return;
    proposal_.not_utf8 = what_it_may_be(chunk.bytes(), *place, chunk.start.byte_offset);
  }

  void take(const csv::Record& record, std::uint64_t number, chunk::PositionCounter& positions) {
    const bool is_blank = record.fields.size() == 1 && record.fields.front().size == 0;
    if (is_blank && proposal_.columns.size() > 1) return;
    ++proposal_.records;
    if (record.fields.size() != fields_of(proposal_.reading())) {
      if (proposal_.misfits++ == 0)
        proposal_.first_misfit_line = positions.at(record.begin, number).line;
      return;
    }
    for (std::size_t i = 0; i < proposal_.columns.size(); ++i)
      proposal_.columns[i].seen.add(record.fields[i]);
  }

  source::Source& source_;
  Proposal& proposal_;
};

/// Cells that a spreadsheet has beside its table: without a name, and never with a value.
void drop_surplus(Proposal& proposal) {
  const std::vector<std::string>& header = proposal.first;
  if (!proposal.has_header) return;
  const auto is_surplus = [&] {
    const std::size_t last = proposal.columns.size() - 1;
    const sniff::Column& seen = proposal.columns[last].seen;
    return last > 0 && csv::without_blanks(header[last]).empty() && seen.values() > 0 &&
           seen.empty() == seen.values();
  };
  while (is_surplus()) {
    proposal.columns.pop_back();
    proposal.drops_surplus = true;
  }
}

}  // namespace

Proposal find_out(source::Source& source, const Known& known) {
  Proposal proposal;
  const std::string beginning = source.beginning(sample_bytes);
  const Sample sample = without_separator_line({beginning, beginning.size() < sample_bytes});
  look_at_encoding(sample, proposal);
  proposal.readings = find_dialect(sample, known);
  if (proposal.readings.all.empty() || proposal.reading().columns == 0) return proposal;
  const HeaderFound header =
      look_for_header(sample, proposal.reading(), known.names, proposal.first);
  proposal.has_header = header.is_there;
  proposal.header_doubt = header.doubt;
  return proposal;
}

Proposal inspect(source::Source& source, const Known& known) {
  Proposal proposal = find_out(source, known);
  if (proposal.readings.all.empty()) return proposal;
  const std::vector<std::string>& first = proposal.first;
  for (std::size_t i = 0; i < proposal.reading().columns; ++i) {
    const bool has_name = proposal.has_header && i < first.size() && !first[i].empty();
    proposal.columns.push_back({.name = has_name ? std::string(csv::without_blanks(first[i]))
                                                 : "column" + std::to_string(i + 1),
                                .seen = {}});
  }
  if (proposal.columns.empty()) return proposal;
  Walk(source, proposal).run();
  drop_surplus(proposal);
  if (const source::Encoding* encoding = source.encoding())
    if (!encoding->is_utf8()) proposal.encoding = encoding->name;
  return proposal;
}

}  // namespace sluice::sniff

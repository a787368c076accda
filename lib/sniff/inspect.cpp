#include <algorithm>

#include "base/characters.hpp"
#include "base/limits.hpp"
#include "chunk/chunker.hpp"
#include "chunk/preamble.hpp"
#include "chunk/separator_line.hpp"
#include "csv/parser.hpp"
#include "sniff/header.hpp"
#include "sniff/over_chunks.hpp"
#include "sniff/proposal.hpp"
#include "source/encoding.hpp"
#include "tuple/utf8.hpp"

namespace sluice::sniff {
namespace {

/// What dialect and header are told by.
constexpr std::size_t sample_bytes = std::size_t{64} << 10;
/// What is shown of the records as they are.
constexpr std::size_t first_rows_max = 10;
constexpr std::size_t shown_value_bytes = 200;

/// The line sep=; of Excel is no record; the loader reads it too.
Sample without_separator_line(Sample sample) {
  return chunk::separator_line(sample.bytes()) ? sample.behind_lines(1) : sample;
}

/// Without the one line in which a quote has no other, where the lines around it have theirs: what
/// it opens is not closed before the end, and nothing behind it would tell the dialect. A value of
/// several lines has two such lines at least.
Sample without_stray_quote(const Sample& sample) {
  const std::string_view bytes = sample.bytes();
  std::size_t odd = 0;
  std::size_t quoted = 0;  // lines with quotes in pairs
  std::size_t begin_of_odd = 0;
  std::size_t end_of_odd = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t end = bytes.find_first_of("\r\n", at);
    if (end == std::string_view::npos) {
      if (!sample.is_whole()) break;  // it may be cut off in the middle
      end = bytes.size();
    }
    const auto quotes = std::ranges::count(bytes.substr(at, end - at), '"');
    const std::size_t behind = std::min(bytes.find_first_not_of("\r\n", end), bytes.size());
    if (quotes % 2 == 1) {
      ++odd;
      begin_of_odd = at;
      end_of_odd = behind;
    } else if (quotes > 0) {
      ++quoted;
    }
    at = behind;
  }
  if (odd != 1 || quoted < 3) return sample;
  std::string rest(bytes.substr(0, begin_of_odd));
  rest += bytes.substr(end_of_odd);
  return {std::move(rest), sample.is_whole()};
}

/// Without lines that begin with what begins a comment.
Sample without_comments(const Sample& sample, const std::string& comment) {
  if (comment.empty()) return sample;
  const std::string_view bytes = sample.bytes();
  std::string rest;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
    const std::size_t behind = std::min(bytes.find_first_not_of("\r\n", end), bytes.size());
    if (!bytes.substr(at).starts_with(comment)) rest += bytes.substr(at, behind - at);
    at = behind;
  }
  return {std::move(rest), sample.is_whole()};
}

/// Text that begins `begin` bytes behind the source's first one is no UTF-8 at `place`. A zero byte
/// is no text in any encoding that could be meant.
Proposal::NotUtf8 what_it_may_be(std::string_view text, std::size_t place, std::uint64_t begin) {
  static constexpr std::size_t line_max = 1024;
  Proposal::NotUtf8 found{.byte = begin + place, .likely = {}};
  if (text[place] == '\0') return found;
  // The line alone: what is behind it is in another chunk maybe.
  const std::size_t before = text.substr(0, place).find_last_of("\r\n");
  const std::size_t first = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t end = std::min(text.find_first_of("\r\n", place), text.size());
  const std::string_view line = text.substr(first, end - first).substr(0, line_max);
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
  std::vector<Column> rest(reading.columns, Column(Detail::none));
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

/// How all records of a source are read.
struct Looking {
  csv::Dialect dialect;
  csv::LineEnd line_end = csv::LineEnd::lf;
  std::size_t columns = 0;
  std::size_t fields = 0;  ///< of a record that has its number of values
};

/// What the records of one chunk have been.
struct Part {
  std::vector<Column> columns;
  std::uint64_t records = 0;
  std::uint64_t misfits = 0;
  std::uint64_t first_misfit_line = 0;
  std::optional<Proposal::NotUtf8> not_utf8;
  std::vector<std::vector<std::optional<std::string>>> first_rows;
};

std::vector<std::optional<std::string>> shown_values(const csv::Record& record,
                                                     std::size_t columns) {
  std::vector<std::optional<std::string>> values(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    const csv::Field& field = record.fields[i];
    if (field.null) continue;
    const std::string_view text = field.view();
    values[i] = text.substr(0, whole_characters(text, shown_value_bytes));
    if (values[i]->size() < text.size()) *values[i] += "…";
  }
  return values;
}

Part look_at(const Looking& how, const chunk::Chunk& chunk) {
  Part part{.columns = columns_for(how.columns), .not_utf8 = {}, .first_rows = {}};
  const std::string_view bytes = chunk.bytes();
  if (const std::optional<std::size_t> place = tuple::find_invalid_utf8(bytes))
    part.not_utf8 = what_it_may_be(bytes, *place, chunk.start.byte_offset);
  chunk::PositionCounter positions(chunk, how.line_end);
  csv::Parser parser(how.dialect, how.line_end);
  parser.start(chunk.parse_input());
  csv::Record record;
  for (std::uint64_t number = 0; parser.next(record); ++number) {
    const bool is_blank = record.fields.size() == 1 && record.fields.front().size == 0;
    if (is_blank && how.columns > 1) continue;
    ++part.records;
    if (record.fields.size() != how.fields) {
      if (part.misfits++ == 0) part.first_misfit_line = positions.at(record.begin, number).line;
      continue;
    }
    for (std::size_t i = 0; i < how.columns; ++i) part.columns[i].add(record.fields[i]);
    if (part.first_rows.size() < first_rows_max)
      part.first_rows.push_back(shown_values(record, how.columns));
  }
  return part;
}

void take_over(Part part, const chunk::Chunk& chunk, Proposal& proposal) {
  proposal.bytes = chunk.start.byte_offset + chunk.size;
  if (!proposal.not_utf8) proposal.not_utf8 = std::move(part.not_utf8);
  for (auto& row : part.first_rows)
    if (proposal.first_rows.size() < first_rows_max) proposal.first_rows.push_back(std::move(row));
  proposal.records += part.records;
  if (proposal.misfits == 0) proposal.first_misfit_line = part.first_misfit_line;
  proposal.misfits += part.misfits;
  for (std::size_t i = 0; i < part.columns.size(); ++i)
    proposal.columns[i].seen.merge(part.columns[i]);
}

/// All records of a source into their columns.
void walk(source::Source& source, Proposal& proposal, const Effort& effort) {
  const Reading& reading = proposal.reading();
  const chunk::PreambleOptions before{.dialect = reading.dialect,
                                      .has_header = proposal.has_header,
                                      .skip_lines = reading.skip_lines,
                                      .bytes_max = limits::record_bytes_default,
                                      .asks_for_delimiter = true};
  chunk::Preamble preamble = chunk::read_preamble(source, before);
  const Looking how{.dialect = reading.dialect,
                    .line_end = preamble.line_end,
                    .columns = proposal.columns.size(),
                    .fields = fields_of(reading)};
  chunk::ChunkerOptions options{.dialect = reading.dialect,
                                .chunk_bytes = effort.chunk_bytes,
                                .record_bytes_max = limits::record_bytes_default,
                                .cuts_open_records = true,
                                .footer_lines = reading.skip_footer};
  chunk::Chunker chunker(source, std::move(preamble), std::move(options));
  OverChunks<Part> chunks(
      chunker, effort.threads_for(how.columns),
      [&how](const chunk::Chunk& chunk) { return look_at(how, chunk); },
      [&proposal](Part part, const chunk::Chunk& chunk) {
        take_over(std::move(part), chunk, proposal);
      });
  while (chunks.next()) {
  }
}

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
    for (auto& row : proposal.first_rows) row.pop_back();
    proposal.drops_surplus = true;
  }
}

}  // namespace

Proposal find_out(source::Source& source, const Known& known) {
  Proposal proposal;
  const std::string beginning = source.beginning(sample_bytes);
  const Sample whole = without_separator_line({beginning, beginning.size() < sample_bytes});
  const Sample sample = without_comments(whole, known.comment);
  look_at_encoding(sample, proposal);
  Sample sound = without_stray_quote(sample);
  proposal.readings = find_dialect(sound, known);
  // Lines in front are counted in what is there.
  const bool is_shorter = sound.bytes().size() < sample.bytes().size();
  if (is_shorter && !proposal.readings.all.empty() && proposal.reading().skip_lines > 0) {
    sound = sample;
    proposal.readings = find_dialect(sound, known);
  }
  if (proposal.readings.all.empty() || proposal.reading().columns == 0) return proposal;
  const HeaderFound header =
      look_for_header(sound, proposal.reading(), known.names, proposal.first);
  proposal.has_header = header.is_there;
  proposal.header_doubt = header.doubt;
  if (proposal.header_doubt.empty() && !header.is_there && proposal.reading().skip_lines > 0)
    proposal.header_doubt = "what is in front may be the names of the columns";
  return proposal;
}

Proposal inspect(source::Source& source, const Known& known, const Effort& effort) {
  Proposal proposal = find_out(source, known);
  if (proposal.readings.all.empty()) return proposal;
  const std::vector<std::string>& first = proposal.first;
  std::vector<Column> columns = columns_for(proposal.reading().columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool has_name = proposal.has_header && i < first.size() && !first[i].empty();
    proposal.columns.push_back({.name = has_name ? std::string(csv::without_blanks(first[i]))
                                                 : "column" + std::to_string(i + 1),
                                .seen = std::move(columns[i])});
  }
  if (proposal.columns.empty()) return proposal;
  walk(source, proposal, effort);
  drop_surplus(proposal);
  if (const source::Encoding* encoding = source.encoding())
    if (!encoding->is_utf8()) proposal.encoding = encoding->name;
  return proposal;
}

}  // namespace sluice::sniff

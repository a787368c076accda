#include "sniff/look_through.hpp"

#include "csv/parser.hpp"
#include "sniff/meanings.hpp"
#include "sniff/over_chunks.hpp"
#include "tuple/utf8.hpp"

namespace sluice::sniff {
namespace {

Seen nothing_of(std::size_t columns) {
  return {.columns = std::vector<Column>(columns, Column(Detail::quickly)), .not_utf8 = {}};
}

/// As the encoder judges records.
class Records {
 public:
  Records(const Manner& manner, const std::vector<std::string>& names)
      : policy_(manner.policy),
        meanings_(manner.values, manner.chunks.dialect, names),
        seen_(nothing_of(names.size())) {}

  void take_all(const chunk::Chunk& chunk, const csv::Dialect& dialect, csv::LineEnd line_end) {
    if (const std::optional<std::size_t> place = tuple::find_invalid_utf8(chunk.bytes()))
      seen_.not_utf8 = chunk.start.byte_offset + *place;
    csv::Parser parser(dialect, line_end);
    parser.start(chunk.parse_input());
    csv::Record record;
    while (parser.next(record)) take(record);
  }

  Seen& seen() { return seen_; }

 private:
  void take(const csv::Record& record) {
    if (record.defect != csv::Defect::none) return;
    const bool is_blank = record.begin == record.end;
    if (is_blank && (policy_.blank_lines == tuple::BlankLines::skip ||
                     policy_.blank_lines == tuple::BlankLines::reject))
      return;
    const bool is_null = is_blank && policy_.blank_lines == tuple::BlankLines::null;
    const std::size_t expected = seen_.columns.size();
    const std::size_t fields = is_null ? 0 : size_of(record);
    const bool fits = fields == expected || is_null || (fields < expected && policy_.pads());
    if (!fits) return;
    ++seen_.records;
    for (std::size_t i = 0; i < fields; ++i) meanings_.add(i, record.fields[i], seen_.columns[i]);
    for (std::size_t i = fields; i < expected; ++i) seen_.columns[i].add_missing();
  }

  /// Without surplus values that count for nothing.
  std::size_t size_of(const csv::Record& record) const {
    const std::size_t expected = seen_.columns.size();
    std::size_t size = record.fields.size();
    const auto is_blank = [&record](std::size_t i) { return record.fields[i].size == 0; };
    // Behind a delimiter at its end there is no value, where each record has one.
    if (size == expected + 1 && is_blank(expected) && !record.fields[expected].quoted) --size;
    if (!policy_.drops_surplus_blanks()) return size;
    while (size > expected && (policy_.trims() || is_blank(size - 1))) --size;
    return size;
  }

  tuple::RecordPolicy policy_;
  Meanings meanings_;
  Seen seen_;
};

}  // namespace

Seen look_through(source::Source& source, const chunk::Preamble& preamble, const Manner& manner,
                  const std::vector<std::string>& names, const Effort& effort) {
  Seen all = nothing_of(names.size());
  chunk::ChunkerOptions options = manner.chunks;
  options.chunk_bytes = effort.chunk_bytes;
  chunk::Chunker chunker(source, preamble, std::move(options));
  // Wishes that are none are said of an empty source too.
  static_cast<void>(Meanings(manner.values, manner.chunks.dialect, names));
  const auto look = [&](const chunk::Chunk& chunk) {
    Records records(manner, names);
    records.take_all(chunk, manner.chunks.dialect, preamble.line_end);
    return std::move(records.seen());
  };
  const auto take = [&all](const Seen& part, const chunk::Chunk&) {
    all.records += part.records;
    if (!all.not_utf8) all.not_utf8 = part.not_utf8;
    for (std::size_t i = 0; i < all.columns.size(); ++i) all.columns[i].merge(part.columns[i]);
  };
  OverChunks<Seen> chunks(chunker, effort.threads_for(names.size()), look, take);
  while (!manner.is_stopped() && chunks.next()) {
  }
  return all;
}

}  // namespace sluice::sniff

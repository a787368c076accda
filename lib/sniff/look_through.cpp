#include "sniff/look_through.hpp"

#include "csv/parser.hpp"
#include "sniff/meanings.hpp"
#include "tuple/utf8.hpp"

namespace sluice::sniff {
namespace {

/// As the encoder judges records.
class Records {
 public:
  Records(const Manner& manner, const std::vector<std::string>& names)
      : policy_(manner.policy), meanings_(manner.values, manner.chunks.dialect, names) {
    seen_.columns.resize(names.size());
  }

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

  Seen& seen() { return seen_; }

 private:
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
                  const std::vector<std::string>& names) {
  Records records(manner, names);
  chunk::Chunker chunker(source, preamble, manner.chunks);
  csv::Parser parser(manner.chunks.dialect, preamble.line_end);
  chunk::Chunk chunk;
  std::optional<std::uint64_t>& not_utf8 = records.seen().not_utf8;
  while (!manner.is_stopped() && chunker.next(chunk)) {
    if (!not_utf8) {
      const std::optional<std::size_t> place = tuple::find_invalid_utf8(chunk.bytes());
      if (place) not_utf8 = chunk.start.byte_offset + *place;
    }
    parser.start(chunk.parse_input());
    csv::Record record;
    while (parser.next(record)) records.take(record);
  }
  return std::move(records.seen());
}

}  // namespace sluice::sniff

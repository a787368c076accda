#include "chunk/segment.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/limits.hpp"

namespace sluice::chunk {
namespace {

constexpr std::size_t numbers_of_way = 4;
constexpr std::int64_t no_place = -1;
/// Of what follows a segment, for the end of its last record: mostly that is near.
constexpr std::size_t tail_slice_bytes = 64 * std::size_t{1024};

bool escapes_in_quotes(const csv::Dialect& dialect) {
  return !dialect.escapes_by_doubling() && dialect.escape != csv::Dialect::none;
}

std::vector<csv::ScanState> states_of(std::size_t ways) {
  std::vector<csv::ScanState> states(ways);
  for (std::size_t way = 1; way < ways; ++way) states[way].in_quotes = true;
  if (ways > 2) states[2].after_escape = true;
  return states;
}

std::size_t way_of(const csv::ScanState& state) {
  if (!state.in_quotes) return 0;
  return state.after_escape ? 2 : 1;
}

char last_of(csv::LineEnd line_end) { return line_end == csv::LineEnd::cr ? '\r' : '\n'; }

/// Delimiters say nothing of where records end: with one that texts do not have the index is short.
csv::Dialect with_rare_delimiter(csv::Dialect dialect) {
  dialect.delimiter = '\x01';
  return dialect;
}

std::uint64_t ends_of(const csv::ScanState& state, csv::LineEnd line_end) {
  return line_end == csv::LineEnd::cr ? state.carriage_returns : state.line_feeds;
}

/// Behind the first record end of the index, or nothing.
std::optional<std::size_t> first_end(const csv::StructuralIndex& index, std::string_view bytes,
                                     char last) {
  const auto is_end = [bytes, last](std::uint32_t place) { return bytes[place] == last; };
  const auto* const found = std::ranges::find_if(index, is_end);
  if (found == index.end()) return std::nullopt;
  return *found + std::size_t{1};
}

}  // namespace

std::vector<std::int64_t> numbers_of(const SegmentFacts& facts) {
  std::vector<std::int64_t> numbers{static_cast<std::int64_t>(facts.lines)};
  for (const SegmentFacts::From& from : facts.from) {
    const std::optional<std::uint64_t>& first = from.first;
    numbers.push_back(static_cast<std::int64_t>(from.exit));
    numbers.push_back(static_cast<std::int64_t>(from.record_ends));
    numbers.push_back(first ? static_cast<std::int64_t>(*first) : no_place);
    numbers.push_back(static_cast<std::int64_t>(from.lines_to_first));
  }
  return numbers;
}

std::optional<SegmentFacts> facts_of(const std::vector<std::int64_t>& numbers, std::size_t ways) {
  if (numbers.size() != 1 + ways * numbers_of_way) return std::nullopt;
  const auto is_count = [](std::int64_t number) {
    return number >= no_place && number <= std::int64_t{1} << 62U;
  };
  if (!std::ranges::all_of(numbers, is_count)) return std::nullopt;
  SegmentFacts facts;
  facts.lines = static_cast<std::uint64_t>(std::max<std::int64_t>(0, numbers.front()));
  for (std::size_t at = 1; at < numbers.size(); at += numbers_of_way) {
    const auto count = [&](std::size_t place) {
      return static_cast<std::uint64_t>(std::max<std::int64_t>(0, numbers[at + place]));
    };
    SegmentFacts::From from;
    from.exit = count(0);
    from.record_ends = count(1);
    if (numbers[at + 2] != no_place) from.first = count(2);
    from.lines_to_first = count(3);
    if (from.exit >= ways) return std::nullopt;
    facts.from.push_back(from);
  }
  return facts;
}

std::size_t ways_to_begin(const csv::Dialect& dialect, csv::LineEnd line_end) {
  if (line_end == csv::LineEnd::any || !dialect.comment.empty() || dialect.escapes_everywhere())
    return 0;
  if (!dialect.has_quotes()) return 1;
  return escapes_in_quotes(dialect) ? 3 : 2;
}

SegmentScan::SegmentScan(const csv::Dialect& dialect, csv::LineEnd line_end,
                         csv::Scanner::Form form)
    : line_end_(line_end),
      scanner_(with_rare_delimiter(dialect), form, line_end),
      sums_are_lines_(!escapes_in_quotes(dialect)),
      states_(states_of(ways_to_begin(dialect, line_end))) {
  facts_.from.resize(states_.size());
}

void SegmentScan::scan(std::string_view stretch) {
  for (std::size_t way = 0; way < states_.size(); ++way) {
    SegmentFacts::From& from = facts_.from[way];
    index_.clear();
    scanner_.scan(stretch.data(), 0, stretch.size(), states_[way], index_);
    if (!from.first) {
      const auto first = first_end(index_, stretch, last_of(line_end_));
      if (first) from.first = scanned_ + *first;
      from.lines_to_first +=
          csv::count_line_ends(stretch.substr(0, first.value_or(stretch.size())), line_end_);
    }
    from.record_ends = ends_of(states_[way], line_end_);
    from.exit = way_of(states_[way]);
  }
  scanned_ += stretch.size();
  if (!sums_are_lines_) {
    facts_.lines += csv::count_line_ends(stretch, line_end_);
    return;
  }
  // What is inside quotes one way is outside of them the other way.
  facts_.lines = 0;
  for (const SegmentFacts::From& from : facts_.from) facts_.lines += from.record_ends;
}

SegmentStart SegmentStart::behind(const SegmentFacts& facts) const {
  const SegmentFacts::From& from = facts.from[way];
  return {from.exit, lines + facts.lines, record_ends + from.record_ends};
}

std::int64_t SegmentLayout::count() const {
  const std::uint64_t records = length - std::min(length, first.byte_offset);
  return std::max<std::int64_t>(1, static_cast<std::int64_t>((records + bytes - 1) / bytes));
}

std::uint64_t SegmentLayout::length_of(std::int64_t number) const {
  const std::uint64_t begin = begin_of(number);
  return std::min(begin + bytes, std::max(begin, length)) - begin;
}

SegmentReader::SegmentReader(source::Source& source, const SegmentLayout& layout,
                             const csv::Dialect& dialect, csv::LineEnd line_end,
                             csv::Scanner::Form form, std::size_t record_bytes_max)
    : source_(source),
      layout_(layout),
      dialect_(dialect),
      line_end_(line_end),
      form_(form),
      record_bytes_max_(record_bytes_max) {}

/// Others may have read of the source meanwhile.
void SegmentReader::seek(std::uint64_t offset) {
  if (source_.seek(offset)) return;
  throw Failure(FailureKind::failed,
                source_.name() + " cannot be read from byte " + std::to_string(offset) + " on");
}

/// False where the source ends before that.
bool SegmentReader::read_on(std::size_t bytes) {
  bytes_.resize(size_ + bytes + csv::Scanner::padding);
  const std::size_t got = source_.read(bytes_.data() + size_, bytes);
  size_ += got;
  return got == bytes;
}

SegmentFacts SegmentReader::read(std::int64_t number) {
  number_ = number;
  size_ = 0;
  const std::uint64_t begin = layout_.begin_of(number);
  const std::size_t length = layout_.length_of(number);
  bytes_.reserve(length + limits::scan_slice_bytes + csv::Scanner::padding);
  seek(begin);
  source_.expect_end(begin + length);
  SegmentScan scan(dialect_, line_end_, form_);
  while (size_ < length) {
    const std::size_t from = size_;
    const std::size_t wanted = std::min(limits::scan_slice_bytes, length - size_);
    if (!read_on(wanted))
      throw Failure(FailureKind::changed,
                    source_.name() + " is shorter than it was when the load began");
    scan.scan(std::string_view(bytes_).substr(from, wanted));
  }
  return facts_ = scan.facts();
}

SegmentText SegmentReader::take(const SegmentStart& start) {
  const SegmentFacts::From& from = facts_.from[start.way];
  const bool is_first = number_ == 0;
  SegmentText text;
  text.start = layout_.first;
  if (!is_first && !from.first) {
    // All of it is inside a record that begins in front of it.
    text.bytes.clear();
    return text;
  }
  text.begin = is_first ? 0 : *from.first;
  text.start.byte_offset = layout_.begin_of(number_) + text.begin;
  text.start.line += start.lines + (is_first ? 0 : from.lines_to_first);
  text.start.record += start.record_ends + (is_first ? 0 : 1);
  const bool is_last = number_ + 1 >= layout_.count();
  const std::uint64_t behind = layout_.begin_of(number_) + size_;
  seek(behind);
  source_.expect_end(behind);
  const csv::Scanner scanner(with_rare_delimiter(dialect_), form_, line_end_);
  csv::ScanState state = states_of(facts_.from.size())[from.exit];
  // Behind the first record end in what follows; a record that is too large is the chunker's to
  // tell.
  for (bool goes_on = !is_last;
       goes_on && size_ - text.begin <= layout_.bytes + record_bytes_max_;) {
    const std::size_t at = size_;
    goes_on = read_on(tail_slice_bytes);
    csv::StructuralIndex index;
    const std::string_view more = std::string_view(bytes_).substr(at, size_ - at);
    scanner.scan(more.data(), 0, more.size(), state, index);
    const auto end = first_end(index, more, last_of(line_end_));
    if (!end) continue;
    size_ = at + *end;
    break;
  }
  bytes_.resize(size_);
  text.bytes = std::move(bytes_);
  bytes_ = {};
  return text;
}

}  // namespace sluice::chunk

#include "chunk/segment.hpp"

#include <gtest/gtest.h>

#include <random>

#include "source/ended_source.hpp"
#include "unit/chunked.hpp"

namespace sluice::test {
namespace {

/// What all segments have, one after the other, each begun with no more than the facts of those in
/// front of it.
std::vector<ChunkedRecord> records_by_segments(const std::string& text, const ChunkedOptions& o,
                                               std::uint64_t segment_bytes) {
  MemorySource source(text);
  const chunk::Preamble preamble = chunk::read_preamble(source, {.dialect = o.dialect,
                                                                 .has_header = o.has_header,
                                                                 .skip_lines = o.skip_lines,
                                                                 .bytes_max = o.record_bytes_max,
                                                                 .newline = o.newline});
  const chunk::SegmentLayout layout{preamble.start, text.size(), segment_bytes};
  chunk::SegmentReader reader(source, layout, o.dialect, preamble.line_end, o.form,
                              o.record_bytes_max);
  std::vector<ChunkedRecord> records;
  chunk::SegmentStart start;
  for (std::int64_t number = 0; number < layout.count(); ++number) {
    const chunk::SegmentFacts facts = reader.read(number);
    // Somebody else's segment is scanned meanwhile.
    const std::int64_t other = (number * 7 + 3) % layout.count();
    chunk::SegmentReader(source, layout, o.dialect, preamble.line_end, o.form, o.record_bytes_max)
        .read(other);
    chunk::SegmentText taken = reader.take(start);
    start = start.behind(facts);
    chunk::Preamble own = preamble;
    own.start = taken.start;
    own.read_ahead = std::move(taken.bytes);
    own.read_ahead_begin = taken.begin;
    source::EndedSource behind(source);
    chunk::Chunker chunker(behind, std::move(own),
                           {.dialect = o.dialect,
                            .chunk_bytes = o.chunk_bytes,
                            .record_bytes_max = o.record_bytes_max,
                            .form = o.form,
                            .first_number = number << 32});
    csv::Parser parser(o.dialect, preamble.line_end);
    chunk::Chunk chunk;
    while (chunker.next(chunk)) {
      EXPECT_EQ(number, chunk.number >> 32);
      parser.start(chunk.parse_input());
      csv::Record record;
      chunk::PositionCounter positions(chunk, preamble.line_end);
      for (std::uint64_t i = 0; parser.next(record); ++i) {
        ChunkedRecord result{positions.at(record.begin, i), {}, record.defect};
        for (const csv::Field& field : record.fields)
          result.fields.emplace_back(field.null ? "<null>" : field.view());
        records.push_back(std::move(result));
      }
    }
  }
  return records;
}

/// Text in which what is a line end, a quote or a delimiter is likely to be at any border.
std::string random_text(std::mt19937& random, const csv::Dialect& dialect, std::string_view end) {
  std::string text;
  const auto any = [&random](int below) {
    return std::uniform_int_distribution<>(0, below - 1)(random);
  };
  const int fields = any(120);
  const std::string quote(dialect.has_quotes() ? 1 : 0, dialect.quote);
  for (int i = 0; i < fields; ++i) {
    std::string field(any(12), static_cast<char>('a' + any(26)));
    if (any(3) == 0 && !quote.empty()) {
      const int parts = any(4);
      for (int part = 0; part < parts; ++part) {
        field += any(2) == 0 ? std::string(end) : dialect.delimiter.text();
        if (any(2) == 0) field += std::string(1, dialect.escape) + quote;
        if (any(4) == 0 && dialect.escape != dialect.quote) field += std::string(2, dialect.escape);
      }
      field.insert(0, quote);
      field += quote;
    }
    text += field;
    text += any(3) == 0 ? std::string(end) : std::string(dialect.delimiter.text());
  }
  // Some end within a line, some within a record of the header's.
  return "h,i" + std::string(end) + text + (any(2) == 0 ? "x" + std::string(end) : "x");
}

TEST(Segments, HaveTheSameRecordsAtTheSamePlacesAsTheWhole) {
  std::mt19937 random(20261129);
  for (int round = 0; round < 250; ++round) {
    ChunkedOptions o;
    o.has_header = round % 2 == 0;
    if (round % 5 == 1) o.dialect.escape = '\\';
    if (round % 7 == 1) o.dialect.quote = o.dialect.escape = csv::Dialect::none;
    if (round % 7 == 2) o.dialect.delimiter = *csv::Delimiter::of("||");
    if (round % 11 == 0) o.form = csv::Scanner::Form::portable;
    const std::string_view end = round % 4 == 0 ? "\r\n" : round % 4 == 1 ? "\r" : "\n";
    o.newline = round % 4 == 1 ? csv::Newline::cr : csv::Newline::automatic;
    const std::string text = random_text(random, o.dialect, end);
    o.chunk_bytes = 1 + random() % 300;
    const std::vector<ChunkedRecord> whole = records_of(text, o);
    for (const std::uint64_t bytes : {1, 2, 3, 7, 16, 64, 65, 200, 5'000}) {
      const std::vector<ChunkedRecord> parts = records_by_segments(text, o, bytes);
      ASSERT_EQ(whole.size(), parts.size()) << "round " << round << ", segments of " << bytes;
      for (std::size_t i = 0; i < whole.size(); ++i)
        ASSERT_EQ(whole[i], parts[i])
            << "round " << round << ", segments of " << bytes << ", record " << i << "\n"
            << text;
    }
  }
}

TEST(Segments, OfARecordThatIsLongerThanManyOfThem) {
  const std::string text = "a,b\n1,\"" + std::string(5'000, '\n') + "\"\n2,x\n";
  ChunkedOptions o;
  o.has_header = true;
  for (const std::uint64_t bytes : {16, 64, 1'000})
    EXPECT_EQ(records_of(text, o), records_by_segments(text, o, bytes));
}

TEST(Segments, AreNotMadeWhereMoreThanQuotesDecides) {
  csv::Dialect dialect;
  EXPECT_EQ(2U, chunk::ways_to_begin(dialect, csv::LineEnd::lf));
  EXPECT_EQ(0U, chunk::ways_to_begin(dialect, csv::LineEnd::any));
  dialect.comment = "#";
  EXPECT_EQ(0U, chunk::ways_to_begin(dialect, csv::LineEnd::lf));
  dialect = {};
  dialect.escapes = csv::Escapes::everywhere;
  EXPECT_EQ(0U, chunk::ways_to_begin(dialect, csv::LineEnd::lf));
  dialect = {};
  dialect.escape = '\\';
  EXPECT_EQ(3U, chunk::ways_to_begin(dialect, csv::LineEnd::lf));
}

}  // namespace
}  // namespace sluice::test

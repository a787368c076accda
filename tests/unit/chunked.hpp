#pragma once

#include <string>
#include <vector>

#include "chunk/chunker.hpp"
#include "source/marked_source.hpp"
#include "source/source.hpp"

namespace sluice::test {

/// Bytes in memory as a source.
class MemorySource final : public source::Source {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}

  std::size_t read(char* into, std::size_t size) override {
    const std::size_t got = bytes_.copy(into, size, at_);
    at_ += got;
    return got;
  }
  bool comes_once() const override { return false; }
  bool rewind() override { return seek(0); }
  bool seek(std::uint64_t offset) override {
    at_ = offset;
    return offset <= bytes_.size();
  }
  std::optional<std::uint64_t> length() const override { return bytes_.size(); }
  std::string stamp() const override { return {}; }
  std::string tail(std::size_t bytes) const override {
    return bytes_.substr(bytes_.size() - std::min(bytes, bytes_.size()));
  }
  const std::string& name() const override { return name_; }
  std::string identity() const override { return name_; }

 private:
  std::string bytes_;
  std::string name_ = "memory.csv";
  std::size_t at_ = 0;
};

struct ChunkedRecord {
  Position position;
  std::vector<std::string> fields;  ///< "<null>" for NULL
  csv::Defect defect;
  bool operator==(const ChunkedRecord& o) const {
    return fields == o.fields && defect == o.defect &&
           position.byte_offset == o.position.byte_offset && position.line == o.position.line &&
           position.record == o.position.record;
  }
};

struct ChunkedOptions {
  csv::Dialect dialect;
  bool has_header = false;
  std::uint64_t skip_lines = 0;
  std::size_t chunk_bytes = 1 << 20;
  std::size_t record_bytes_max = 1 << 24;
  std::uint64_t records_max = ~std::uint64_t{0};
  csv::Scanner::Form form = csv::Scanner::Form::automatic;
  csv::Newline newline = csv::Newline::automatic;
  std::uint64_t footer_lines = 0;
  std::uint64_t record_lines_max = 0;
  bool cuts_open_records = false;
};

/// The whole of source/ and csv/: text in, records with their positions out.
inline std::vector<ChunkedRecord> records_of(const std::string& text, const ChunkedOptions& o,
                                             std::size_t* chunks = nullptr) {
  const auto opened = source::behind_mark(std::make_unique<MemorySource>(text));
  source::Source& source = *opened;
  chunk::Preamble preamble = chunk::read_preamble(source, {.dialect = o.dialect,
                                                           .has_header = o.has_header,
                                                           .skip_lines = o.skip_lines,
                                                           .bytes_max = o.record_bytes_max,
                                                           .newline = o.newline});
  const csv::LineEnd line_end = preamble.line_end;
  chunk::Chunker chunker(source, std::move(preamble),
                         {.dialect = o.dialect,
                          .chunk_bytes = o.chunk_bytes,
                          .record_bytes_max = o.record_bytes_max,
                          .records_max = o.records_max,
                          .form = o.form,
                          .record_lines_max = o.record_lines_max,
                          .cuts_open_records = o.cuts_open_records,
                          .footer_lines = o.footer_lines});
  csv::Parser parser(o.dialect, line_end);
  chunk::Chunk chunk;
  std::vector<ChunkedRecord> records;
  while (chunker.next(chunk)) {
    if (chunks != nullptr) ++*chunks;
    parser.start(chunk.parse_input());
    csv::Record record;
    std::uint64_t number = 0;
    chunk::PositionCounter positions(chunk, line_end);
    for (; parser.next(record); ++number) {
      ChunkedRecord result{positions.at(record.begin, number), {}, record.defect};
      for (const csv::Field& field : record.fields)
        result.fields.emplace_back(field.null ? "<null>" : field.view());
      records.push_back(std::move(result));
    }
    if (number != chunk.records)
      throw std::logic_error("the chunk's record count is not what the parser finds");
  }
  return records;
}

}  // namespace sluice::test

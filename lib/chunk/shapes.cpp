#include "chunk/shapes.hpp"

#include <algorithm>
#include <cstring>

#include "base/limits.hpp"
#include "chunk/lexer.hpp"
#include "csv/parser.hpp"

namespace sluice::chunk {

void look_at_records(const Preamble& preamble,
                     const std::function<void(const csv::Record&)>& take) {
  Chunk sample;
  // More was read only where one record is so large.
  const std::string_view bytes =
      std::string_view(preamble.read_ahead).substr(0, limits::fingerprint_bytes);
  const bool is_whole = preamble.is_whole && bytes.size() == preamble.read_ahead.size();
  const std::string_view end = csv::text_of(preamble.line_end);
  sample.buffer.reserve(bytes.size() + end.size() + csv::Scanner::padding);
  std::memcpy(sample.buffer.bytes(), bytes.data(), bytes.size());
  // What stands behind the last line end is a record only where the source ends there too.
  const bool lacks_end = is_whole && !bytes.empty() && !bytes.ends_with(end);
  if (lacks_end) std::ranges::copy(end, sample.buffer.bytes() + bytes.size());
  sample.size = bytes.size() + (lacks_end ? end.size() : 0);
  Lexer lexer(preamble.dialect, preamble.line_end, csv::Scanner::Form::automatic);
  lexer.start();
  lexer.scan(sample, sample.size, is_whole);

  std::size_t entries = sample.index.size();
  while (entries > 0 && !lexer.ends_record(sample, sample.index[entries - 1], is_whole)) --entries;
  if (entries == 0) return;
  sample.index.truncate(entries);
  sample.size = sample.index[entries - 1] + std::size_t{1};

  csv::Parser parser(preamble.dialect, preamble.line_end);
  parser.start(sample.parse_input());
  for (csv::Record record; parser.next(record);)
    if (record.defect == csv::Defect::none) take(record);
}

std::vector<RecordShape> shapes_of(const Preamble& preamble, std::uint64_t footer_lines) {
  std::vector<RecordShape> shapes;
  look_at_records(preamble, [&shapes](const csv::Record& record) {
    const csv::Field* const last = record.fields.empty() ? nullptr : &record.fields.back();
    shapes.push_back({record.fields.size(), last != nullptr && last->size == 0 && !last->quoted});
  });
  const bool has_end = preamble.is_whole && preamble.read_ahead.size() <= limits::fingerprint_bytes;
  if (has_end) shapes.resize(shapes.size() - std::min<std::size_t>(shapes.size(), footer_lines));
  return shapes;
}

}  // namespace sluice::chunk

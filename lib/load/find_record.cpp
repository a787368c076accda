#include "load/find_record.hpp"

#include <algorithm>
#include <vector>

#include "chunk/chunker.hpp"

namespace sluice::load {
namespace {

/// To where the chunker began: behind what was read with the preamble.
bool go_to_first_record(const plan::Plan& plan) {
  if (!plan.source->rewind()) return false;
  std::uint64_t left = plan.preamble.start.byte_offset + plan.preamble.read_ahead.size();
  std::vector<char> bytes(limits::chunk_bytes_default);
  while (left > 0) {
    const std::size_t wanted = std::min<std::uint64_t>(left, bytes.size());
    const std::size_t taken = plan.source->read(bytes.data(), wanted);
    if (taken == 0) return false;
    left -= taken;
  }
  return true;
}

}  // namespace

std::optional<tuple::Reject> find_record(const plan::Plan& plan, std::uint64_t record) {
  if (!go_to_first_record(plan)) return std::nullopt;
  chunk::Chunker chunker(*plan.source, plan.preamble, plan.chunker_options());
  chunk::Chunk chunk;
  do {
    if (!chunker.next(chunk)) return std::nullopt;
  } while (chunk.start.record + chunk.records <= record);
  csv::Parser parser(plan.encoder.dialect, plan.encoder.line_end);
  parser.start(chunk.parse_input());
  csv::Record found;
  const std::uint64_t number = record - chunk.start.record;
  for (std::uint64_t i = 0; i <= number; ++i)
    if (!parser.next(found)) return std::nullopt;
  tuple::Reject reject;
  reject.begin = found.begin;
  reject.size = found.end - found.begin;
  reject.position = chunk::PositionCounter(chunk, plan.encoder.line_end).at(found.begin, number);
  return reject;
}

}  // namespace sluice::load

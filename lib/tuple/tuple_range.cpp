#include "tuple/tuple_range.hpp"

#include <cassert>
#include <cstring>

#include "base/endian.hpp"

namespace sluice::tuple {

TupleRange whole(const Batch& batch, LaneName lane) {
  TupleRange range{lane, batch.lane(lane).tuples, {batch.lane(lane).bytes(), {}, {}}};
  if (lane == LaneName::fast) {
    std::string_view tuples = range.pieces[0];
    tuples.remove_prefix(binary_format::header.size());
    tuples.remove_suffix(binary_format::trailer.size());
    range.pieces = {binary_format::header, tuples, binary_format::trailer};
  }
  range.keys_may_repeat = batch.keys.may_repeat;
  range.keys_are_rising = batch.keys.is_rising;
  return range;
}

namespace {

void append(Lane& lane, std::string_view bytes) {
  if (bytes.empty()) return;
  lane.buffer.reserve(lane.size + bytes.size());
  std::memcpy(lane.buffer.bytes() + lane.size, bytes.data(), bytes.size());
  lane.size += bytes.size();
}

}  // namespace

Batch together(const std::vector<const Batch*>& batches) {
  Batch all;
  std::size_t fast_bytes = 0;
  std::size_t slow_bytes = 0;
  for (const Batch* batch : batches) {
    fast_bytes += batch->fast.size;
    slow_bytes += batch->slow.size;
    all.fast.tuples += batch->fast.tuples;
    all.slow.tuples += batch->slow.tuples;
    all.records += batch->records;
    all.blank_lines += batch->blank_lines;
    all.rejects += batch->rejects;
    all.ragged += batch->ragged;
  }
  all.fast.buffer.reserve(fast_bytes);
  all.slow.buffer.reserve(slow_bytes);
  // A plan without a fast lane leaves it without a header.
  if (all.fast.tuples > 0) append(all.fast, binary_format::header);
  for (const Batch* batch : batches) {
    if (batch->fast.tuples > 0) append(all.fast, whole(*batch, LaneName::fast).pieces[1]);
    append(all.slow, batch->slow.bytes());
  }
  if (all.fast.tuples > 0) append(all.fast, binary_format::trailer);
  return all;
}

Batch slow_without(const Batch& batch, const std::vector<std::uint64_t>& numbers) {
  Batch rest;
  rest.slow.buffer.reserve(batch.slow.size);
  TupleCutter cutter(batch, LaneName::slow);
  std::uint64_t first = 0;
  const auto take_to = [&](std::uint64_t end) {
    if (first < end) append(rest.slow, cutter.cut(first, end).pieces[0]);
    rest.slow.tuples += end - first;
  };
  for (const std::uint64_t number : numbers) {
    take_to(number);
    first = number + 1;
  }
  take_to(batch.slow.tuples);
  return rest;
}

TupleCutter::TupleCutter(const Batch& batch, LaneName lane)
    : lane_(batch.lane(lane)), name_(lane), at_offset_(begin()) {}

std::size_t TupleCutter::begin() const {
  return name_ == LaneName::fast ? binary_format::header.size() : 0;
}

TupleRange TupleCutter::cut(std::uint64_t first, std::uint64_t end) {
  assert(first <= end && end <= lane_.tuples);
  if (first < at_tuple_) {
    at_tuple_ = 0;
    at_offset_ = begin();
  }
  at_offset_ = walk(at_offset_, first - at_tuple_);
  at_tuple_ = first;
  const std::size_t behind = walk(at_offset_, end - first);
  const std::string_view bytes = lane_.bytes().substr(at_offset_, behind - at_offset_);
  if (name_ == LaneName::slow) return {name_, end - first, {bytes, {}, {}}};
  return {name_, end - first, {binary_format::header, bytes, binary_format::trailer}};
}

/// The offset behind so many tuples.
std::size_t TupleCutter::walk(std::size_t offset, std::uint64_t tuples) const {
  const char* const bytes = lane_.buffer.bytes();
  for (; tuples > 0; --tuples) {
    if (name_ == LaneName::slow) {  // a newline inside a value is written as \n
      const void* const newline = std::memchr(bytes + offset, '\n', lane_.size - offset);
      offset = static_cast<std::size_t>(static_cast<const char*>(newline) - bytes) + 1;
      continue;
    }
    auto fields = load_big_endian<std::int16_t>(bytes + offset);
    offset += sizeof fields;
    for (; fields > 0; --fields) {
      const auto size = load_big_endian<std::int32_t>(bytes + offset);
      offset += sizeof size + (size > 0 ? static_cast<std::size_t>(size) : 0);
    }
  }
  return offset;
}

}  // namespace sluice::tuple

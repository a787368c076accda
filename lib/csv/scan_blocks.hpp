#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "csv/scanner.hpp"

namespace sluice::csv::detail {

inline constexpr std::size_t block_bytes = 64;

/// One 64-byte step of a scan, from masks that have a bit for each byte; the same for every form.
///
/// `quotes` are all quotes, `in_quotes` the bytes between an opening quote (included) and its
/// closing one (excluded).
struct BlockMasks {
  std::uint64_t delimiters;
  std::uint64_t line_feeds;
  std::uint64_t carriage_returns;
  std::uint64_t quotes;
  std::uint64_t in_quotes;
};

/// Bits below `count`, or all of them.
inline std::uint64_t first_bits(std::size_t count) {
  return count >= block_bytes ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

/// Writes the places of all bits of `mask`, and returns how many. Eight are written each time,
/// whether there are as many or not, so that the usual block needs no branch for each of them.
/// REQUIRES: room for 64 entries.
inline std::size_t write_places(std::uint64_t mask, std::uint32_t base, std::uint32_t* out) {
  static constexpr std::size_t at_once = 8;
  const auto count = static_cast<std::size_t>(std::popcount(mask));
  for (std::size_t written = 0; written < count; written += at_once) {
    for (std::size_t i = 0; i < at_once; ++i) {
      out[written + i] = base + static_cast<std::uint32_t>(std::countr_zero(mask));
      mask &= mask - 1;
    }
  }
  return count;
}

/// The scan's loop. `Lanes` has the machine's instructions: its constructor takes the dialect, and
/// masks(bytes, inside) gives the masks of 64 bytes, where `inside` is all ones if the bytes before
/// were in quotes.
template <class Lanes>
[[gnu::always_inline]] inline void scan_blocks(const Dialect& dialect, const char* bytes,
                                               std::size_t begin, std::size_t end, ScanState& state,
                                               StructuralIndex& index) {
  static constexpr std::size_t room = 16 * block_bytes;  // entries reserved at once
  const Lanes lanes(dialect);
  std::uint64_t inside = state.in_quotes ? ~std::uint64_t{0} : 0;
  std::uint64_t line_feeds = 0;
  std::uint64_t carriage_returns = 0;
  std::uint64_t opening = 0;
  std::size_t at = begin;
  while (at < end) {
    // As many blocks as have room for an entry a byte.
    const std::size_t stop = std::min(end, at + room);
    std::uint32_t* const first = index.tail(room + block_bytes);
    std::uint32_t* out = first;
    for (; at < stop; at += block_bytes) {
      const std::uint64_t valid = first_bits(end - at);
      const BlockMasks m = lanes.masks(bytes + at, inside, valid);
      const std::uint64_t line_ends = (m.line_feeds | m.carriage_returns) & ~m.in_quotes;
      const std::uint64_t opens = m.quotes & m.in_quotes;
      const std::uint64_t structure = (((m.delimiters & ~m.in_quotes) | line_ends) | opens) & valid;
      line_feeds += static_cast<std::uint64_t>(std::popcount(m.line_feeds & line_ends & valid));
      carriage_returns +=
          static_cast<std::uint64_t>(std::popcount(m.carriage_returns & line_ends & valid));
      opening += static_cast<std::uint64_t>(std::popcount(opens));
      inside = static_cast<std::uint64_t>(static_cast<std::int64_t>(m.in_quotes) >> 63);
      out += write_places(structure, static_cast<std::uint32_t>(at), out);
    }
    index.extend(static_cast<std::size_t>(out - first));
  }
  state.in_quotes = inside != 0;
  state.after_escape = false;
  state.line_feeds += line_feeds;
  state.carriage_returns += carriage_returns;
  state.quotes += opening;
}

/// Bit i of the result is the parity of bits 0..i: where it is odd, byte i is in quotes.
inline std::uint64_t prefix_parity(std::uint64_t bits) {
  for (unsigned step = 1; step < 64; step *= 2) bits ^= bits << step;
  return bits;
}

}  // namespace sluice::csv::detail

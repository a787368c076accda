#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>

#include "csv/scanner.hpp"

namespace sluice::csv::detail {

inline constexpr std::size_t block_bytes = 64;

/// Of 64 bytes a bit for each that is such a one. Of a delimiter of several bytes it is the last
/// one that counts.
struct BlockMasks {
  std::uint64_t delimiters = 0;
  std::uint64_t line_feeds = 0;
  std::uint64_t carriage_returns = 0;
  std::uint64_t quotes = 0;
  std::uint64_t escapes = 0;
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

/// Which of these bytes are escaped: each behind an escape that is not escaped itself. `carry`: the
/// first byte is (Langdale and Lemire, section 3.1.1).
inline std::uint64_t escaped_bytes(std::uint64_t escapes, std::uint64_t carry) {
  static constexpr std::uint64_t even_bits = 0x5555555555555555U;
  escapes &= ~carry;
  const std::uint64_t follows = escapes << 1U | carry;
  const std::uint64_t starts_on_odd = escapes & ~even_bits & ~follows;
  const std::uint64_t invert = (starts_on_odd + escapes) << 1U;
  return (even_bits ^ invert) & follows;
}

/// What stays of the ends of delimiters of `size` bytes where two share a byte: the first counts.
/// `free_from` is where the bytes are that belong to none yet.
inline std::uint64_t separate(std::uint64_t ends, std::size_t base, std::size_t size,
                              std::size_t& free_from) {
  std::uint64_t kept = 0;
  for (; ends != 0; ends &= ends - 1) {
    const std::size_t end = base + static_cast<std::size_t>(std::countr_zero(ends)) + 1;
    if (end < free_from + size) continue;
    kept |= ends & -ends;
    free_from = end;
  }
  return kept;
}

/// Bit i of the result is the parity of bits 0..i: where it is odd, byte i is in quotes.
inline std::uint64_t prefix_parity(std::uint64_t bits) {
  for (unsigned step = 1; step < 64; step *= 2) bits ^= bits << step;
  return bits;
}

/// What of a block is data whatever it looks like, and where escapes stand.
struct BlockEscapes {
  std::uint64_t escaped = 0;
  std::uint64_t escapes = 0;
};

/// The last of the bytes that are valid.
inline std::uint64_t last_of(std::uint64_t valid) { return valid ^ (valid >> 1U); }

[[gnu::always_inline]] inline BlockEscapes escapes_of(const BlockMasks& m, std::uint64_t valid,
                                                      Escapes kind, ScanState& state) {
  const std::uint64_t all = m.escapes & valid;
  BlockEscapes found;
  found.escaped = escaped_bytes(all, state.after_escape ? 1 : 0) & valid;
  // An escape takes both bytes of a CRLF, but not in COPY's text format.
  if (kind == Escapes::everywhere) {
    const std::uint64_t behind_return =
        (found.escaped & m.carriage_returns) << 1U | (state.after_escaped_return ? 1U : 0U);
    found.escaped |= behind_return & m.line_feeds & valid;
  }
  found.escapes = all & ~found.escaped;
  state.after_escape = (found.escapes & last_of(valid)) != 0;
  state.after_escaped_return = (found.escaped & m.carriage_returns & last_of(valid)) != 0;
  return found;
}

/// The ends of delimiters of several bytes, of those that look like one. An escape takes a
/// delimiter's first byte.
[[gnu::always_inline]] inline std::uint64_t wide_delimiters(std::uint64_t ends,
                                                            std::uint64_t escaped,
                                                            std::uint64_t valid, std::size_t at,
                                                            std::size_t size, ScanState& state) {
  const std::size_t reach = size - 1;  // back from its last byte
  ends &= ~(escaped << reach | state.escaped_before >> (block_bytes - reach)) & valid;
  if (ends != 0) ends = separate(ends, at, size, state.behind_delimiter);
  const auto unused = static_cast<unsigned>(std::countl_zero(valid));
  const std::uint64_t older = unused == 0 ? 0 : state.escaped_before >> (block_bytes - unused);
  state.escaped_before = older | escaped << unused;
  return ends;
}

/// How many LF among the line ends follow a CR among them.
[[gnu::always_inline]] inline std::uint64_t pairs_of(const BlockMasks& m, std::uint64_t line_ends,
                                                     ScanState& state, std::uint64_t valid) {
  const std::uint64_t returns = m.carriage_returns & line_ends;
  const std::uint64_t behind = returns << 1U | (state.after_return ? 1U : 0U);
  state.after_return = (returns & last_of(valid)) != 0;
  return static_cast<std::uint64_t>(std::popcount(behind & m.line_feeds & line_ends));
}

/// The scan's loop. `Lanes` has the machine's instructions: its constructor takes the dialect,
/// masks<traits>(bytes) gives the masks of 64 bytes, and parity(bits) is prefix_parity().
template <class Lanes, ScanTraits traits>
[[gnu::always_inline]] inline void scan_blocks(const Dialect& dialect, const char* bytes,
                                               std::size_t begin, std::size_t end, ScanState& state,
                                               StructuralIndex& index) {
  static constexpr std::size_t room = 16 * block_bytes;  // entries reserved at once
  const Lanes lanes(dialect);
  const std::size_t delimiter_size = dialect.delimiter.size();
  const Escapes kind = dialect.escapes;
  char beginning[Delimiter::bytes_max + block_bytes];
  ScanState now = state;
  std::uint64_t inside = state.in_quotes ? ~std::uint64_t{0} : 0;
  std::size_t at = begin;
  while (at < end) {
    // As many blocks as have room for an entry a byte.
    const std::size_t stop = std::min(end, at + room);
    std::uint32_t* const first = index.tail(room + block_bytes);
    std::uint32_t* out = first;
    for (; at < stop; at += block_bytes) {
      const std::uint64_t valid = first_bits(end - at);
      const char* block = bytes + at;
      if constexpr (traits.wide) {
        // What stands before the first byte may not be read.
        if (at < Delimiter::bytes_max) {
          std::memset(beginning, 0, Delimiter::bytes_max);
          std::memcpy(beginning + Delimiter::bytes_max - at, bytes, at + block_bytes);
          block = beginning + Delimiter::bytes_max;
        }
      }
      const BlockMasks m = lanes.template masks<traits>(block);
      BlockEscapes e;
      if constexpr (traits.escapes) e = escapes_of(m, valid, kind, now);
      std::uint64_t quotes = 0;
      std::uint64_t in_quotes = 0;
      if constexpr (traits.quotes) {
        quotes = m.quotes & ~e.escaped & valid;
        in_quotes = lanes.parity(quotes) ^ inside;
      }
      std::uint64_t delimiters = m.delimiters & ~in_quotes;
      if constexpr (traits.wide) {
        delimiters = wide_delimiters(delimiters, e.escaped, valid, at, delimiter_size, now);
      } else {
        delimiters &= ~e.escaped;
      }
      const std::uint64_t line_ends =
          (m.line_feeds | m.carriage_returns) & ~(in_quotes | e.escaped);
      const std::uint64_t opens = quotes & in_quotes;
      const std::uint64_t structure =
          ((delimiters | line_ends) | opens | (e.escapes & ~in_quotes)) & valid;
      now.line_feeds += static_cast<std::uint64_t>(std::popcount(m.line_feeds & line_ends & valid));
      now.carriage_returns +=
          static_cast<std::uint64_t>(std::popcount(m.carriage_returns & line_ends & valid));
      if constexpr (traits.any_line_end) now.pairs += pairs_of(m, line_ends & valid, now, valid);
      now.quotes += static_cast<std::uint64_t>(std::popcount(opens));
      inside = static_cast<std::uint64_t>(static_cast<std::int64_t>(in_quotes) >> 63);
      out += write_places(structure, static_cast<std::uint32_t>(at), out);
    }
    index.extend(static_cast<std::size_t>(out - first));
  }
  now.in_quotes = inside != 0;
  state = now;
}

using Scan = void (*)(const Dialect&, const char*, std::size_t, std::size_t, ScanState&,
                      StructuralIndex&);

/// The traits as the bits of a number, and back.
constexpr std::size_t number_of(ScanTraits t) {
  return (t.quotes ? 1U : 0U) | (t.escapes ? 2U : 0U) | (t.wide ? 4U : 0U) |
         (t.any_line_end ? 8U : 0U);
}
constexpr ScanTraits traits_of(std::size_t number) {
  return {.quotes = (number & 1U) != 0,
          .escapes = (number & 2U) != 0,
          .wide = (number & 4U) != 0,
          .any_line_end = (number & 8U) != 0};
}
inline constexpr std::size_t kinds_of_scan = 16;

}  // namespace sluice::csv::detail

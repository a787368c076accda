#include "csv/scanner.hpp"

#include <array>
#include <cstring>

#include "csv/scan_blocks.hpp"

namespace sluice::csv {

Scanner::Scanner(const Dialect& dialect, Form form)
    : dialect_(dialect), scan_(detail::scan_bytewise) {
  if (!dialect.escapes_by_doubling()) return;
  scan_ = detail::scan_portable;
  const detail::VectorScan vector = detail::vector_scan();
  if (form == Form::automatic && vector.scan != nullptr) scan_ = vector.scan;
}

const char* Scanner::form() const {
  if (scan_ == detail::scan_bytewise) return "bytewise";
  return scan_ == detail::scan_portable ? "portable" : detail::vector_scan().form;
}

namespace detail {

void scan_bytewise(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index) {
  std::array<bool, 256> special{};
  for (const char c : {dialect.delimiter, dialect.quote, dialect.escape, '\n', '\r'}) {
    special[static_cast<unsigned char>(c)] = true;
  }
  const bool doubling = dialect.escapes_by_doubling();
  bool in_quotes = state.in_quotes;
  bool after_escape = state.after_escape;
  for (std::size_t at = begin; at < end; ++at) {
    const char c = bytes[at];
    if (!special[static_cast<unsigned char>(c)]) {
      after_escape = false;
      continue;
    }
    if (in_quotes) {
      if (!doubling && c == dialect.escape) {
        after_escape = !after_escape;
        continue;
      }
      if (c == dialect.quote && !after_escape) in_quotes = false;
    } else if (c == dialect.quote) {
      in_quotes = true;
      ++state.quotes;
      index.push_back(static_cast<std::uint32_t>(at));
    } else if (doubling || c != dialect.escape) {
      if (c == '\n') ++state.line_feeds;
      if (c == '\r') ++state.carriage_returns;
      index.push_back(static_cast<std::uint32_t>(at));
    }
    after_escape = false;
  }
  state.in_quotes = in_quotes;
  state.after_escape = after_escape;
}

namespace {

/// Eight bytes in a word, eight words in a block.
class WordLanes {
 public:
  explicit WordLanes(const Dialect& dialect)
      : delimiter_(everywhere(dialect.delimiter)), quote_(everywhere(dialect.quote)) {}

  BlockMasks masks(const char* bytes, std::uint64_t inside, std::uint64_t valid) const {
    BlockMasks m{};
    for (unsigned i = 0; i < 8; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes + std::size_t{8} * i, sizeof word);
      if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
      const unsigned shift = 8 * i;
      m.delimiters |= equal_to(word, delimiter_) << shift;
      m.line_feeds |= equal_to(word, everywhere('\n')) << shift;
      m.carriage_returns |= equal_to(word, everywhere('\r')) << shift;
      m.quotes |= equal_to(word, quote_) << shift;
    }
    m.quotes &= valid;
    m.in_quotes = (m.quotes == 0 ? 0 : prefix_parity(m.quotes)) ^ inside;
    return m;
  }

 private:
  static constexpr std::uint64_t everywhere(char c) {
    return 0x0101010101010101U * static_cast<unsigned char>(c);
  }

  /// A bit for each byte of `word` that is the one in `pattern`.
  static std::uint64_t equal_to(std::uint64_t word, std::uint64_t pattern) {
    static constexpr std::uint64_t low_bits = 0x7f7f7f7f7f7f7f7fU;
    const std::uint64_t difference = word ^ pattern;
    // The top bit of each byte that is zero: exact for all bytes, no borrow goes from one to the
    // next.
    const std::uint64_t zeros = ~(((difference & low_bits) + low_bits) | difference | low_bits);
    // Gathers the eight top bits: each lands in another bit of the product's top byte.
    return (zeros >> 7) * 0x0102040810204080U >> 56;
  }

  std::uint64_t delimiter_;
  std::uint64_t quote_;
};

}  // namespace

void scan_portable(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index) {
  scan_blocks<WordLanes>(dialect, bytes, begin, end, state, index);
}

}  // namespace detail
}  // namespace sluice::csv

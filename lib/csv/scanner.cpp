#include "csv/scanner.hpp"

#include <array>
#include <cstring>
#include <utility>

#include "csv/scan_blocks.hpp"

namespace sluice::csv {

Scanner::Scanner(const Dialect& dialect, Form form, LineEnd line_end)
    : dialect_(dialect), scan_(detail::scan_bytewise), form_("bytewise") {
  if (!dialect.escapes_by_doubling() && !dialect.escapes_everywhere()) return;
  const ScanTraits traits{.quotes = dialect.has_quotes(),
                          .escapes = dialect.escapes_everywhere(),
                          .wide = dialect.delimiter.size() > 1,
                          .any_line_end = line_end == LineEnd::any};
  detail::ScanForm chosen = detail::portable_scan(traits);
  const detail::ScanForm vector = detail::vector_scan(traits);
  if (form == Form::automatic && vector.scan != nullptr) chosen = vector;
  scan_ = chosen.scan;
  form_ = chosen.form;
}

namespace detail {
namespace {

/// Where a byte stands, for scan_bytewise().
class Bytewise {
 public:
  Bytewise(const Dialect& dialect, const char* bytes, ScanState& state, StructuralIndex& index)
      : dialect_(dialect), bytes_(bytes), state_(state), index_(index) {}

  void take(std::size_t at) {
    const char c = bytes_[at];
    const bool is_escaped = escapes(at);
    const bool begins_escape = !is_escaped && is_escape(c);
    state_.after_escape = begins_escape;
    state_.after_escaped_return = is_escaped && c == '\r';
    state_.escaped_before = state_.escaped_before >> 1U | (is_escaped ? top_bit : 0);
    const bool behind_return = state_.after_return;
    state_.after_return = false;
    if (begins_escape) {
      if (!state_.in_quotes) add(at);
    } else if (dialect_.has_quotes() && c == dialect_.quote && !is_escaped) {
      state_.in_quotes = !state_.in_quotes;
      if (state_.in_quotes) add(at), ++state_.quotes;
    } else if (state_.in_quotes || (is_escaped && dialect_.delimiter.size() == 1)) {
      return;
    } else if (ends_delimiter(at)) {
      state_.behind_delimiter = at + 1;
      add(at);
    } else if (!is_escaped && (c == '\n' || c == '\r')) {
      if (c == '\n' && behind_return) ++state_.pairs;
      ++(c == '\n' ? state_.line_feeds : state_.carriage_returns);
      state_.after_return = c == '\r';
      add(at);
    }
  }

 private:
  static constexpr std::uint64_t top_bit = std::uint64_t{1} << 63U;

  void add(std::size_t at) { index_.push_back(static_cast<std::uint32_t>(at)); }

  bool escapes(std::size_t at) const {
    const bool in_pair = state_.after_escaped_return && bytes_[at] == '\n' &&
                         dialect_.escapes == Escapes::everywhere;
    return state_.after_escape || in_pair;
  }

  bool is_escape(char c) const {
    if (c != dialect_.escape || dialect_.escapes_by_doubling()) return false;
    return dialect_.escapes_everywhere() || state_.in_quotes;
  }

  /// Whether it is the last byte of a delimiter, whose first one is not escaped.
  bool ends_delimiter(std::size_t at) const {
    const std::string_view delimiter = dialect_.delimiter.text();
    if (at + 1 < state_.behind_delimiter + delimiter.size()) return false;
    if ((state_.escaped_before << (delimiter.size() - 1) & top_bit) != 0) return false;
    return std::string_view(bytes_ + at + 1 - delimiter.size(), delimiter.size()) == delimiter;
  }

  const Dialect& dialect_;
  const char* bytes_;
  ScanState& state_;
  StructuralIndex& index_;
};

}  // namespace

void scan_bytewise(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index) {
  std::array<bool, 256> special{};
  for (const char c : {dialect.delimiter.last(), dialect.quote, dialect.escape, '\n', '\r'}) {
    special[static_cast<unsigned char>(c)] = true;
  }
  Bytewise byte(dialect, bytes, state, index);
  bool was_special = true;
  for (std::size_t at = begin; at < end; ++at) {
    // Behind two plain bytes there is nothing left to remember, nor behind one and a short
    // delimiter.
    const bool is_special = special[static_cast<unsigned char>(bytes[at])];
    if (is_special || was_special || dialect.delimiter.size() > 1) byte.take(at);
    was_special = is_special;
  }
}

namespace {

/// Eight bytes in a word, eight words in a block.
class WordLanes {
 public:
  explicit WordLanes(const Dialect& dialect)
      : delimiter_(dialect.delimiter.text()),
        last_(everywhere(dialect.delimiter.last())),
        quote_(everywhere(dialect.quote)),
        escape_(everywhere(dialect.escape)) {}

  static std::uint64_t parity(std::uint64_t bits) { return bits == 0 ? 0 : prefix_parity(bits); }

  template <ScanTraits traits>
  BlockMasks masks(const char* bytes) const {
    BlockMasks m;
    for (unsigned i = 0; i < 8; ++i) {
      const std::uint64_t word = word_at(bytes + std::size_t{8} * i);
      const unsigned shift = 8 * i;
      std::uint64_t delimiters = equal_to(word, last_);
      if constexpr (traits.wide) {
        const std::size_t reach = delimiter_.size() - 1;
        for (std::size_t back = 1; back <= reach && delimiters != 0; ++back) {
          delimiters &= equal_to(word_at(bytes + std::size_t{8} * i - back),
                                 everywhere(delimiter_[reach - back]));
        }
      }
      m.delimiters |= delimiters << shift;
      m.line_feeds |= equal_to(word, everywhere('\n')) << shift;
      m.carriage_returns |= equal_to(word, everywhere('\r')) << shift;
      if constexpr (traits.quotes) m.quotes |= equal_to(word, quote_) << shift;
      if constexpr (traits.escapes) m.escapes |= equal_to(word, escape_) << shift;
    }
    return m;
  }

 private:
  static std::uint64_t word_at(const char* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
    return word;
  }

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

  std::string_view delimiter_;
  std::uint64_t last_;
  std::uint64_t quote_;
  std::uint64_t escape_;
};

template <std::size_t kind>
void scan_portable(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index) {
  scan_blocks<WordLanes, traits_of(kind)>(dialect, bytes, begin, end, state, index);
}

template <std::size_t... kinds>
constexpr std::array<Scan, kinds_of_scan> all_scans(std::index_sequence<kinds...> /*all*/) {
  return {scan_portable<kinds>...};
}

}  // namespace

ScanForm portable_scan(ScanTraits traits) {
  static constexpr auto scans = all_scans(std::make_index_sequence<kinds_of_scan>());
  return {"portable", scans[number_of(traits)]};
}

}  // namespace detail
}  // namespace sluice::csv

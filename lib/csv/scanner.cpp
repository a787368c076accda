#include "csv/scanner.hpp"

#include <array>

namespace sluice::csv {

Scanner::Scanner(const Dialect& dialect, Form form)
    : dialect_(dialect), scan_(detail::scan_portable) {
  if (form == Form::automatic && dialect.escapes_by_doubling() && detail::has_avx2()) {
    scan_ = detail::scan_avx2;
  }
}

const char* Scanner::form() const { return scan_ == detail::scan_avx2 ? "avx2" : "portable"; }

namespace detail {

void scan_portable(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
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
      index.push_back(static_cast<std::uint32_t>(at));
    } else if (doubling || c != dialect.escape) {
      index.push_back(static_cast<std::uint32_t>(at));
    }
    after_escape = false;
  }
  state = {in_quotes, after_escape};
}

}  // namespace detail
}  // namespace sluice::csv

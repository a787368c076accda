#pragma once

#include <cstddef>
#include <cstdint>

#include "csv/dialect.hpp"
#include "csv/structural_index.hpp"

namespace sluice::csv {

/// What a scan carries from one stretch to the next, and what it counts on the way.
struct ScanState {
  bool in_quotes = false;
  bool after_escape = false;  ///< only where escape and quote differ
  // Counted over all stretches:
  std::uint64_t line_feeds = 0;        ///< outside quotes
  std::uint64_t carriage_returns = 0;  ///< outside quotes
  std::uint64_t quotes = 0;            ///< those that open a quoted section
};

/// Finds the structure of CSV bytes, so that chunker and parser look at each byte once.
///
/// It is PostgreSQL's quote state machine (copyfromparse.c, CopyReadLineText): a quote toggles
/// anywhere in a field, and an escape counts inside quotes only. Where the escape is the quote
/// itself, parity is enough, and 64 bytes are looked at together (Langdale and Lemire, "Parsing
/// Gigabytes of JSON per Second", section 3.1): with AVX2 and a carry-less multiplication, with
/// NEON, or with nothing but 64-bit words. Another escape needs the state machine byte by byte.
class Scanner {
 public:
  enum class Form { automatic, portable };

  explicit Scanner(const Dialect& dialect, Form form = Form::automatic);

  /// Appends the structure of bytes[begin, end) to `index`; offsets count from `bytes`. `state`
  /// says how the stretch begins, and afterwards how it ends. REQUIRES: end fits 32 bits; 64 bytes
  /// behind `end` may be read (their content does not matter).
  void scan(const char* bytes, std::size_t begin, std::size_t end, ScanState& state,
            StructuralIndex& index) const {
    scan_(dialect_, bytes, begin, end, state, index);
  }

  /// Which form runs: "avx2", "neon", "portable", or "bytewise" for an escape that is not the
  /// quote.
  const char* form() const;

  /// How many bytes behind the end of a stretch a scan may read.
  static constexpr std::size_t padding = 64;

 private:
  using Scan = void (*)(const Dialect&, const char*, std::size_t, std::size_t, ScanState&,
                        StructuralIndex&);

  Dialect dialect_;
  Scan scan_;
};

namespace detail {
void scan_bytewise(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index);
void scan_portable(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index);
/// With the machine's vector instructions; nullptr where it has none that we know.
struct VectorScan {
  const char* form = nullptr;
  void (*scan)(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
               ScanState& state, StructuralIndex& index) = nullptr;
};
VectorScan vector_scan();
}  // namespace detail

}  // namespace sluice::csv

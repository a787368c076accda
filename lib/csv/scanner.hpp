#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "csv/dialect.hpp"

namespace sluice::csv {

/// The structural index of a stretch of CSV: the offsets, in order, of every delimiter, CR and LF
/// outside quotes, and of every quote that opens a quoted section. A doubled quote inside quotes
/// closes and opens, so it has an entry too.
using StructuralIndex = std::vector<std::uint32_t>;

/// What a scan carries from one stretch to the next.
struct ScanState {
  bool in_quotes = false;
  bool after_escape = false;  ///< only where escape and quote differ
};

/// Finds the structure of CSV bytes, so that chunker and parser look at each byte once.
///
/// It is PostgreSQL's quote state machine (copyfromparse.c, CopyReadLineText): a quote toggles
/// anywhere in a field, and an escape counts inside quotes only. Where the escape is the quote
/// itself, parity is enough: the AVX2 form computes it with a carry-less multiplication (Langdale
/// and Lemire, "Parsing Gigabytes of JSON per Second", section 3.1.1).
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

  /// Which form runs: "avx2" or "portable".
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
void scan_portable(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index);
void scan_avx2(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
               ScanState& state, StructuralIndex& index);
bool has_avx2();
}  // namespace detail

}  // namespace sluice::csv

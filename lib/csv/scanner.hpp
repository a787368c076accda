#pragma once

#include <cstddef>
#include <cstdint>

#include "csv/dialect.hpp"
#include "csv/structural_index.hpp"

namespace sluice::csv {

/// What a scan carries from one stretch to the next, and what it counts on the way.
struct ScanState {
  bool in_quotes = false;
  bool after_escape = false;          ///< the next byte is escaped
  bool after_escaped_return = false;  ///< where an escape counts everywhere
  bool after_return = false;          ///< outside quotes, where any line end counts
  std::uint64_t escaped_before = 0;   ///< of the last 64 bytes, the last one at the top bit; where
                                      ///< a delimiter has several bytes
  std::size_t behind_delimiter = 0;   ///< where the last one of several bytes ended
  // Counted over all stretches:
  std::uint64_t line_feeds = 0;        ///< outside quotes, and not escaped
  std::uint64_t carriage_returns = 0;  ///< the same
  std::uint64_t pairs = 0;             ///< a CR and an LF of these, where any line end counts
  std::uint64_t quotes = 0;            ///< those that open a quoted section
};

/// What of a dialect decides how it is scanned: each combination has code of its own, so that none
/// pays for what others need.
struct ScanTraits {
  bool quotes = true;
  bool escapes = false;       ///< which count everywhere
  bool wide = false;          ///< the delimiter has several bytes
  bool any_line_end = false;  ///< pairs are counted
};

/// Finds the structure of CSV bytes, so that chunker and parser look at each byte once.
///
/// It is PostgreSQL's quote state machine (copyfromparse.c, CopyReadLineText): a quote toggles
/// anywhere in a field, and an escape counts inside quotes only. Where the escape is the quote
/// itself, parity is enough, and 64 bytes are looked at together (Langdale and Lemire, "Parsing
/// Gigabytes of JSON per Second", section 3.1): with AVX2 and a carry-less multiplication, with
/// NEON, or with nothing but 64-bit words. So they are where an escape counts everywhere, without
/// quotes, and for delimiters of several bytes. An escape that counts inside quotes only needs the
/// state machine byte by byte.
class Scanner {
 public:
  enum class Form { automatic, portable };

  /// The line end only decides what is counted.
  explicit Scanner(const Dialect& dialect, Form form = Form::automatic,
                   LineEnd line_end = LineEnd::lf);

  /// Appends the structure of bytes[begin, end) to `index`; offsets count from `bytes`. `state`
  /// says how the stretch begins, and afterwards how it ends. REQUIRES: end fits 32 bits; 64 bytes
  /// behind `end` may be read (their content does not matter).
  void scan(const char* bytes, std::size_t begin, std::size_t end, ScanState& state,
            StructuralIndex& index) const {
    scan_(dialect_, bytes, begin, end, state, index);
  }

  /// Which form runs: "avx2", "neon", "portable", or "bytewise" for an escape that is not the
  /// quote and counts inside quotes only.
  const char* form() const { return form_; }

  /// How many bytes behind the end of a stretch a scan may read.
  static constexpr std::size_t padding = 64;

 private:
  using Scan = void (*)(const Dialect&, const char*, std::size_t, std::size_t, ScanState&,
                        StructuralIndex&);

  Dialect dialect_;
  Scan scan_;
  const char* form_;
};

namespace detail {
/// The state machine itself: for any dialect, and what the other forms are compared with.
void scan_bytewise(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
                   ScanState& state, StructuralIndex& index);
struct ScanForm {
  const char* form = nullptr;
  void (*scan)(const Dialect& dialect, const char* bytes, std::size_t begin, std::size_t end,
               ScanState& state, StructuralIndex& index) = nullptr;
};
ScanForm portable_scan(ScanTraits traits);
/// With the machine's vector instructions; nullptr where it has none that we know.
ScanForm vector_scan(ScanTraits traits);
}  // namespace detail

}  // namespace sluice::csv

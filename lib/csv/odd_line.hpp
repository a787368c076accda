#pragma once

#include <cstdint>

namespace sluice::csv {

/// A physical line that is no record of its own right, as the chunker has found: the structure has
/// no entry for what is in it.
struct OddLine {
  enum class Kind {
    comment,             ///< no record at all
    unterminated_quote,  ///< the first line of a record that the input's end leaves open
    too_long,            ///< ... of one that is larger than a record may be
    too_many_lines,      ///< ... of one that has more lines than a record may have
  };

  std::uint32_t begin = 0;
  std::uint32_t end = 0;     ///< without its line end
  std::uint32_t behind = 0;  ///< with it
  Kind kind = Kind::comment;

  bool is_record() const { return kind != Kind::comment; }
};

}  // namespace sluice::csv

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chunk/preamble.hpp"
#include "plan/options.hpp"
#include "source/fingerprint.hpp"
#include "source/source.hpp"

namespace sluice::plan {

/// What tells a source from others.
struct Digests {
  std::string fingerprint;
  std::string head;
  source::MarkedDigests marked;
};

/// How a source begins, and what it says of itself with that.
struct Beginning {
  chunk::Preamble preamble;
  Digests digests;
  bool header_ends_blank = false;         ///< its last name is empty
  std::optional<std::string> null_bytes;  ///< the text for NULL, where the source has it otherwise
};

/// Reads it. Blocking. Throws Failure for what is no CSV.
Beginning read_beginning(source::Source& source, const LoadOptions& options);

/// Reads it once more, from where the source stands. REQUIRES: the options are those of the plan.
chunk::Preamble read_preamble(source::Source& source, const LoadOptions& options);

/// What the source has said of its dialect holds from here on.
void adopt(LoadOptions& options, const chunk::Preamble& preamble);

/// The names of the header without those at its end that are no column's.
std::optional<std::vector<std::string>> header_names(const chunk::Preamble& preamble,
                                                     const LoadOptions& options);

}  // namespace sluice::plan

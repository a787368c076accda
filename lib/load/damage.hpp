#pragma once

#include <exception>
#include <string>

#include "load/run.hpp"
#include "plan/options.hpp"
#include "source/source.hpp"

namespace sluice::load {

/// What a load reads, and whether it keeps rows of that: for when it has failed.
struct PackedFile {
  explicit PackedFile(const plan::LoadOptions& options);

  std::string path;
  source::UnpackOptions unpack;
  bool keeps_rows = true;  ///< neither --dry-run nor a check
};

/// The failure of a run with what to do about its source, and the report with what makes the same
/// command go on, where the source is why it failed. What is packed has its checksum at its end: a
/// record that is bad may be so because of damage, so that all of it is read once more then, for
/// some seconds at most. `source` is what was read, or nullptr.
asio::awaitable<std::exception_ptr> tell_of_source(Run& run, const source::Source* source,
                                                   PackedFile file, std::exception_ptr failed);

}  // namespace sluice::load

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "app/load_flags.hpp"
#include "report/several.hpp"

namespace sluice::app {

/// What concerns several files.
struct MoreFiles {
  bool keep_going = false;
  bool join = false;  ///< other commands load the same files meanwhile (app/join.hpp)
  std::optional<std::chrono::milliseconds> lease;  ///< ... who are given up after that
  std::size_t segment_bytes = 0;  ///< ... who share larger files in parts of that; 0: as usual
  std::string after = "keep";
  std::chrono::milliseconds wait{};  ///< for a server that is starting, or away
};

/// Loads the files of a command, and says of each how it ended. Files of one chunk go side by side
/// where their order decides nothing, each as a load of its own; larger ones one after the other,
/// with all connections. Returns the exit code of all. Throws Failure for what concerns all of
/// them.
int load_files(const LoadFlags& flags, const MoreFiles& more, report::Several& several);

/// On stdout where it ended well, unless `quiet`; else on stderr. With `names_file` the name of the
/// file stands in front of what became of it.
void print_ending(const report::Ending& ending, bool quiet, bool names_file);

}  // namespace sluice::app

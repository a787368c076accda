#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/loads.hpp"

namespace sluice::load {

/// What to do about a source that the ledger may know. A pure decision; its inputs are all here.
struct History {
  std::vector<ledger::LoadEntry> loads;  ///< newest first, as find_loads gives them
  bool target_is_empty = false;
  bool again = false;
  bool is_file =
      true;  ///< a path names a source that can be looked at again; a stream's name says nothing
};

struct Verdict {
  enum class Kind {
    fresh,           ///< load all of it
    resume,          ///< go on with `load`
    nothing_to_do,   ///< `load` is finished, and its file has not been touched since
    verify,          ///< `load` is finished: nothing to do if the chunks' digests agree
    refuse_changed,  ///< `load` is unfinished, and the file is not what it was
    refuse_options,  ///< `load` is unfinished, and was begun with other options
  };

  Kind kind = Kind::fresh;
  std::optional<ledger::LoadEntry> load;
  std::vector<LoadId> void_loads;  ///< to be declared void when a new load begins
  std::string note;
};

Verdict judge(const History& history, const ledger::NewLoad& now);

/// Names what differs between two sets of row-deciding options: `null: "" then, "NA" now`.
std::string difference_of_options(const std::string& then, const std::string& now);

}  // namespace sluice::load

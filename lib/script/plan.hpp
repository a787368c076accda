#pragma once

#include <optional>
#include <string>
#include <vector>

#include "script/history.hpp"

namespace sluice::script {

/// Where files and history disagree.
struct Drift {
  enum class Kind {
    edited,         ///< applied, and not the same since
    other_file,     ///< another one has its version, and was applied
    missing,        ///< applied, and gone, though others of the folder are later
    behind,         ///< the whole folder is older than the history (--strict)
    out_of_order,   ///< not applied, and older than one that is
    half_edited,    ///< failed half-way, and edited in what is done already
    half_applied,   ///< has ended the transaction that it was to be: nobody knows what is done
    half_reverted,  ///< its way back was begun, and has not ended
    half_squashed,  ///< stands for files of which only some are applied
  };
  Kind kind;
  std::string name;  ///< what `repair --accept` takes: a version, or a repeatable file's name
  std::string path;  ///< of the file; its name alone where it is gone
  std::string message;
};

/// One file with what the history knows of it.
struct Status {
  const Script* script = nullptr;  ///< nothing: the file is gone
  const Entry* entry = nullptr;    ///< nothing: not applied, or below the baseline
  enum class State {
    applied,
    pending,
    changed,
    failed,
    baseline,
    missing,
    later,  ///< applied by a later release than this folder's
  } state = State::pending;
};

/// What there is to do.
struct Plan {
  std::vector<Status> all;  ///< in the order of versions; then the repeatable ones
  /// In the order in which they run; of a script that was begun, its entry too.
  std::vector<Status> pending;
  std::vector<Drift> drift;
  std::vector<std::string> notes;
};

/// Compares. `to` is the last version to run: repeatable scripts wait until no versioned one is
/// pending. A folder that is only behind the history, as an older release is, has nothing to do and
/// is told so, or is drift where `strict`. Script and entries must outlive the plan.
Plan make_plan(const Folder& folder, const History& history, const std::optional<Version>& to,
               bool strict = false);

/// All drift as one message for a person, with what to do.
std::string describe(const std::vector<Drift>& drift);

}  // namespace sluice::script

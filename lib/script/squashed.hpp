#pragma once

#include <map>
#include <optional>
#include <string>

#include "script/history.hpp"

namespace sluice::script {

/// How much of what a file stands for a database has.
struct Squashed {
  enum class Has { all, none, some } has = Has::all;
  std::string missing;  ///< of `some`: what it lacks first, and why, for people
};

/// `versioned` is what the history has of versions, without its baseline. Who has a file that
/// stood for others before this one did needs none of those.
Squashed judge_squashed(const Script& script, const std::map<Version, const Entry*>& versioned,
                        const std::optional<Version>& baseline);

}  // namespace sluice::script

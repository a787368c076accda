#pragma once

#include <optional>
#include <vector>

#include "script/plan.hpp"

namespace sluice::script {

/// How far back.
struct BackWish {
  std::optional<Version> to;  ///< the last version that stays; 0: none
  std::size_t steps = 1;      ///< without `to`
};

/// What is to be taken back, the newest first: scripts of the folder with their entries, whose
/// state is applied, or reverting where a way back has begun already. Throws Failure{changed} for
/// drift, and Failure{usage} for what has no way back.
std::vector<Status> plan_back(const Folder& folder, const History& history, const BackWish& wish);

}  // namespace sluice::script

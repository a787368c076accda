#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load/report.hpp"
#include "load/resources.hpp"
#include "load/shared.hpp"
#include "plan/options.hpp"

namespace sluice::load {

/// An object as a listing has it.
struct ObjectToFind {
  std::string path;
  std::string stamp;
};

/// What the loads of these would report that the ledger knows as loaded, so, and untouched since.
/// Nothing of them is read: the stamp says of which version they are, and the load that has read it
/// what was asked for then. One question to the ledger serves all. What is not clear is left to the
/// loads, and so is all where there is no ledger yet. REQUIRES: of the options nothing deletes or
/// updates rows.
asio::awaitable<std::vector<std::optional<LoadReport>>> find_known_objects(
    Resources on, Shared& shared, const plan::LoadOptions& options,
    const std::vector<ObjectToFind>& objects);

}  // namespace sluice::load

#pragma once

#include <vector>

#include "app/inputs.hpp"
#include "app/load_files.hpp"

namespace sluice::app {

/// Makes of a command one of several that load the same files, on any number of hosts (--join):
/// each takes what no other one has. What keeps them apart are the locks of the loads; that each
/// row comes once is the ledger's doing. The files get an order of this command's own. Throws
/// Failure for what only one command can do.
void join(const LoadFlags& flags, const MoreFiles& more, plan::LoadOptions& options,
          std::vector<Input>& inputs);

}  // namespace sluice::app

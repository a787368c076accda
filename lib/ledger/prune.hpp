#pragma once

#include <chrono>

#include "pg/connection.hpp"

namespace sluice::ledger {

struct PruneOptions {
  std::chrono::milliseconds older{};  ///< than this: the load ended, or began, so long ago
  /// Finished ones too: nothing keeps their files from being loaded once more then.
  bool with_finished = false;
};

struct Pruned {
  std::uint64_t over = 0;           ///< void, given up, or of a table that is gone
  std::uint64_t finished = 0;       ///< of a table that is there
  std::uint64_t kept_finished = 0;  ///< old enough, and kept
};

/// Deletes the entries of old loads with their chunks. Unfinished ones stay, and those that have
/// left an index to build again. Rows of tables are not touched.
asio::awaitable<Pruned> prune(pg::Connection& on, PruneOptions options);

}  // namespace sluice::ledger

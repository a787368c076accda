#pragma once

#include <array>
#include <string_view>

#include "base/names.hpp"

namespace sluice::migrate {

/// Of a table, from the mildest one to the strongest; the words are those of pg_locks:
/// https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
enum class LockMode {
  access_share,
  row_share,
  row_exclusive,
  share_update_exclusive,
  share,
  share_row_exclusive,
  exclusive,
  access_exclusive,
};
constexpr auto names_of(LockMode) {
  return std::array{Named{LockMode::access_share, "AccessShareLock"},
                    Named{LockMode::row_share, "RowShareLock"},
                    Named{LockMode::row_exclusive, "RowExclusiveLock"},
                    Named{LockMode::share_update_exclusive, "ShareUpdateExclusiveLock"},
                    Named{LockMode::share, "ShareLock"},
                    Named{LockMode::share_row_exclusive, "ShareRowExclusiveLock"},
                    Named{LockMode::exclusive, "ExclusiveLock"},
                    Named{LockMode::access_exclusive, "AccessExclusiveLock"}};
}

constexpr bool blocks_reads(LockMode mode) { return mode == LockMode::access_exclusive; }
constexpr bool blocks_writes(LockMode mode) { return mode >= LockMode::share; }

}  // namespace sluice::migrate

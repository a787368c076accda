#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/position.hpp"
#include "pg/connection.hpp"

namespace sluice::ledger {

/// What the ledger has of a table that a load has made for itself (--create).
struct MadeTable {
  LoadId load;
  std::string mark;  ///< JSON, as that load has kept it
};

/// ... of the table with this oid; nothing for any other one. REQUIRES: the ledger is there.
asio::awaitable<std::optional<MadeTable>> made_table(pg::Connection& on, std::uint32_t table);

}  // namespace sluice::ledger

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/position.hpp"
#include "pg/connection.hpp"

namespace sluice::ledger {

/// The last load before one, as far as it says which columns are usual.
struct FormerLoad {
  LoadId id;
  std::string source;       ///< as the user named it
  std::string finished_at;  ///< by the server's clock, for people
  std::string options;      ///< JSON object
};

/// The newest finished load into this table of a path that differs from this one in its digits
/// alone; where there is none, of a file in the same folder; else of any. The ledger does not know
/// what has run a load, and a job's files are told apart by a date or a number. Loads whose rows
/// are gone since (--truncate) count, those that were taken out again (loads undo) do not.
/// REQUIRES: the ledger is complete.
asio::awaitable<std::optional<FormerLoad>> former_load(pg::Connection& on, std::uint32_t table,
                                                       std::string path);

/// As paths are compared there: each run of digits is one `#`.
std::string without_digits(std::string_view path);

}  // namespace sluice::ledger

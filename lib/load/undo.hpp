#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "ledger/loads.hpp"
#include "pg/pool.hpp"

namespace sluice::load {

/// How the rows of a load can be told from others.
struct UndoWay {
  std::string column;   ///< that has the load's number (--add COLUMN=:load); empty: none has
  std::string problem;  ///< why the load cannot be taken out, for people; empty: it can
};

/// As the ledger has the load. A pure decision.
UndoWay way_to_undo(const ledger::LoadEntry& load);

/// What a person asks for. The ledger says which table and column a load went into, and belongs to
/// somebody who could say anything: so both are named by who wants rows of his deleted.
struct UndoOptions {
  std::string table;   ///< as in SQL
  std::string column;  ///< as it is called
  bool dry_run = false;
  std::chrono::milliseconds retry_for{};
};

struct Undone {
  std::string table;
  std::string column;
  std::uint64_t rows = 0;          ///< that have the load's number: of a dry run
  std::uint64_t deleted = 0;       ///< by this run
  std::uint64_t deleted_ever = 0;  ///< by all runs
  bool is_done = false;            ///< no row of it is left, and the load is void
};

/// Takes a load out of its table again: deletes the rows that have its number in that column, part
/// of the table by part, each in a transaction of its own, so that it can be stopped and goes on
/// where it was. From the first of these on nothing goes on with the load, and what is like it is
/// not loaded; behind the last one it is void, as if it had not been. `stopped` is asked between
/// them. Throws Failure for a load that cannot be taken out, and where its table is another one.
asio::awaitable<Undone> undo(pg::Pool& pool, ledger::LoadEntry load, UndoOptions options,
                             std::function<bool()> stopped);

}  // namespace sluice::load

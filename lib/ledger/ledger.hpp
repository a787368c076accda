#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/columns.hpp"
#include "base/position.hpp"
#include "base/row_counts.hpp"
#include "base/sql.hpp"
#include "pg/connection.hpp"
#include "schema/own_schema.hpp"

/// Which loads and chunks are in the tables: schema pgsluice (sql/ledger/), in the target's
/// database.
namespace sluice::ledger {

/// One chunk as the ledger knows it.
struct ChunkEntry {
  std::int64_t number = 0;
  Position start;
  std::uint64_t byte_count = 0;
  std::uint64_t records_read = 0;
  RowCounts counts;
  std::uint64_t rows_rejected = 0;
  std::uint64_t digest = 0;
  std::uint64_t lines = 0;  ///< that it ends; what is read of the ledger has none

  ChunkId of(LoadId load) const { return {load, number}; }
};

using StoredChunks = std::map<std::int64_t, ChunkEntry>;

/// Sums over the chunks of a load.
struct Totals {
  std::uint64_t chunks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t records_read = 0;
  RowCounts counts;
  std::uint64_t rows_rejected = 0;
  std::uint64_t rows_deleted = 0;  ///< from the table, by a load that is finished (--replace)
};

/// What the connection's user finds, for that use of it.
using schema::State;
using schema::state_expression;
using schema::state_of;
using schema::Use;
using schema::usual_expression;
asio::awaitable<State> ask(pg::Connection& on, Use use);

/// Whether there is something to read. Throws Failure with advice where the user may not.
asio::awaitable<bool> is_readable(pg::Connection& on, Use use);

/// Creates schema and tables unless they are there; any number of runners may do so at once. Throws
/// Failure with advice where the user may not.
asio::awaitable<void> ensure(pg::Connection& on, State state, Use use = Use::load);

/// The statement that claims a chunk. It comes first in the chunk's transaction: if another
/// transaction has stored the chunk, or is about to, it fails (after waiting for that one) before
/// any row is sent. It fails too once somebody takes the load out (`loads undo`).
Sql claim_statement(LoadId load, const ChunkEntry& chunk);
/// Waits until the transactions are over that have claimed chunks.
Sql claimants_end(LoadId load);
/// The columns of pgsluice.chunks behind load_id, and their values.
inline constexpr SqlWords claimed_columns =
    "chunk, byte_offset, byte_count, first_line, first_record, records_read, rows_stored, "
    "rows_updated, rows_unchanged, rows_rejected, rows_skipped, rows_filtered, digest, line_count";
Sql claimed_values(const ChunkEntry& chunk);

/// Corrects a claim, in the same transaction, after a trigger has dropped rows or some were
/// refused.
Sql correct_statement(ChunkId id, const RowCounts& counts, std::uint64_t rejected);

/// True if this error may be claim_statement's: the chunk is in the table already, if look_up()
/// says so too.
bool says_already_stored(const pg::PgError& error);

/// True if this error may be claim_statement's: the load itself is not in the ledger, or being
/// taken out, likewise.
bool says_load_is_gone(const pg::PgError& error);

/// What of a chunk's identity the ledger has.
struct Known {
  bool load = false;  ///< and is not being taken out
  bool chunk = false;
  bool is_same = false;  ///< the chunk has the same bytes
};
/// ... and `chunk` is what was read of it.
asio::awaitable<Known> look_up(pg::Connection& on, ChunkId id, const ChunkEntry& chunk);

/// `which` is a condition with " and " in front of it, for some of them.
asio::awaitable<StoredChunks> stored_chunks(pg::Connection& on, LoadId load, Sql which = {});

/// How many lines a chunk ends; nothing where a former version has entered it.
asio::awaitable<std::optional<std::uint64_t>> lines_of(pg::Connection& on, ChunkId id);

/// The sums over the chunks of a load.
inline constexpr auto chunk_sums = columns_of({
    {"chunks", "count(*) as chunks"},
    {"bytes", "coalesce(sum(byte_count), 0) as bytes"},
    {"records_read", "coalesce(sum(records_read), 0) as records_read"},
    {"rows_stored", "coalesce(sum(rows_stored), 0) as rows_stored"},
    {"rows_updated", "coalesce(sum(rows_updated), 0) as rows_updated"},
    {"rows_unchanged", "coalesce(sum(rows_unchanged), 0) as rows_unchanged"},
    {"rows_rejected", "coalesce(sum(rows_rejected), 0) as rows_rejected"},
    {"rows_skipped", "coalesce(sum(rows_skipped), 0) as rows_skipped"},
    {"rows_filtered", "coalesce(sum(rows_filtered), 0) as rows_filtered"},
});

/// A query of one row: `chunk_sums`; `load` is SQL for the load's number. And how to read its
/// columns, from this one on, of that load. Throws Damaged.
Sql sums_of_chunks(const Sql& load);
Totals read_totals(const pg::Result& rows, std::size_t row, int first_column, LoadId load);

}  // namespace sluice::ledger

#include "ledger/ledger.hpp"

#include <array>
#include <string_view>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "ledger/damaged.hpp"
#include "script/rows.hpp"

namespace sluice::ledger {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

/// The digest is unsigned, bigint is not: the same 64 bits.
std::string signed_bits(std::uint64_t value) {
  return std::to_string(static_cast<std::int64_t>(value));
}

std::string where_is(ChunkId id) {
  return " where load_id = " + std::to_string(id.load.value) +
         " and chunk = " + std::to_string(id.number);
}

script::Rows texts(const pg::Result& result) {
  script::Rows rows;
  for (std::size_t row = 0; row < result.rows(); ++row) {
    script::Row& fields = rows.add();
    for (int column = 0; column < result.columns(); ++column)
      fields.add(std::string(result.text_or(row, column, "")));
  }
  return rows;
}

}  // namespace

asio::awaitable<State> ask(pg::Connection& on, Use use) {
  const auto results = co_await on.query("select " + schema::state_expression(use));
  co_return schema::state_of(results.front().text(0, 0));
}

/// Throws Failure where the user may not use what is there, or should not.
asio::awaitable<void> require_usable(pg::Connection& on, State state, Use use) {
  if (state == State::closed) {
    const auto missing = co_await on.query(schema::missing_grants_query(use));
    throw Failure(FailureKind::failed,
                  schema::closed(on.user(), std::string(missing.front().text(0, 0))));
  }
  if (state != State::untrusted) co_return;
  const auto whose = co_await on.query(schema::untrusted_query());
  throw Failure(FailureKind::failed, schema::untrusted(std::string(whose.front().text(0, 0))));
}

asio::awaitable<bool> is_readable(pg::Connection& on, Use use) {
  const State state = co_await ask(on, use);
  co_await require_usable(on, state, use);
  co_return state == State::complete;
}

asio::awaitable<void> ensure(pg::Connection& on, State state, Use use) {
  if (state == State::complete) co_return;
  co_await require_usable(on, state, use);
  std::string refusal;
  try {
    schema::Making making;
    script::Rows answer;
    while (std::optional<std::string> step = making.next(answer)) {
      const auto results = co_await on.query(std::move(*step));
      answer = texts(results.back());
    }
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::insufficient_privilege)) throw;
    refusal = error.message;
  }
  if (refusal.empty()) co_return;
  co_await on.query("rollback");
  const auto is_there = co_await on.query("select to_regnamespace('pgsluice') is not null");
  throw Failure(FailureKind::failed, "cannot create pgsluice's tables in database \"" +
                                         on.database() + "\": " + refusal +
                                         schema::advice(on.user(), is_there.front().boolean(0, 0)));
}

std::string claim_statement(LoadId load, const ChunkEntry& chunk) {
  return claim_statement(std::to_string(load.value), chunk);
}

std::string claim_statement(const std::string& load, const ChunkEntry& c) {
  return "insert into pgsluice.chunks (load_id, chunk, byte_offset, byte_count, first_line, "
         "first_record, records_read, "
         "rows_stored, rows_updated, rows_unchanged, rows_rejected, rows_skipped, digest) values "
         "(" +
         load + "," + std::to_string(c.number) + "," + number(c.start.byte_offset) + "," +
         number(c.byte_count) + "," + number(c.start.line) + "," + number(c.start.record) + "," +
         number(c.records_read) + "," + number(c.counts.rows_stored) + "," +
         number(c.counts.rows_updated) + "," + number(c.counts.rows_unchanged) + "," +
         number(c.rows_rejected) + "," + number(c.counts.rows_skipped) + "," +
         signed_bits(c.digest) + ")";
}

std::string correct_statement(ChunkId id, const RowCounts& counts, std::uint64_t rejected) {
  return "update pgsluice.chunks set rows_stored = " + number(counts.rows_stored) +
         ", rows_updated = " + number(counts.rows_updated) +
         ", rows_unchanged = " + number(counts.rows_unchanged) +
         ", rows_rejected = " + number(rejected) +
         ", rows_skipped = " + number(counts.rows_skipped) + where_is(id);
}

bool says_already_stored(const pg::PgError& error) {
  return error.state == sql_state::unique_violation && error.schema == "pgsluice" &&
         error.table == "chunks" && error.constraint == "chunks_pkey";
}

bool says_load_is_gone(const pg::PgError& error) {
  return error.state == sql_state::foreign_key_violation && error.schema == "pgsluice" &&
         error.table == "chunks";
}

asio::awaitable<Known> look_up(pg::Connection& on, ChunkId id, const ChunkEntry& chunk) {
  const std::string of_chunk = "select from pgsluice.chunks" + where_is(id);
  const auto results = co_await on.query(
      "select exists (select from pgsluice.loads where load_id = " + std::to_string(id.load.value) +
      "), exists (" + of_chunk + "), exists (" + of_chunk + " and byte_count = " +
      number(chunk.byte_count) + " and digest = " + signed_bits(chunk.digest) + ")");
  const pg::Result& row = results.front();
  co_return Known{row.boolean(0, 0), row.boolean(0, 1), row.boolean(0, 2)};
}

asio::awaitable<StoredChunks> stored_chunks(pg::Connection& on, LoadId load) {
  const auto results = co_await on.query(
      "select chunk, byte_offset, first_line, first_record, byte_count, records_read, rows_stored, "
      "rows_updated, rows_unchanged, rows_rejected, rows_skipped, digest from pgsluice.chunks "
      "where load_id = " +
      std::to_string(load.value));
  const pg::Result& rows = results.front();
  StoredChunks chunks;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto count = [&](int column, const char* name, std::uint64_t max = largest_count) {
      return read_count(rows, row, column, load, std::string(name) + " of a chunk", max);
    };
    ChunkEntry entry;
    entry.number = static_cast<std::int64_t>(count(0, "chunk"));
    entry.start = {count(1, "byte_offset"), count(2, "first_line"), count(3, "first_record")};
    entry.byte_count = count(4, "byte_count", limits::chunk_bytes_max + limits::record_bytes_max);
    entry.records_read = count(5, "records_read");
    entry.counts = {count(6, "rows_stored"), count(7, "rows_updated"), count(8, "rows_unchanged"),
                    count(10, "rows_skipped")};
    entry.rows_rejected = count(9, "rows_rejected");
    entry.digest = static_cast<std::uint64_t>(rows.integer(row, 11));
    chunks.emplace(entry.number, entry);
  }
  co_return chunks;
}

std::string sums_of_chunks(const std::string& load) {
  return "select count(*) as chunks, coalesce(sum(byte_count), 0) as bytes, "
         "coalesce(sum(records_read), 0) as records_read, coalesce(sum(rows_stored), 0) as "
         "rows_stored, coalesce(sum(rows_updated), 0) as rows_updated, "
         "coalesce(sum(rows_unchanged), 0) as rows_unchanged, "
         "coalesce(sum(rows_rejected), 0) as rows_rejected, "
         "coalesce(sum(rows_skipped), 0) as rows_skipped from pgsluice.chunks where "
         "chunks.load_id = " +
         load;
}

Totals read_totals(const pg::Result& rows, std::size_t row, int first_column, LoadId load) {
  static constexpr std::array<const char*, totals_columns> names{
      "chunks",       "byte_count",     "records_read",  "rows_stored",
      "rows_updated", "rows_unchanged", "rows_rejected", "rows_skipped"};
  const auto count = [&](int column) {
    const char* const name = names[static_cast<std::size_t>(column)];
    return read_count(rows, row, first_column + column, load, name);
  };
  Totals totals;
  totals.chunks = count(0);
  totals.bytes = count(1);
  totals.records_read = count(2);
  totals.counts = {count(3), count(4), count(5), count(7)};
  totals.rows_rejected = count(6);
  return totals;
}

}  // namespace sluice::ledger

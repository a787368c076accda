#include "ledger/ledger.hpp"

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "ledger/damaged.hpp"
#include "script/rows.hpp"

namespace sluice::ledger {
namespace {

/// The digest is unsigned, bigint is not: the same 64 bits.
std::int64_t signed_bits(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Sql is_chunk(ChunkId id) { return sql("load_id = {} and chunk = {}", id.load.value, id.number); }

constexpr auto chunk_columns = columns_of({
    {"chunk", "chunk"},
    {"byte_offset", "byte_offset"},
    {"first_line", "first_line"},
    {"first_record", "first_record"},
    {"byte_count", "byte_count"},
    {"records_read", "records_read"},
    {"rows_stored", "rows_stored"},
    {"rows_updated", "rows_updated"},
    {"rows_unchanged", "rows_unchanged"},
    {"rows_rejected", "rows_rejected"},
    {"rows_skipped", "rows_skipped"},
    {"rows_filtered", "rows_filtered"},
    {"digest", "digest"},
});

ChunkEntry read_chunk(const pg::Result& rows, std::size_t row, LoadId load) {
  static constexpr auto& at = chunk_columns;
  const auto count = [&](int column, const char* name, std::uint64_t max = largest_count) {
    return read_count(rows, row, column, load, std::string(name) + " of a chunk", max);
  };
  ChunkEntry entry;
  entry.number = static_cast<std::int64_t>(count(at["chunk"], "chunk"));
  entry.start = {count(at["byte_offset"], "byte_offset"), count(at["first_line"], "first_line"),
                 count(at["first_record"], "first_record")};
  entry.byte_count =
      count(at["byte_count"], "byte_count", limits::chunk_bytes_max + limits::record_bytes_max);
  entry.records_read = count(at["records_read"], "records_read");
  entry.counts = {
      count(at["rows_stored"], "rows_stored"), count(at["rows_updated"], "rows_updated"),
      count(at["rows_unchanged"], "rows_unchanged"), count(at["rows_skipped"], "rows_skipped"),
      count(at["rows_filtered"], "rows_filtered")};
  entry.rows_rejected = count(at["rows_rejected"], "rows_rejected");
  entry.digest = static_cast<std::uint64_t>(rows.integer(row, at["digest"]));
  return entry;
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
  const Sql ask = sql("select {}", schema::state_expression(use));
  const auto results = co_await on.query(ask);
  co_return schema::state_of(results.front().text(0, 0));
}

/// Throws Failure where the user may not use what is there, or should not.
asio::awaitable<void> require_usable(pg::Connection& on, State state, Use use) {
  if (state == State::closed) {
    const auto missing = co_await on.query(schema::missing_grants_query(use));
    throw Failure(FailureKind::denied,
                  schema::closed(on.user(), std::string(missing.front().text(0, 0))));
  }
  if (state == State::filtered) {
    const auto what = co_await on.query(schema::filtered_query());
    throw Failure(FailureKind::failed, schema::filtered(std::string(what.front().text(0, 0))));
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
    while (const std::optional<Sql> step = making.next(answer)) {
      const auto results = co_await on.query(*step);
      answer = texts(results.back());
    }
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::insufficient_privilege)) throw;
    refusal = error.message;
  }
  if (refusal.empty()) co_return;
  co_await on.query("rollback");
  const auto is_there = co_await on.query("select to_regnamespace('pgsluice') is not null");
  throw Failure(FailureKind::denied, "cannot create pgsluice's tables in database \"" +
                                         on.database() + "\": " + refusal +
                                         schema::advice(on.user(), is_there.front().boolean(0, 0)));
}

/// Of a load: nobody takes it out again.
constexpr SqlWords is_to_be_stored = " and state not in ('undoing', 'void')";

Sql claim_statement(LoadId load, const ChunkEntry& chunk) {
  return sql(
      "insert into pgsluice.chunks (load_id, {}) values ((select load_id from pgsluice.loads where "
      "load_id = {}{} for key share),{})",
      claimed_columns, load.value, is_to_be_stored, claimed_values(chunk));
}

Sql claimants_end(LoadId load) {
  return sql("select from pgsluice.loads where load_id = {} for update", load.value);
}

Sql claimed_values(const ChunkEntry& c) {
  return sql("{},{},{},{},{},{},{},{},{},{},{},{},{},{}", c.number, c.start.byte_offset,
             c.byte_count, c.start.line, c.start.record, c.records_read, c.counts.rows_stored,
             c.counts.rows_updated, c.counts.rows_unchanged, c.rows_rejected, c.counts.rows_skipped,
             c.counts.rows_filtered, signed_bits(c.digest), c.lines);
}

Sql correct_statement(ChunkId id, const RowCounts& counts, std::uint64_t rejected) {
  return sql(
      "update pgsluice.chunks set rows_stored = {}, rows_updated = {}, rows_unchanged = {}, "
      "rows_rejected = {}, rows_skipped = {}, rows_filtered = {} where {}",
      counts.rows_stored, counts.rows_updated, counts.rows_unchanged, rejected, counts.rows_skipped,
      counts.rows_filtered, is_chunk(id));
}

bool says_already_stored(const pg::PgError& error) {
  return error.state == sql_state::unique_violation && error.schema == "pgsluice" &&
         error.table == "chunks" && error.constraint == "chunks_pkey";
}

bool says_load_is_gone(const pg::PgError& error) {
  const bool is_of_load =
      error.state == sql_state::foreign_key_violation ||
      (error.state == sql_state::not_null_violation && error.column == "load_id");
  return is_of_load && error.schema == "pgsluice" && error.table == "chunks";
}

asio::awaitable<Known> look_up(pg::Connection& on, ChunkId id, const ChunkEntry& chunk) {
  static constexpr auto known = columns_of({
      {"load", "exists (select from pgsluice.loads where load_id = {}{})"},
      {"chunk", "exists (select from pgsluice.chunks where {})"},
      {"is_same",
       "exists (select from pgsluice.chunks where {} and byte_count = {} and digest = {})"},
  });
  const Sql is_this = is_chunk(id);
  const Sql ask = sql("select {}", known.list(id.load.value, is_to_be_stored, is_this, is_this,
                                              chunk.byte_count, signed_bits(chunk.digest)));
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.front();
  co_return Known{row.boolean(0, known["load"]), row.boolean(0, known["chunk"]),
                  row.boolean(0, known["is_same"])};
}

asio::awaitable<StoredChunks> stored_chunks(pg::Connection& on, LoadId load, Sql which) {
  const Sql ask = sql("select {} from pgsluice.chunks where load_id = {}{}", chunk_columns.list(),
                      load.value, which);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  StoredChunks chunks;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const ChunkEntry entry = read_chunk(rows, row, load);
    chunks.emplace(entry.number, entry);
  }
  co_return chunks;
}

asio::awaitable<std::optional<std::uint64_t>> lines_of(pg::Connection& on, ChunkId id) {
  const Sql ask = sql("select line_count from pgsluice.chunks where {}", is_chunk(id));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  if (rows.rows() == 0 || rows.is_null(0, 0)) co_return std::nullopt;
  co_return read_count(rows, 0, 0, id.load, "line_count of a chunk");
}

Sql sums_of_chunks(const Sql& load) {
  return sql("select {} from pgsluice.chunks where chunks.load_id = {}", chunk_sums.list(), load);
}

Totals read_totals(const pg::Result& rows, std::size_t row, int first_column, LoadId load) {
  const auto count = [&](int column, const char* name) {
    return read_count(rows, row, first_column + column, load, name);
  };
  Totals totals;
  totals.chunks = count(chunk_sums["chunks"], "chunks");
  totals.bytes = count(chunk_sums["bytes"], "byte_count");
  totals.records_read = count(chunk_sums["records_read"], "records_read");
  totals.counts = {count(chunk_sums["rows_stored"], "rows_stored"),
                   count(chunk_sums["rows_updated"], "rows_updated"),
                   count(chunk_sums["rows_unchanged"], "rows_unchanged"),
                   count(chunk_sums["rows_skipped"], "rows_skipped"),
                   count(chunk_sums["rows_filtered"], "rows_filtered")};
  totals.rows_rejected = count(chunk_sums["rows_rejected"], "rows_rejected");
  return totals;
}

}  // namespace sluice::ledger

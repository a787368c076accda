#include "writer/copy_writer.hpp"

#include <algorithm>
#include <charconv>

#include "base/failure.hpp"
#include "pg/copy_in.hpp"
#include "pg/identifier.hpp"

namespace sluice::writer {
namespace {

/// Leaves the failed transaction, so that the connection can be used again. If that fails too, the
/// lease is dirty.
asio::awaitable<void> leave_transaction(pg::Connection& on) {
  if (!on.in_transaction()) co_return;
  try {
    co_await on.query("rollback");
  } catch (const pg::PgError&) {
    co_return;
  }
}

std::vector<tuple::TupleRange> lanes_of(const tuple::Batch& batch) {
  std::vector<tuple::TupleRange> lanes;
  for (const auto lane : {tuple::LaneName::slow, tuple::LaneName::fast})
    if (batch.lane(lane).tuples > 0) lanes.push_back(tuple::whole(batch, lane));
  return lanes;
}

Failure miscounted(std::uint64_t rows, std::uint64_t sent, const ledger::ChunkEntry& chunk) {
  return {FailureKind::failed, "the server counted " + std::to_string(rows) + " rows where " +
                                   std::to_string(sent) + " were sent: chunk " +
                                   std::to_string(chunk.number) + " must be checked by hand"};
}

/// Throws Failure where the load itself is gone.
bool already_stored(const Refusal& refusal) {
  if (ledger::says_load_is_gone(refusal)) {
    throw Failure(FailureKind::failed,
                  "the ledger's entry of this load is gone: the server lost it in a crash, or "
                  "somebody deleted it\n  The same command begins a new load.");
  }
  return ledger::says_already_stored(refusal);
}

}  // namespace

CopyWriter::CopyWriter(const Target& target, std::vector<std::string> columns,
                       std::optional<LoadId> load)
    : settings_sql_(target.settings_sql),
      copy_sql_("copy " + target.table.quoted_name + " (" + pg::quote_identifiers(columns) +
                ") from stdin"),
      relation_name_(target.table.name),
      rows_may_vanish_(target.table.has_row_trigger),
      load_(load) {}

asio::awaitable<Outcome> CopyWriter::write(pg::Connection& on, const tuple::Batch& batch,
                                           const ledger::ChunkEntry& chunk) const {
  const std::vector<tuple::TupleRange> copies = lanes_of(batch);
  std::string sql = tag(chunk.number) + "begin; " + settings_sql_;
  if (load_) sql += ledger::claim_statement(*load_, chunk) + "; ";
  for (const tuple::TupleRange& copy : copies) sql += copy_statement(copy);
  // Where a trigger may drop rows, the ledger is corrected before the commit; elsewhere the commit
  // is in the same query.
  if (!rows_may_vanish_) sql += "commit";
  const Copied copied = co_await run(on, std::move(sql), copies);
  if (copied.refusal) {
    co_await leave_transaction(on);
    if (already_stored(*copied.refusal)) co_return Outcome{.already_stored = true};
    throw Refusal(*copied.refusal);
  }
  if (copied.rows == batch.tuples()) {
    if (rows_may_vanish_) co_await finish(on, "commit");
    co_return Outcome{.rows_stored = copied.rows};
  }
  if (!rows_may_vanish_ || copied.rows > batch.tuples())
    throw miscounted(copied.rows, batch.tuples(), chunk);
  ledger::ChunkEntry corrected = chunk;
  corrected.rows_stored = copied.rows;
  corrected.rows_skipped += batch.tuples() - copied.rows;
  co_await commit(on, corrected);
  co_return Outcome{.rows_stored = copied.rows, .rows_skipped = batch.tuples() - copied.rows};
}

asio::awaitable<pg::Result> CopyWriter::write_between(pg::Connection& on, const tuple::Batch& batch,
                                                      const std::string& before,
                                                      const std::string& behind) const {
  const std::vector<tuple::TupleRange> copies = lanes_of(batch);
  std::string sql = "begin; " + settings_sql_ + before;
  for (const tuple::TupleRange& copy : copies) sql += copy_statement(copy);
  Copied copied = co_await run(on, sql + behind + "commit", copies);
  if (copied.refusal) {
    co_await leave_transaction(on);
    throw Refusal(*copied.refusal);
  }
  if (copied.rows != batch.tuples()) throw miscounted(copied.rows, batch.tuples(), {});
  co_return std::move(*copied.last_row);
}

asio::awaitable<bool> CopyWriter::begin(pg::Connection& on, const ledger::ChunkEntry& chunk) const {
  std::string sql =
      tag(chunk.number) + "begin; " + settings_sql_ + "set constraints all immediate; ";
  if (load_) sql += ledger::claim_statement(*load_, chunk) + "; ";
  sql += "savepoint all_of_it; savepoint part";
  const Copied begun = co_await run(on, std::move(sql), {});
  if (!begun.refusal) co_return true;
  co_await leave_transaction(on);
  if (already_stored(*begun.refusal)) co_return false;
  throw Refusal(*begun.refusal);
}

asio::awaitable<std::uint64_t> CopyWriter::put(pg::Connection& on, std::int64_t chunk,
                                               const tuple::TupleRange& tuples) const {
  const Copied copied = co_await run(
      on, tag(chunk) + copy_statement(tuples) + "release savepoint part; savepoint part",
      {&tuples, 1});
  if (!copied.refusal) co_return copied.rows;
  co_await on.query(tag(chunk) + "rollback to savepoint part");
  throw Refusal(*copied.refusal);
}

asio::awaitable<void> CopyWriter::start_over(pg::Connection& on) const {
  co_await finish(on, "rollback to savepoint all_of_it; savepoint part");
}

asio::awaitable<void> CopyWriter::commit(pg::Connection& on,
                                         const ledger::ChunkEntry& chunk) const {
  std::string sql = tag(chunk.number);
  if (load_) sql += ledger::correct_statement(*load_, chunk) + "; ";
  co_await finish(on, sql + "commit");
}

asio::awaitable<void> CopyWriter::roll_back(pg::Connection& on) const {
  co_await finish(on, "rollback");
}

asio::awaitable<void> CopyWriter::end_former_attempt(pg::Connection& on, std::int64_t chunk) const {
  if (!load_) co_return;
  co_await on.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
      "and usename = current_user and pid <> pg_backend_pid() and starts_with(query, " +
      pg::quote_literal(tag(chunk)) + ")");
}

/// What shows in pg_stat_activity.
std::string CopyWriter::tag(std::int64_t chunk) const {
  if (!load_) return {};
  return "/* pgsluice load " + std::to_string(load_->value) + " chunk " + std::to_string(chunk) +
         " */ ";
}

/// Runs what ends a transaction or a part of it.
asio::awaitable<void> CopyWriter::finish(pg::Connection& on, std::string sql) const {
  const Copied done = co_await run(on, std::move(sql), {});
  if (!done.refusal) co_return;
  co_await leave_transaction(on);
  throw Refusal(*done.refusal);
}

std::string CopyWriter::copy_statement(const tuple::TupleRange& tuples) const {
  return copy_sql_ +
         (tuples.lane == tuple::LaneName::fast ? " (format binary); " : " (format text); ");
}

/// Runs a query with so many COPYs in it, and gives each its tuples.
asio::awaitable<CopyWriter::Copied> CopyWriter::run(
    pg::Connection& on, std::string sql, std::span<const tuple::TupleRange> copies) const {
  Copied copied;
  std::optional<pg::PgError> refused;
  std::size_t begun = 0;
  bool in_copy = false;
  bool given_up = false;
  co_await on.send(std::move(sql));
  for (;;) {
    std::optional<pg::Result> result = co_await on.next(pg::Phase::copy);
    if (!result) break;
    if (result->is_error()) {
      if (!refused) refused = result->error(pg::Phase::copy);
    } else if (result->status() == PGRES_COPY_IN) {
      in_copy = true;
      co_await send(on, copies[begun++], given_up);
    } else if (in_copy) {
      copied.rows += result->affected();
      in_copy = false;
    } else if (result->rows() > 0) {
      copied.last_row = std::move(result);
    }
  }
  if (!refused) co_return copied;
  if (given_up && refused->state == pg::sql_state::query_canceled) {
    // What the server had to say was no refusal: this error is the answer to our giving up.
    listens_ = false;
    throw pg::PgError(pg::Phase::copy, pg::SqlState(pg::sql_state::serialization_failure),
                      "a message of the server was taken for a refusal");
  }
  std::optional<tuple::LaneName> lane;
  if (in_copy) lane = copies[begun - 1].lane;
  copied.refusal.emplace(
      *refused, lane, in_copy ? tuple_number_in(refused->context, relation_name_) : std::nullopt);
  co_return copied;
}

asio::awaitable<void> CopyWriter::send(pg::Connection& on, const tuple::TupleRange& tuples,
                                       bool& given_up) const {
  pg::CopyIn copy(on);
  for (const std::string_view piece : tuples.pieces) {
    if (co_await copy.write(piece, listens_)) continue;
    given_up = true;
    co_await copy.abort("the server has refused it already");
    co_return;
  }
  co_await copy.finish();
}

std::string copy_line_of(const std::string& context, const std::string& relation_name) {
  // Functions that a row called stand above; COPY's own line is the last, and what follows the
  // number may hold anything.
  for (std::size_t begin = 0; begin < context.size();) {
    const std::size_t end = std::min(context.find('\n', begin), context.size());
    const std::string line = context.substr(begin, end - begin);
    const std::size_t name = line.find(relation_name);
    if (line.find("COPY") != std::string::npos && name != std::string::npos &&
        line.find_first_of("123456789", name + relation_name.size()) != std::string::npos)
      return line;
    begin = end + 1;
  }
  return {};
}

std::optional<std::uint64_t> tuple_number_in(const std::string& context,
                                             const std::string& relation_name) {
  const std::string line = copy_line_of(context, relation_name);
  if (line.empty()) return std::nullopt;
  const std::size_t name = line.find(relation_name) + relation_name.size();
  const std::size_t digit = line.find_first_of("123456789", name);
  std::uint64_t number = 0;
  const auto [stop, error] =
      std::from_chars(line.data() + digit, line.data() + line.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number - 1;
}

}  // namespace sluice::writer

#include "writer/copy_writer.hpp"

#include <charconv>

#include "base/failure.hpp"
#include "pg/copy_in.hpp"
#include "pg/identifier.hpp"

namespace sluice::writer {
namespace {

const tuple::Batch no_rows;

/// Leaves the failed transaction, so that the connection can be used again. If that fails too, the
/// lease is dirty.
asio::awaitable<void> roll_back(pg::Connection& on) {
  if (!on.in_transaction()) co_return;
  try {
    co_await on.query("rollback");
  } catch (const pg::PgError&) {
    co_return;
  }
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
  std::string sql = "begin; " + settings_sql_;
  if (load_) sql += ledger::claim_statement(*load_, chunk) + "; ";
  sql += copies(batch);
  // Where a trigger may drop rows, the ledger is corrected before the commit; elsewhere the commit
  // is in the same query.
  if (!rows_may_vanish_) sql += "commit";
  const Copied copied = co_await run(on, batch, std::move(sql));
  if (copied.already_stored) co_return Outcome{.already_stored = true};
  if (copied.rows == batch.tuples()) {
    if (rows_may_vanish_) co_await run(on, no_rows, "commit");
    co_return Outcome{.rows_stored = copied.rows};
  }
  if (!rows_may_vanish_ || copied.rows > batch.tuples()) {
    throw Failure(FailureKind::failed, "the server counted " + std::to_string(copied.rows) +
                                           " rows where " + std::to_string(batch.tuples()) +
                                           " were sent: chunk " + std::to_string(chunk.number) +
                                           " must be checked by hand");
  }
  const std::uint64_t skipped = batch.tuples() - copied.rows;
  std::string rest;
  if (load_) rest = ledger::correct_statement(*load_, chunk.number, copied.rows, skipped) + "; ";
  rest += "commit";
  co_await run(on, no_rows, std::move(rest));
  co_return Outcome{.rows_stored = copied.rows, .rows_skipped = skipped};
}

asio::awaitable<void> CopyWriter::probe(pg::Connection& on, const tuple::Batch& batch) const {
  co_await run(
      on, batch,
      "begin; " + settings_sql_ + copies(batch) + "set constraints all immediate; rollback");
}

std::string CopyWriter::copies(const tuple::Batch& batch) const {
  std::string sql;
  if (batch.fast.tuples > 0) sql += copy_sql_ + " (format binary); ";
  if (batch.slow.tuples > 0) sql += copy_sql_ + " (format text); ";
  return sql;
}

/// Runs a query with as many COPYs as the batch has lanes with tuples.
asio::awaitable<CopyWriter::Copied> CopyWriter::run(pg::Connection& on, const tuple::Batch& batch,
                                                    std::string sql) const {
  Copied copied;
  std::optional<pg::PgError> refused;
  auto lane = Refusal::Lane::none;
  bool in_copy = false;
  co_await on.send(std::move(sql));
  for (;;) {
    std::optional<pg::Result> result = co_await on.next(pg::Phase::copy);
    if (!result) break;
    if (result->is_error()) {
      if (!refused) refused = result->error(pg::Phase::copy);
    } else if (result->status() == PGRES_COPY_IN) {
      const bool fast = lane == Refusal::Lane::none && batch.fast.tuples > 0;
      lane = fast ? Refusal::Lane::fast : Refusal::Lane::slow;
      in_copy = true;
      pg::CopyIn copy(on);
      co_await copy.write(fast ? batch.fast.bytes() : batch.slow.bytes());
      co_await copy.finish();
    } else if (in_copy) {
      copied.rows += result->affected();
      in_copy = false;
    }
  }
  if (!refused) co_return copied;
  co_await roll_back(on);
  if (ledger::says_already_stored(*refused)) {
    copied.already_stored = true;
    co_return copied;
  }
  if (!in_copy) lane = Refusal::Lane::none;
  throw Refusal(*refused, lane,
                in_copy ? tuple_number_in(refused->context, relation_name_) : std::nullopt);
}

std::optional<std::uint64_t> tuple_number_in(const std::string& context,
                                             const std::string& relation_name) {
  // Functions that a row called stand above; COPY's own line is the last, and what follows the
  // number may hold anything.
  std::optional<std::uint64_t> found;
  for (std::size_t line = 0; line < context.size();) {
    std::size_t end = context.find('\n', line);
    if (end == std::string::npos) end = context.size();
    const std::string_view text(context.data() + line, end - line);
    line = end + 1;
    const std::size_t copy = text.find("COPY");
    const std::size_t name = text.find(relation_name);
    if (copy == std::string_view::npos || name == std::string_view::npos) continue;
    std::size_t digit = name + relation_name.size();
    while (digit < text.size() && (text[digit] < '0' || text[digit] > '9')) ++digit;
    std::uint64_t number = 0;
    const auto [stop, error] =
        std::from_chars(text.data() + digit, text.data() + text.size(), number);
    if (error != std::errc() || number == 0) continue;
    found = number - 1;
    break;
  }
  return found;
}

}  // namespace sluice::writer

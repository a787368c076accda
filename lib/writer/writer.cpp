#include "writer/writer.hpp"

#include "base/failure.hpp"
#include "ledger/damaged.hpp"

namespace sluice::writer {
namespace {

/// The slow lane comes first because it is short and holds most of what the server will refuse.
std::vector<tuple::TupleRange> lanes_of(const tuple::Batch& batch) {
  std::vector<tuple::TupleRange> lanes;
  for (const auto lane : {tuple::LaneName::slow, tuple::LaneName::fast})
    if (batch.lane(lane).tuples > 0) lanes.push_back(tuple::whole(batch, lane));
  return lanes;
}

/// What shows in pg_stat_activity of a transaction that stores the chunk.
std::string tag_of(ChunkId id) {
  return tag_of_load(id.load) + "chunk " + std::to_string(id.number) + " */ ";
}

Sql terminate_query(const std::string& tag) {
  return sql(
      "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where datname "
      "= current_database() and usename = current_user and pid <> pg_catalog.pg_backend_pid() and "
      "starts_with(query, {})",
      literal(tag));
}

Failure miscounted(std::uint64_t rows, std::uint64_t sent, const ledger::ChunkEntry& chunk) {
  return {FailureKind::failed, "the server counted " + std::to_string(rows) + " rows where " +
                                   std::to_string(sent) + " were sent: chunk " +
                                   std::to_string(chunk.number) + " must be checked by hand"};
}

/// Takes out the part that was refused last, with the statement that follows: a round trip less.
std::string back_to_part(const pg::Connection& on) {
  return on.in_failed_transaction() ? "rollback to savepoint part; " : "";
}

}  // namespace

Writer::Writer(const Target& target, const std::vector<std::string>& columns,
               std::optional<LoadId> load, bool counts_may_differ)
    : user_path_sql_(target.user_path_sql),
      guard_(target, target.table, columns),
      counts_may_differ_(counts_may_differ),
      load_(load) {
  if (load_) guard_.require_load(*load_, target.table.is_unlogged);
  if (target.data_encoding != pg::utf8) {
    into_data_encoding_ =
        sql("set local client_encoding = {}", literal(target.data_encoding)).text();
    into_utf8_ = "set local client_encoding = 'UTF8'";
  }
  settings_sql_ = pg::own_path + target.settings_sql;
}

/// What a chunk's transaction begins with; `behind_begin` is a statement behind the guard's, with
/// "; " behind it.
std::string Writer::begin_sql(const ledger::ChunkEntry& chunk, SqlWords behind_begin) const {
  const Sql claim = load_ ? sql("{}; ", ledger::claim_statement(*load_, chunk)) : Sql();
  if (are_parts_) {
    return tag(chunk.number) +
           sql("savepoint chunk; {}{}{}{}", pg::own_path, behind_begin, claim, user_path_sql_)
               .text();
  }
  return tag(chunk.number) + sql("begin; {}{}{}{}{}", settings_sql_, guard_.statements(),
                                 behind_begin, claim, user_path_sql_)
                                 .text();
}

asio::awaitable<Outcome> Writer::write(pg::Connection& on, const tuple::Batch& batch,
                                       const ledger::ChunkEntry& chunk) const {
  std::string before = begin_sql(chunk, "");
  // Where it is not sure what becomes of the tuples, the ledger is corrected before the commit.
  std::vector<std::string> behind;
  if (!counts_may_differ_) behind.push_back(end_of_chunk());
  const std::vector<tuple::TupleRange> lanes = lanes_of(batch);
  const Written written = co_await run(on, std::move(before), lanes, std::move(behind));
  if (written.refusal) {
    co_await leave(on);
    Outcome stored;
    stored.already_stored = true;
    const bool is_known = co_await is_stored_already(on, *written.refusal, chunk);
    if (is_known) co_return stored;
    throw Refusal(*written.refusal);
  }
  Outcome outcome{written.counts};
  if (!counts_may_differ_ ? outcome.counts.rows_stored != batch.tuples()
                          : outcome.counts.rows() != batch.tuples())
    throw miscounted(outcome.counts.rows(), batch.tuples(), chunk);
  if (!counts_may_differ_) co_return outcome;
  if (outcome.counts.rows_stored == batch.tuples()) {
    co_await query(on, end_of_chunk());
    co_return outcome;
  }
  ledger::ChunkEntry corrected = chunk;
  corrected.counts = written.counts;
  corrected.counts.rows_skipped += chunk.counts.rows_skipped;
  co_await commit(on, corrected);
  co_return outcome;
}

asio::awaitable<pg::Result> Writer::write_between(pg::Connection& on, const tuple::Batch& batch,
                                                  const Around& around) const {
  std::vector<std::string> last{pg::own_path.text()};
  for (const Sql& statement : around.behind) last.push_back(statement.text());
  last.push_back(user_path_sql_.text());
  last.emplace_back("commit");
  const std::vector<tuple::TupleRange> lanes = lanes_of(batch);
  std::string first = around.tag;
  first += sql("begin isolation level read committed; {}{}{}{}{}", settings_sql_, around.locks,
               guard_.statements(), around.before, user_path_sql_)
               .text();
  Written written = co_await run(on, std::move(first), lanes, std::move(last));
  if (written.refusal) {
    co_await leave(on);
    throw Refusal(*written.refusal);
  }
  if (written.counts.rows_stored != batch.tuples())
    throw miscounted(written.counts.rows(), batch.tuples(), {});
  if (!written.last_row) on.trust().lose("a row is missing", pg::Phase::storing);
  co_return std::move(*written.last_row);
}

asio::awaitable<bool> Writer::begin(pg::Connection& on, const ledger::ChunkEntry& chunk) const {
  std::string begin = begin_sql(chunk, "set constraints all immediate; ");
  begin += "savepoint all_of_it; savepoint part";
  std::optional<Refusal> refusal;
  try {
    co_await query(on, std::move(begin));
    co_return true;
  } catch (const Refusal& error) {
    refusal = error;
    refusal->before_tuples = true;
  }
  const bool is_known = co_await is_stored_already(on, *refusal, chunk);
  if (is_known) co_return false;
  throw Refusal(*refusal);
}

asio::awaitable<RowCounts> Writer::put(pg::Connection& on, std::int64_t chunk,
                                       const tuple::TupleRange& tuples) const {
  std::vector<std::string> behind{"release savepoint part", "savepoint part"};
  const Written written =
      co_await run(on, tag(chunk) + back_to_part(on), {&tuples, 1}, std::move(behind));
  if (written.refusal) throw Refusal(*written.refusal);
  co_return written.counts;
}

asio::awaitable<std::optional<Refusal>> Writer::probe(pg::Connection& on, std::int64_t chunk,
                                                      const tuple::TupleRange& tuples) const {
  std::vector<std::string> behind{"rollback to savepoint part"};
  const Written written =
      co_await run(on, tag(chunk) + back_to_part(on), {&tuples, 1}, std::move(behind));
  co_return written.refusal;
}

asio::awaitable<void> Writer::start_over(pg::Connection& on) const {
  co_await query(on, "rollback to savepoint all_of_it; savepoint part");
}

asio::awaitable<void> Writer::end_parts(pg::Connection& on) const {
  const Sql own_path = pg::own_path;
  co_await query(on, back_to_part(on) + own_path.text());
}

asio::awaitable<void> Writer::commit(pg::Connection& on, const ledger::ChunkEntry& chunk) const {
  std::string end = tag(chunk.number) + back_to_part(on);
  if (load_) {
    const Sql correct =
        ledger::correct_statement(chunk.of(*load_), chunk.counts, chunk.rows_rejected);
    end += sql("{}{}; {}", pg::own_path, correct, user_path_sql_).text();
  }
  co_await query(on, end + end_of_chunk());
}

asio::awaitable<void> Writer::roll_back(pg::Connection& on) const {
  co_await query(on, way_back());
}

asio::awaitable<void> Writer::begin_all(pg::Connection& on, const Sql& more) {
  std::optional<Refusal> refusal = co_await try_to_begin_all(on, more);
  const bool is_of_guard = refusal && refusal->state == sql_state::division_by_zero;
  if (is_of_guard && takes_all_columns()) {
    guard_.let_columns_come();
    refusal = co_await try_to_begin_all(on, more);
  }
  if (refusal) {
    co_await is_stored_already(on, *refusal, {});
    throw Refusal(*refusal);
  }
  are_parts_ = true;
}

asio::awaitable<std::optional<Refusal>> Writer::try_to_begin_all(pg::Connection& on,
                                                                 const Sql& more) const {
  std::string begin = load_ ? tag_of_load(*load_) + "*/ " : std::string();
  begin += sql("begin; {}{}{}", settings_sql_, guard_.statements(), more).text();
  std::optional<Refusal> refusal;
  try {
    co_await on.query_in_user_path(std::move(begin));
    co_return refusal;
  } catch (const pg::PgError& error) {
    refusal.emplace(error);
  }
  refusal->phase = pg::Phase::storing;
  if (refusal->nature() == ErrorNature::lost) throw pg::PgError(*refusal);
  refusal->before_tuples = true;
  if (on.in_transaction()) co_await on.query("rollback");
  co_return refusal;
}

std::string Writer::end_of_chunk() const {
  return are_parts_ ? "release savepoint chunk" : "commit";
}

std::string Writer::way_back() const {
  if (!are_parts_) return "rollback";
  return "rollback to savepoint chunk; release savepoint chunk; " +
         std::string(pg::own_path.text());
}

/// Leaves what has failed, so that the connection can be used again. If that fails too, the lease
/// is dirty.
asio::awaitable<void> Writer::leave(pg::Connection& on) const {
  if (!on.in_transaction()) co_return;
  try {
    co_await on.query(way_back());
  } catch (const pg::PgError&) {
    co_return;
  }
}

asio::awaitable<void> Writer::end_former_attempt(pg::Connection& on, std::int64_t chunk) const {
  if (!load_) co_return;
  const Sql terminate = terminate_query(tag_of(ChunkId{*load_, chunk}));
  co_await on.query(terminate);
}

asio::awaitable<bool> end_tagged(pg::Connection& on, std::string tag) {
  const Sql terminate = terminate_query(tag);
  const auto ended = co_await on.query(terminate);
  co_return ended.back().rows() == 0;
}

/// Whether it is the claim that was refused. A trigger can raise an error with any code and any
/// names in it, also a deferred one at the commit: so it is the ledger that is asked. Throws
/// NotAsPlanned where the guard has refused, and Failure where the load itself is gone. REQUIRES:
/// there is no transaction.
asio::awaitable<bool> Writer::is_stored_already(pg::Connection& on, const Refusal& refusal,
                                                const ledger::ChunkEntry& chunk) const {
  if (refusal.before_tuples && refusal.state == sql_state::division_by_zero) {
    const bool is_column = co_await is_only_a_column(on);
    if (is_column) {
      throw pg::PgError(pg::Phase::storing, SqlState(sql_state::serialization_failure),
                        "the table has got another column");
    }
    const std::string what = co_await guard_.what_changed(on);
    throw NotAsPlanned(what, "Nothing more is stored; the same command goes on where it can.");
  }
  const bool may_be_claim =
      load_ && !refusal.lane &&
      (ledger::says_already_stored(refusal) || ledger::says_load_is_gone(refusal));
  if (!may_be_claim) co_return false;
  const ledger::Known known = co_await ledger::look_up(on, chunk.of(*load_), chunk);
  if (known.chunk && !known.is_same) {
    throw ledger::damaged(*load_,
                          "chunk " + std::to_string(chunk.number) +
                              " is there with another content, and was not stored by this load");
  }
  if (known.load) co_return known.chunk;
  throw Failure(FailureKind::failed,
                "the ledger's entry of this load is gone: the server lost it in a crash, somebody "
                "deleted it, or takes the load out (pgsluice loads undo)",
                "The same command begins a new load.");
}

/// Whether the guard has refused for a column that has come, which it lets come from now on.
/// Another chunk may have met it before.
asio::awaitable<bool> Writer::is_only_a_column(pg::Connection& on) const {
  if (!took_all_columns_) co_return false;
  guard_.let_columns_come();
  const Sql ask = sql("select {}", guard_.condition());
  const auto answers = co_await on.query(ask);
  co_return answers.back().boolean(0, 0);
}

std::string Writer::tag(std::int64_t chunk) const {
  return load_ ? tag_of(ChunkId{*load_, chunk}) : std::string();
}

/// Runs statements that begin or end a transaction or a part of it, in the path that they set.
asio::awaitable<void> Writer::query(pg::Connection& on, std::string sql) const {
  std::optional<pg::PgError> refused;
  try {
    co_await on.query_in_user_path(std::move(sql));
  } catch (const pg::PgError& error) {
    refused = error;
  }
  if (!refused) co_return;
  refused->phase = pg::Phase::storing;
  if (refused->nature() == ErrorNature::lost) throw pg::PgError(*refused);
  co_await leave(on);
  throw Refusal(*refused);
}

std::string tag_of_load(LoadId load) {
  return "/* pgsluice load " + std::to_string(load.value) + " ";
}

}  // namespace sluice::writer

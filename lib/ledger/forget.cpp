#include "ledger/forget.hpp"

#include "async/deadline.hpp"
#include "async/time.hpp"
#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "ledger/damaged.hpp"
#include "ledger/deferred_indexes.hpp"
#include "ledger/ledger.hpp"
#include "ledger/loads.hpp"
#include "ledger/prepared.hpp"
#include "ledger/run_lock.hpp"
#include "ledger/stages.hpp"

namespace sluice::ledger {
namespace {

constexpr auto load_columns = columns_of({
    {"state", "state"},
    {"source", "source"},
    {"target", "target"},
    {"target_oid", "target_oid"},
    {"fingerprint", "fingerprint"},
    {"dropped_stage", "{}"},
    {"left_stage", "{}"},
});

/// The locks that a run of this load holds, as the load takes them.
RunLockNames locks_of(const pg::Result& row) {
  return {.target = sql("{}", literal(row.text(0, load_columns["target_oid"]))),
          .fingerprint = std::string(row.text(0, load_columns["fingerprint"])),
          .empties_table = false};
}

/// The session of a run that has just ended may be there for a moment. `ask` says whether it is
/// not.
asio::awaitable<void> require_no_run(pg::Connection& on, Sql ask) {
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    const auto results = co_await on.query(ask);
    if (results.back().rows() == 0 || results.back().boolean(0, 0)) co_return;
    if (deadline.passed()) break;
    co_await async::sleep_for(limits::lock_poll);
  }
  throw Failure(FailureKind::held, "a run is at work on this load; nothing was changed");
}

/// Of a load whose rows in the ledger are damaged nobody knows; it is given up all the same.
std::uint64_t rows_of(const pg::Result& sums, LoadId load) {
  try {
    return read_totals(sums, 0, 0, load).counts.rows();
  } catch (const Damaged&) {
    return 0;
  }
}

asio::awaitable<void> forget_indexes(pg::Connection& on, LoadId load, bool with_indexes,
                                     Forgotten& forgotten) {
  const std::vector<DeferredIndex> missing = co_await missing_indexes(on, load);
  for (const DeferredIndex& index : missing) {
    const std::optional<JournalEntry> entry = co_await lock_entry(on, index);
    if (!entry) continue;
    if (entry->table != 0 && !with_indexes) {
      const std::string id = std::to_string(load.value);
      throw Failure(
          FailureKind::failed,
          "load " + id + " has dropped index " + index.name + " of " + entry->table_name +
              ", which is not built again yet",
          "pgsluice loads restore " + id + " does so; --give-up-indexes does without it.");
    }
    const Sql strike = strike_statement(index);
    co_await on.query(strike);
    forgotten.indexes.push_back(index.name);
    forgotten.definitions.push_back(entry->definition);
  }
}

}  // namespace

// A failure leaves the transaction open, and the pool closes the connection.
asio::awaitable<Forgotten> forget(pg::Connection& on, LoadId load, bool with_indexes) {
  Forgotten forgotten;
  // What is prepared of it locks its row, and so does a run that holds its transactions.
  Sql is_free =
      sql("select not {} from pgsluice.loads l where l.load_id = {}",
          RunLock::is_held_expression(sql("l.target_oid::text"), sql("l.fingerprint")), load.value);
  co_await require_no_run(on, std::move(is_free));
  co_await conclude_all(on, load);
  const Sql ask = sql("begin; select {} from pgsluice.loads where load_id = {} for update",
                      load_columns.list(stages_to_drop(load), stages_of_others(load)), load.value);
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  if (row.rows() == 0) co_return forgotten;
  forgotten.is_known = true;
  forgotten.was_unfinished = row.text(0, load_columns["state"]) == "unfinished";
  forgotten.source = row.text(0, load_columns["source"]);
  forgotten.target = row.text(0, load_columns["target"]);
  if (row.text(0, load_columns["state"]) == "undoing") {
    throw Failure(
        FailureKind::failed,
        "load " + std::to_string(load.value) +
            " is half taken out of its table, and is not to be given up before all of it is",
        "pgsluice loads show " + std::to_string(load.value) + " says how that goes on.");
  }
  Sql has_locks = sql("select {}", RunLock::try_expression(locks_of(row)));
  co_await require_no_run(on, std::move(has_locks));
  co_await forget_indexes(on, load, with_indexes, forgotten);
  Sql statements;
  forgotten.left_stage = row.text_or(0, load_columns["left_stage"], "");
  if (!row.is_null(0, load_columns["dropped_stage"])) {
    forgotten.dropped_stage = row.text(0, load_columns["dropped_stage"]);
    // The server has quoted it, from its catalogs.
    statements += sql("drop table {}; ", Sql::trusted(forgotten.dropped_stage));
  }
  if (forgotten.was_unfinished) {
    const Sql ask_sums = sums_of_chunks(sql("{}", load.value));
    const auto sums = co_await on.query(ask_sums);
    const bool is_staged = !forgotten.dropped_stage.empty() || !forgotten.left_stage.empty();
    if (!is_staged) forgotten.rows = rows_of(sums.back(), load);
    statements += sql("{}; ", void_load_statement(load));
  }
  statements += sql("commit");
  co_await on.query(statements);
  co_return forgotten;
}

}  // namespace sluice::ledger

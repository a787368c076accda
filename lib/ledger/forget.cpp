#include "ledger/forget.hpp"

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "ledger/damaged.hpp"
#include "ledger/deferred_indexes.hpp"
#include "ledger/ledger.hpp"
#include "ledger/loads.hpp"
#include "ledger/run_lock.hpp"
#include "ledger/stages.hpp"

namespace sluice::ledger {
namespace {

/// The locks that a run of this load holds, as the load takes them.
RunLockNames locks_of(const pg::Result& row) {
  return {.target = quote_literal(row.text(0, 3)),
          .fingerprint = std::string(row.text(0, 4)),
          .empties_table = false};
}

asio::awaitable<void> require_no_run(pg::Connection& on, const pg::Result& load) {
  const std::string ask = "select " + RunLock::try_expression(locks_of(load));
  const auto results = co_await on.query(ask);
  if (results.back().boolean(0, 0)) co_return;
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
    co_await on.query(strike_statement(index));
    forgotten.indexes.push_back(index.name);
    forgotten.definitions.push_back(entry->definition);
  }
}

}  // namespace

// A failure leaves the transaction open, and the pool closes the connection.
asio::awaitable<Forgotten> forget(pg::Connection& on, LoadId load, bool with_indexes) {
  Forgotten forgotten;
  const std::string id = std::to_string(load.value);
  const auto results = co_await on.query(
      "begin; select state, source, target, "
      "target_oid, fingerprint, " +
      stages_to_drop(load) + ", " + stages_of_others(load) +
      " from pgsluice.loads where load_id = " + id + " for update");
  const pg::Result& row = results.back();
  if (row.rows() == 0) co_return forgotten;
  forgotten.is_known = true;
  forgotten.was_unfinished = row.text(0, 0) == "unfinished";
  forgotten.source = row.text(0, 1);
  forgotten.target = row.text(0, 2);
  co_await require_no_run(on, row);
  co_await forget_indexes(on, load, with_indexes, forgotten);
  std::string sql;
  if (!row.is_null(0, 6)) forgotten.left_stage = row.text(0, 6);
  if (!row.is_null(0, 5)) {
    forgotten.dropped_stage = row.text(0, 5);
    sql += "drop table " + forgotten.dropped_stage + "; ";
  }
  if (forgotten.was_unfinished) {
    const auto sums = co_await on.query(sums_of_chunks(id));
    const bool is_staged = !forgotten.dropped_stage.empty() || !forgotten.left_stage.empty();
    if (!is_staged) forgotten.rows = rows_of(sums.back(), load);
    sql += void_load_statement(load) + "; ";
  }
  co_await on.query(sql + "commit");
  co_return forgotten;
}

}  // namespace sluice::ledger

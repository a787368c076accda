#include "ledger/begin_load.hpp"

#include "base/columns.hpp"
#include "ledger/deferred_indexes.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

/// Columns of pgsluice.loads that are known when a load begins.
constexpr SqlWords entered_columns =
    "target, target_oid, source, source_path, source_bytes, source_stamp, fingerprint, options, "
    "chunk_bytes, record_bytes_max, rejects_path, staged, origin, head, head_bytes, start, "
    "updates, behind_load, upload_key, segment_bytes";

/// Their values.
Sql entered_values(const NewLoad& load) {
  const Sql bytes = load.source_bytes ? sql("{}", *load.source_bytes) : sql("null");
  const Sql behind = load.behind_load ? sql("{}", load.behind_load->value) : sql("null");
  const Sql segment =
      load.segment_bytes > 0 ? sql("{}", load.segment_bytes) : sql("null::pg_catalog.int8");
  return sql("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", literal(load.target),
             load.target_oid, literal(load.source), literal(load.source_path), bytes,
             literal(load.source_stamp), literal(load.fingerprint), literal(load.options),
             load.chunk_bytes, load.record_bytes_max, literal(load.rejects_path), load.staged,
             literal(load.origin), literal(load.head), load.head_bytes,
             literal_or_null(!load.start.empty(), load.start), load.updates, behind,
             literal_or_null(!load.upload_key.empty(), load.upload_key), segment);
}

Sql enter_statement(const NewLoad& load) {
  return sql("insert into pgsluice.loads ({}) values ({})", entered_columns, entered_values(load));
}

}  // namespace

asio::awaitable<LoadId> begin_load(pg::Connection& on, const NewLoad& load,
                                   const BeginOptions& options) {
  pg::Batch batch(sql("{}{}{}{}; {}", on.in_transaction() ? SqlWords("") : SqlWords("begin; "),
                      options.durable ? waiting : without_waiting, options.before,
                      enter_statement(load), options.behind));
  const auto number = batch.add(sql("select {}", this_load));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  co_return LoadId{batch.answer(results, number).integer(0, 0)};
}

std::vector<Sql> enter_stored_statements(const std::vector<StoredLoad>& loads, bool marked) {
  const auto load_of = [marked](const StoredLoad& stored) {
    const RowCounts& counts = stored.chunk.counts;
    return sql("({}, 'finished', clock_timestamp(), {}, {}, {}, {}, {})",
               entered_values(stored.load), stored.seconds, stored.chunk.records_read,
               counts.rows_stored, counts.rows_skipped, marked);
  };
  const auto chunk_of = [](const StoredLoad& stored) {
    return sql("({}, {})", literal(stored.load.fingerprint), claimed_values(stored.chunk));
  };
  // By the index of fingerprints; what has entered them is this transaction.
  const Sql entered = sql(
      "entered as (select l.load_id, l.fingerprint from pgsluice.loads l where l.state <> "
      "'void' and l.fingerprint = any (array[{}]) and l.xmin = "
      "pg_catalog.pg_current_xact_id()::xid)",
      sql_list(loads, [](const StoredLoad& stored) { return literal(stored.load.fingerprint); }));
  std::vector<Sql> statements{
      sql("insert into pgsluice.loads ({}, state, finished_at, seconds, records_read, rows_stored, "
          "rows_skipped, marked) values {}",
          entered_columns, sql_list(loads, load_of))};
  if (marked) {
    statements.push_back(
        sql("with {} insert into pgsluice.unlogged_marks (load_id) select load_id "
            "from entered",
            entered));
  }
  statements.push_back(
      sql("with {}, given (fingerprint, {}) as (values {}), claimed as (insert into "
          "pgsluice.chunks (load_id, {}) select entered.load_id, {} from given join entered on "
          "entered.fingerprint = given.fingerprint returning load_id) select "
          "entered.fingerprint, entered.load_id from entered join claimed on claimed.load_id = "
          "entered.load_id",
          entered, claimed_columns, sql_list(loads, chunk_of), claimed_columns, claimed_columns));
  return statements;
}

std::map<std::string, LoadId, std::less<>> read_entered(const pg::Result& entered) {
  std::map<std::string, LoadId, std::less<>> loads;
  for (std::size_t row = 0; row < entered.rows(); ++row)
    loads.emplace(entered.text(row, 0), LoadId{entered.integer(row, 1)});
  return loads;
}

asio::awaitable<std::map<std::string, Entered, std::less<>>> find_entered(
    pg::Connection& on, const std::vector<const NewLoad*>& loads) {
  static constexpr auto of = columns_of({
      {"fingerprint", "l.fingerprint"},
      {"load", "l.load_id"},
      {"age", "extract(epoch from clock_timestamp() - l.started_at)::float8"},
  });
  const auto row_of = [](const NewLoad* load) {
    return sql("({}, {}, {}, {}::jsonb)", literal(load->fingerprint), literal(load->source_path),
               literal(load->source_stamp), literal(load->options));
  };
  const Sql ask =
      sql("select {} from pgsluice.loads l where l.target_oid = {} and l.ledger_oid = "
          "'pgsluice.loads'::regclass::oid and l.state = 'finished' and (l.fingerprint, "
          "l.source_path, l.source_stamp, l.options) in ({}) order by l.load_id desc",
          of.list(), loads.front()->target_oid, sql_list(loads, row_of));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  std::map<std::string, Entered, std::less<>> entered;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const Entered one{LoadId{rows.integer(row, of["load"])}, rows.number(row, of["age"])};
    entered.emplace(rows.text(row, of["fingerprint"]), one);
  }
  co_return entered;
}

}  // namespace sluice::ledger

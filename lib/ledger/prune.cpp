#include "ledger/prune.hpp"

#include "base/columns.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

constexpr auto pruned = columns_of({
    {"over", "count(*) filter (where gone.load_id is not null and not counts)"},
    {"finished", "count(*) filter (where gone.load_id is not null and counts)"},
    {"kept_finished", "count(*) filter (where gone.load_id is null and counts)"},
});

Sql prune_statement(const PruneOptions& options) {
  // A table of a restored dump has another oid: there it is its name that tells.
  static constexpr SqlWords is_there =
      "(exists (select from pg_catalog.pg_class c where c.oid = l.target_oid) or exists (select "
      "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where "
      "n.nspname || '.' || c.relname = l.target))";
  return sql(
      "with old as (select l.load_id, l.state = 'finished' and {} as counts from pgsluice.loads l "
      "where l.state not in ('unfinished', 'undoing') and coalesce(l.finished_at, l.started_at) < "
      "clock_timestamp() "
      "- {} * interval '1 ms' and not exists (select from pgsluice.deferred_indexes d where "
      "d.load_id = l.load_id)), gone as (delete from pgsluice.loads l using old where l.load_id = "
      "old.load_id and {} returning l.load_id), marks as (delete from pgsluice.unlogged_marks m "
      "using gone where m.load_id = gone.load_id) select {} from old left join gone using "
      "(load_id)",
      is_there, options.older.count(), options.with_finished ? sql("true") : sql("not counts"),
      pruned.list());
}

}  // namespace

asio::awaitable<Pruned> prune(pg::Connection& on, PruneOptions options) {
  pg::Batch batch(sql("begin; "));
  const auto statement = batch.add(prune_statement(options));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  const pg::Result& row = batch.answer(results, statement);
  co_return Pruned{row.count(0, pruned["over"]), row.count(0, pruned["finished"]),
                   row.count(0, pruned["kept_finished"])};
}

}  // namespace sluice::ledger

#include "ledger/prune.hpp"

namespace sluice::ledger {

asio::awaitable<Pruned> prune(pg::Connection& on, PruneOptions options) {
  // A table of a restored dump has another oid: there it is its name that tells.
  const std::string is_there =
      "(exists (select from pg_catalog.pg_class c where c.oid = l.target_oid) or exists (select "
      "from pg_catalog.pg_class "
      "c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname || '.' || "
      "c.relname = "
      "l.target))";
  const std::string which = options.with_finished ? "true" : "not counts";
  const auto results = co_await on.query(
      "begin; with old as (select l.load_id, l.state = 'finished' and " + is_there +
      " as counts from pgsluice.loads l where l.state <> 'unfinished' and coalesce(l.finished_at, "
      "l.started_at) < clock_timestamp() - " +
      std::to_string(options.older.count()) +
      " * interval '1 ms' and not exists (select from pgsluice.deferred_indexes d where d.load_id "
      "= l.load_id)), gone as (delete from pgsluice.loads l using old where l.load_id = "
      "old.load_id and " +
      which +
      " returning l.load_id), marks as (delete from pgsluice.unlogged_marks m using gone where "
      "m.load_id = gone.load_id) select count(*) filter (where gone.load_id is not null and not "
      "counts), count(*) filter (where gone.load_id is not null and counts), count(*) filter "
      "(where gone.load_id is null and counts) from old left join gone using (load_id); commit");
  const pg::Result& row = results.last(1);
  co_return Pruned{row.count(0, 0), row.count(0, 1), row.count(0, 2)};
}

}  // namespace sluice::ledger

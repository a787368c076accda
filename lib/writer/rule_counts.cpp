#include "writer/rule_counts.hpp"

#include <string>

namespace sluice::writer {

asio::awaitable<std::optional<std::uint64_t>> rows_inserted(pg::Connection& on,
                                                            const tuple::Table& table) {
  const auto results = co_await on.query(
      "with recursive relations as (select " + std::to_string(table.id) +
      "::pg_catalog.oid as id union select further.id from relations r cross join lateral ("
      "select inhrelid as id from pg_catalog.pg_inherits where inhparent operator(pg_catalog.=) "
      "r.id union all select d.refobjid from pg_catalog.pg_rewrite w join pg_catalog.pg_depend d "
      "on d.objid operator(pg_catalog.=) w.oid and d.classid operator(pg_catalog.=) "
      "'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.refclassid operator(pg_catalog.=) "
      "'pg_catalog.pg_class'::pg_catalog.regclass where w.ev_class operator(pg_catalog.=) r.id and "
      "w.ev_type operator(pg_catalog.=) '1') further) select "
      "pg_catalog.current_setting('track_counts')::pg_catalog.bool, "
      "pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(id))::pg_catalog.int8 from "
      "relations");
  const pg::Result& row = results.back();
  if (!row.boolean(0, 0)) co_return std::nullopt;
  co_return static_cast<std::uint64_t>(row.integer(0, 1));
}

}  // namespace sluice::writer

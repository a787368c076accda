#include "writer/indexes.hpp"

namespace sluice::writer {

asio::awaitable<std::vector<Index>> secondary_indexes(pg::Connection& on,
                                                      const tuple::Table& table) {
  // The result depends on the search path: with this one every name outside pg_catalog is
  // qualified.
  const auto results = co_await on.query(
      "begin; set local search_path = pg_catalog; "
      "select format('%I.%I', n.nspname, c.relname), "
      "format('set local default_tablespace = %L; ', coalesce(s.spcname, '')) || "
      "pg_get_indexdef(c.oid) || "
      "coalesce(format('; comment on index %I.%I is %L', n.nspname, c.relname, "
      "obj_description(c.oid, 'pg_class')), '') || "
      "coalesce((select string_agg(format('; alter index %I.%I alter column %s set statistics %s', "
      "n.nspname, c.relname, a.attnum, a.attstattarget), '' order by a.attnum) from pg_attribute a "
      "where a.attrelid = c.oid and a.attstattarget >= 0), '') || "
      "case when i.indisclustered then format('; alter table %s cluster on %I', "
      "i.indrelid::regclass, c.relname) else '' end "
      "from pg_index i join pg_class c on c.oid = i.indexrelid "
      "join pg_namespace n on n.oid = c.relnamespace "
      "left join pg_tablespace s on s.oid = c.reltablespace "
      "where i.indrelid = " +
      std::to_string(table.id) +
      " and i.indisvalid and not i.indisunique and not i.indisprimary and not i.indisexclusion "
      "and not i.indisreplident and not exists (select from pg_inherits where inhrelid = c.oid) "
      "order by c.relname; commit");
  const pg::Result& rows = results.last(1);
  std::vector<Index> indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    indexes.push_back({std::string(rows.text(row, 0)), std::string(rows.text(row, 1))});
  co_return indexes;
}

}  // namespace sluice::writer

#include "ledger/grants.hpp"

#include "base/identifier.hpp"

namespace sluice::ledger {

asio::awaitable<std::string> missing_grants(pg::Connection& on, std::vector<TableRights> rights,
                                            bool creates) {
  std::string values;
  for (const TableRights& r : rights) {
    values += std::string(values.empty() ? "" : ", ") + "(" + quote_literal(r.table) + ", " +
              quote_literal(r.privileges) + ")";
  }
  const auto results = co_await on.query(
      "select concat_ws(' ', case when not has_schema_privilege('pgsluice', 'usage') then "
      "format('grant usage on schema pgsluice to %I;', current_user) end, " +
      std::string(creates ? "case when not has_schema_privilege('pgsluice', 'create') then "
                            "format('grant create on schema pgsluice to %I;', current_user) end, "
                          : "") +
      "(select string_agg(format('grant %s on pgsluice.%I to %I;', missing, r.name, current_user), "
      "' ') from (values " +
      values +
      ") r (name, wanted) cross join lateral (select string_agg(p, ', ') as missing from "
      "unnest(string_to_array(r.wanted, ', ')) p join pg_catalog.pg_class c on c.relname = r.name "
      "and "
      "c.relnamespace = to_regnamespace('pgsluice') where not has_table_privilege(c.oid, p)) m "
      "where missing is not null)) where to_regnamespace('pgsluice') is not null");
  const pg::Result& row = results.back();
  co_return row.rows() == 0 ? std::string() : std::string(row.text(0, 0));
}

}  // namespace sluice::ledger

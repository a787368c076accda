#include "ledger/grants.hpp"

#include "base/failure.hpp"
#include "base/sql.hpp"
#include "schema/own_schema.hpp"

namespace sluice::ledger {

asio::awaitable<std::string> missing_grants(pg::Connection& on, std::vector<TableRights> rights,
                                            bool creates) {
  const Sql wanted = sql_list(rights, [](const TableRights& r) {
    return sql("({}, {})", literal(r.table), literal(r.privileges));
  });
  const Sql to_create =
      creates ? sql("case when not has_schema_privilege('pgsluice', 'create') then format('grant "
                    "create on schema pgsluice to %I;', current_user) end, ")
              : Sql();
  const Sql ask = sql(
      "select concat_ws(' ', case when not has_schema_privilege('pgsluice', 'usage') then "
      "format('grant usage on schema pgsluice to %I;', current_user) end, {}(select "
      "string_agg(format('grant %s on pgsluice.%I to %I;', missing, r.name, current_user), ' ') "
      "from (values {}) r (name, wanted) cross join lateral (select string_agg(p, ', ') as missing "
      "from unnest(string_to_array(r.wanted, ', ')) p join pg_catalog.pg_class c on c.relname = "
      "r.name and c.relnamespace = to_regnamespace('pgsluice') where not "
      "has_table_privilege(c.oid, p)) m where missing is not null)) where "
      "to_regnamespace('pgsluice') is not null",
      to_create, wanted);
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  co_return row.rows() == 0 ? std::string() : std::string(row.text(0, 0));
}

asio::awaitable<void> require_grants(pg::Connection& on, std::vector<TableRights> rights) {
  const std::string missing = co_await missing_grants(on, std::move(rights), false);
  if (!missing.empty()) throw Failure(FailureKind::denied, schema::closed(on.user(), missing));
}

}  // namespace sluice::ledger

#include "load/table_state.hpp"

#include <fmt/format.h>

#include "base/columns.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "load/sequences.hpp"

namespace sluice::load {
namespace {

constexpr auto state_columns = columns_of({
    // Nobody has counted its rows; before PostgreSQL 14 a table without a row looks like that too.
    {"is_uncounted",
     "c.reltuples < 0 or c.reltuples = 0 and current_setting('server_version_num')::int < 140000"},
    {"may_analyze",
     "pg_catalog.pg_has_role(c.relowner, 'usage') or pg_catalog.pg_has_role((select datdba from "
     "pg_catalog.pg_database "
     "where datname = current_database()), 'usage') or case when "
     "current_setting('server_version_num')::int >= 170000 then has_table_privilege(c.oid, "
     "'maintain') else false end"},
});

asio::awaitable<void> analyze(Run& run, pg::Connection& on, const plan::Plan& plan) {
  static constexpr auto& at = state_columns;
  const tuple::Table& table = plan.target.table;
  const bool is_asked = plan.options.analyze && !plan.options.more_follows;
  if (table.kind == 'v' || table.kind == 'f') {
    if (is_asked) run.note(fmt::format("--analyze: {} is not a table", table.full_name()));
    co_return;
  }
  const Sql ask = sql("select {} from pg_catalog.pg_class c where c.oid = {}", at.list(), table.id);
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  if (row.rows() == 0) co_return;
  const bool may_analyze = row.boolean(0, at["may_analyze"]);
  if (!is_asked) {
    if (!row.boolean(0, at["is_uncounted"])) co_return;
    run.note(
        fmt::format("{} has no statistics yet, so that plans for it are made as if it were "
                    "nearly empty: --analyze collects them behind a load; here: analyze {};",
                    table.full_name(), table.quoted_name));
  } else if (!may_analyze) {
    run.note(fmt::format("--analyze: only the owner of {} may", table.full_name()));
  } else {
    on.wait_for_ever();
    const Sql statement = sql("analyze {}", table.sql_name());
    co_await on.query(statement);
  }
}

}  // namespace

asio::awaitable<void> look_after_table(Run& run, const plan::Plan& plan, bool says_sequences) {
  const plan::LoadOptions& o = plan.options;
  const bool is_large = run.report.now.rows() >= limits::rows_without_statistics;
  const bool asks_state = is_large || (o.analyze && !o.more_follows);
  const bool asks_sequences = says_sequences && !o.set_sequences && may_have_sequences(plan);
  if (!asks_state && !asks_sequences) co_return;
  try {
    pg::Lease connection = co_await run.on.pool.acquire();
    if (asks_sequences) {
      std::vector<std::string> behind = co_await sequences_behind(plan, *connection);
      for (std::string& text : behind) run.note(std::move(text));
    }
    if (asks_state) co_await analyze(run, *connection, plan);
  } catch (const pg::PgError& error) {
    run.note(fmt::format("the load is stored; of the table's state: {}", error.full()));
  }
}

}  // namespace sluice::load

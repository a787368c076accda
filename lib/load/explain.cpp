#include "load/explain.hpp"

#include "base/failure.hpp"
#include "ledger/grants.hpp"
#include "load/report.hpp"
#include "writer/missing_table.hpp"

namespace sluice::load {
namespace {

/// The grants that the user lacks, as the statements that give them.
Sql grants_query(const Wanted& w) {
  std::vector<Sql> privileges;
  for (const char* privilege : {"insert", "select", "update", "delete", "truncate"}) {
    if (!w.privileges.contains(privilege)) continue;
    // A right to all columns of the file may do; where it does not, the table's does.
    privileges.push_back(sql("select {} as privilege where not has_table_privilege(t.oid, {})",
                             literal(privilege), literal(privilege)));
  }
  const SqlWords of_owner =
      "(select format('grant %I to %s;', pg_catalog.pg_get_userbyid(t.relowner), me.name) from t, "
      "me where not pg_catalog.pg_has_role(t.relowner, 'usage'))";
  const SqlWords of_temporary =
      ", (select format('grant temporary on database %I to %s;', current_database(), me.name) from "
      "me where not has_database_privilege(current_database(), 'temporary'))";
  return sql(
      "with t as (select c.oid, c.relowner, n.oid as schema, n.nspname, format('%I.%I', "
      "n.nspname, c.relname) as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on "
      "n.oid = c.relnamespace where c.oid = {}), me as (select quote_ident(current_user) as name) "
      "select concat_ws(' ', "
      "(select format('grant usage on schema %I to %s;', t.nspname, me.name) from t, me where "
      "not has_schema_privilege(t.schema, 'usage')), "
      "(select format('grant %s on %s to %s;', string_agg(p.privilege, ', '), t.name, me.name) "
      "from t, me, lateral ({}) p group by t.name, me.name), "
      // A default draws its number by the user's own right.
      "(select string_agg(distinct format('grant usage on sequence %s to %s;', s.oid::regclass, "
      "me.name), ' ') from t, me, pg_catalog.pg_attrdef a, pg_catalog.pg_depend d, "
      "pg_catalog.pg_class s where a.adrelid = t.oid and d.classid = "
      "'pg_catalog.pg_attrdef'::regclass and d.objid = a.oid and d.refclassid = "
      "'pg_catalog.pg_class'::regclass and s.oid = d.refobjid and s.relkind = 'S' and case "
      // Asked of something else it would be an error, and the order of AND is the server's.
      "when s.relkind = 'S' then not has_sequence_privilege(s.oid, 'usage') end), {}{})",
      writer::oid_of_table(w.table), joined(privileges, " union all "),
      w.is_owner ? of_owner : SqlWords("null"), w.has_temporary ? of_temporary : SqlWords(""));
}

asio::awaitable<std::string> missing_grants(pg::Connection& on, const Wanted& w) {
  const Sql ask = grants_query(w);
  const auto results = co_await on.query(ask);
  std::string grants(results.back().text(0, 0));
  std::vector<ledger::TableRights> rights{
      {"loads", "select, insert, update"},
      {"chunks", "select, insert, update"},
      {"unlogged_marks", "select, insert, update"},
      {"deferred_indexes", w.is_owner ? "select, insert, update, delete" : "select"}};
  if (w.joins) rights.push_back({"segments", "select, insert, update"});
  const std::string ours = co_await ledger::missing_grants(on, rights, w.has_stage);
  if (!ours.empty()) grants += (grants.empty() ? "" : " ") + ours;
  co_return grants.empty() ? grants : "Ask the owner of these, or a superuser, to run: " + grants;
}

constexpr std::string_view create_advice =
    "--create makes the table, with types that keep every value of the file.";

/// The setting of the user's that the server does not take, if it is one of these.
asio::awaitable<void> require_settings(pg::Connection& on, const writer::Settings& settings) {
  for (const auto& [name, value] : settings) {
    std::optional<pg::PgError> refused;
    try {
      const writer::Settings one{{name, value}};
      const Sql try_it = sql("begin; {}rollback", writer::set_local(one));
      co_await on.query(try_it);
    } catch (const pg::PgError& error) {
      refused = error;
    }
    if (!refused) continue;
    if (on.in_transaction()) co_await on.query("rollback");
    throw Failure(FailureKind::usage, "--set " + name + "=" + value + ": " + refused->full());
  }
}

/// What helps against errors of the session's own limits.
std::string advice_about_limits(const pg::PgError& error) {
  if (error.state == sql_state::query_canceled)
    return "If it was the statement_timeout of this user, database or server, --set "
           "statement_timeout=0 goes without it; the same command goes on where it stopped.";
  if (error.state == sql_state::transaction_timeout)
    return "--set transaction_timeout=0 goes without it; a smaller --chunk-size needs less time.";
  if (error.state == sql_state::lock_not_available)
    return "--lock-timeout says how long a lock is waited for, --retry-for how long it is tried "
           "again.";
  return {};
}

/// The table that was probably meant, and the flag that makes one. The table that is missing may be
/// another one, which SQL of the user's or a trigger has named.
asio::awaitable<std::string> missing_table(pg::Connection& on, const Wanted& wanted) {
  std::string text = co_await writer::likely_table(on, wanted.table);
  if (!wanted.may_make) co_return text;
  const bool can_be_made = co_await writer::can_be_made(on, wanted.table);
  if (can_be_made) text += (text.empty() ? "" : " ") + std::string(create_advice);
  co_return text;
}

asio::awaitable<std::string> advice(pg::Pool& pool, const Wanted& wanted,
                                    const pg::PgError& error) {
  const std::string about_limits = advice_about_limits(error);
  if (!about_limits.empty()) co_return about_limits;
  const bool is_asked = error.phase != pg::Phase::connect && error.session_goes_on;
  if (!is_asked) co_return std::string();
  const bool is_of_settings = error.state == sql_state::undefined_object ||
                              error.state == sql_state::invalid_parameter_value ||
                              error.state == sql_state::cant_change_runtime_param;
  const bool is_of_rights = error.state == sql_state::insufficient_privilege;
  const bool is_of_name =
      error.state == sql_state::undefined_table || error.state == sql_state::invalid_schema_name;
  if (!is_of_settings && !is_of_rights && !is_of_name) co_return std::string();
  pg::Lease connection = co_await pool.acquire();
  if (is_of_settings || is_of_rights) co_await require_settings(*connection, wanted.settings);
  if (is_of_rights) co_return co_await missing_grants(*connection, wanted);
  if (is_of_name) co_return co_await missing_table(*connection, wanted);
  co_return std::string();
}

}  // namespace

Wanted::Wanted(const plan::LoadOptions& o) : table(o.table), settings(o.settings) {
  privileges = "insert";
  const bool has_sql = !o.where.empty() || !o.select.empty();
  if (o.on_conflict != writer::OnConflict::error || has_sql) privileges += ", select";
  if (o.on_conflict == writer::OnConflict::update) privileges += ", update";
  if (o.deletes()) privileges += ", select, delete";
  if (o.truncate) privileges += ", truncate";
  may_make = !o.makes && !o.check && o.use_ledger && o.select.empty() && !o.truncate &&
             !o.deletes() && o.on_conflict == writer::OnConflict::error;
  is_owner = o.defer_indexes;
  joins = o.joins();
  has_stage = o.is_all_or_nothing();
  has_temporary = o.on_conflict != writer::OnConflict::error || has_sql;
}

asio::awaitable<std::exception_ptr> explain(pg::Pool& pool, Wanted wanted,
                                            std::exception_ptr failed) {
  std::optional<pg::PgError> error;
  std::optional<BadRecord> record;
  try {
    std::rethrow_exception(failed);
  } catch (const pg::PgError& thrown) {
    error = thrown;
  } catch (const BadRecord& thrown) {
    // A right that is missing may show at a record first.
    record = thrown;
    error.emplace(pg::Phase::storing, SqlState(thrown.reject().sql_state), thrown.what());
    error->session_goes_on = true;
    if (!(error->state == sql_state::insufficient_privilege)) co_return failed;
  } catch (const std::exception&) {
    co_return failed;
  }
  try {
    const std::string text = co_await advice(pool, wanted, *error);
    if (text.empty()) co_return failed;
    if (record) {
      const std::string message = std::string(record->what()) + "\n  " + text;
      failed = std::make_exception_ptr(
          BadRecord(record->kind(), record->source(), record->reject(), message));
      co_return failed;
    }
    error->hint += (error->hint.empty() ? "" : "\n  ") + text;
    failed = std::make_exception_ptr(*error);
  } catch (const pg::PgError&) {
    co_return failed;
  } catch (const Failure&) {
    failed = std::current_exception();
  }
  co_return failed;
}

}  // namespace sluice::load

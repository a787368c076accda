#include "writer/deletions.hpp"

#include "base/failure.hpp"

namespace sluice::writer {

SqlWords only(const tuple::Table& target) {
  return target.kind == 'r' ? SqlWords("only ") : SqlWords("");
}

// The line's end is for a comment that has none.
Sql delete_matching_statement(const tuple::Table& target, const std::string& condition) {
  return sql("delete from {}{} where ({}\n)", only(target), target.sql_name(),
             Sql::trusted(condition));
}

Sql delete_missing_statement(const tuple::Table& target, const Merge& merge, const Sql& staged) {
  return sql(
      "delete from {}{} as pgsluice_target where not exists (select from {} as pgsluice_staged "
      "where {})",
      only(target), target.sql_name(), staged, joined(merge.equalities, " and "));
}

Sql rows_query(const tuple::Table& target) {
  return sql("select pg_catalog.count(*) from {}{}", only(target), target.sql_name());
}

asio::awaitable<void> require_can_delete(pg::Connection& on, const Target& target,
                                         std::string condition, std::string flag) {
  const Sql begin = sql(
      "begin; {}select exists (select from pg_catalog.pg_rewrite where ev_class = {} and ev_type = "
      "'4' and {})",
      target.settings_sql, target.table.id, target.table.kind != 'v');
  const auto begun = co_await on.query(begin);
  const bool has_rule = begun.back().boolean(0, 0);
  co_await on.query(target.user_path_sql);
  std::optional<pg::PgError> refused;
  if (!has_rule) {
    // It is planned, with its rights looked up, and not run.
    const Sql explain =
        sql("explain (costs off) {}",
            condition.empty() ? sql("delete from {} where false", target.table.sql_name())
                              : delete_matching_statement(target.table, condition));
    try {
      std::string text = explain.text();
      pg::Row none;
      co_await on.execute(std::move(text), std::move(none));
    } catch (const pg::PgError& error) {
      refused = error;
    }
  }
  co_await on.query("rollback");
  if (has_rule) {
    throw Failure(FailureKind::usage, flag + ": " + target.table.full_name() +
                                          " has rules for DELETE, which may delete something else");
  }
  if (!refused) co_return;
  const bool is_of_rights = refused->state == sql_state::insufficient_privilege;
  if (is_of_rights || refused->nature() != ErrorNature::data) throw pg::PgError(*refused);
  throw Failure(FailureKind::usage, flag + ": " + refused->full());
}

}  // namespace sluice::writer

#include "load/judge_sql.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pg/pipeline.hpp"
#include "writer/copy_writer.hpp"

namespace sluice::load {
namespace {

/// What the user's SQL is judged with, instead of a load's words: their types count.
const tuple::LoadWords some_words{.file = "f", .path = "/f", .now = "2000-01-01 00:00:00+00"};

plan::SqlWordValues some_values(const plan::LoadOptions& o, bool has_record) {
  return {some_words, o.use_ledger || o.check ? std::optional(LoadId{0}) : std::nullopt,
          has_record ? Sql("null::pg_catalog.int8") : Sql()};
}

/// What the server says of the user's SQL, as a wrong flag; an error of another kind is thrown as
/// it is.
[[noreturn]] void refuse(const std::string& flag, const pg::PgError& error,
                         const std::string& advice) {
  const bool is_of_sql = (error.state.in_class(sql_class::syntax_error_or_access_rule_violation) &&
                          !(error.state == sql_state::insufficient_privilege)) ||
                         error.state.in_class(sql_class::feature_not_supported) ||
                         error.state.in_class(sql_class::data_exception) ||
                         error.state.in_class(sql_class::program_limit_exceeded);
  if (!is_of_sql) throw pg::PgError(error);
  throw Failure(FailureKind::usage, flag + ": " + error.full(), advice);
}

/// A transaction in the user's path, which is rolled back.
asio::awaitable<void> begin(pg::Connection& on, const writer::Target& target, Sql own) {
  const Sql statements = sql("begin; {}{}{}", target.settings_sql, own, target.user_path_sql);
  co_await on.query(statements);
}

/// Runs or only parses one statement: more than one is refused by the server. Returns its result's
/// columns.
asio::awaitable<std::optional<pg::PgError>> ask(pg::Connection& on, const Sql& statement,
                                                std::vector<std::string>* columns) {
  const auto on_result = [columns](std::size_t, const pg::Result& result) {
    if (columns == nullptr) return;
    for (int i = 0; i < result.columns(); ++i) columns->push_back(result.column_name(i));
  };
  pg::Pipeline pipeline(on, on_result);
  if (columns == nullptr) {
    const std::vector<std::uint32_t> no_types;
    co_await pipeline.prepare("", statement.text(), no_types);
  } else {
    co_await pipeline.execute(statement.text());
  }
  const std::optional<pg::PipelineError> error = co_await pipeline.finish();
  if (error) co_return error->error;
  co_return std::nullopt;
}

std::string advice_on_list(const plan::Selecting& selecting, const pg::PgError& error) {
  if (error.state == sql_state::grouping_error || error.state == sql_state::windowing_error ||
      error.state.in_class(sql_class::feature_not_supported)) {
    return "Each record becomes one row: aggregates, window functions and functions that return "
           "sets have no place here; a lookup is a subquery in parentheses.";
  }
  if (!(error.state == sql_state::undefined_column)) return {};
  std::vector<std::string> names;
  for (const tuple::Column& column : selecting.csv().columns) names.push_back(column.name);
  return fmt::format("The file's columns are {}.", sql_list(names, identifier).text());
}

std::string advice_on_condition(const std::vector<std::string>& columns, const pg::PgError& error) {
  if (error.state == sql_state::undefined_column || error.state == sql_state::undefined_table) {
    return fmt::format("Here a condition sees the columns {}.",
                       sql_list(columns, identifier).text());
  }
  return {};
}

void require_flags_for_list(const plan::LoadOptions& o) {
  const auto refuse_beside = [](const char* flag, const char* instead) {
    throw Failure(FailureKind::usage,
                  fmt::format("{} and --select exclude each other: {}", flag, instead));
  };
  if (!o.maps.empty() || !o.renames.empty())
    refuse_beside("--map", "write \"column as other_name\" in the list");
  if (!o.values.added.empty()) refuse_beside("--add", "write \"value as column\" in the list");
  if (!o.skipped_columns.empty())
    refuse_beside("--skip-column", "leave the column out of the list");
}

/// The columns that COPY would give the condition, and those that wait for it elsewhere.
std::vector<std::string> columns_seen(const plan::Plan& plan) {
  const bool is_direct = !plan.strategy.staged && plan.strategy.kind == plan::Strategy::Kind::copy;
  if (!is_direct) return plan.encoder.column_names();
  std::vector<std::string> columns;
  for (const tuple::Column& column : plan.target.table.columns)
    if (!column.generated) columns.push_back(column.name);
  return columns;
}

/// The condition in a COPY of no row, into the table or one like the stage.
asio::awaitable<std::optional<pg::PgError>> ask_copy(pg::Connection& on, const plan::Plan& plan,
                                                     const Sql& condition) {
  const tuple::Table& table = plan.target.table;
  const std::vector<std::string> columns = plan.encoder.column_names();
  const std::string name = "pgsluice_probe";
  Sql make;
  Sql into = table.sql_name();
  if (plan.strategy.staged) {
    into = sql("pg_temp.{}", identifier(name));
    make = sql("create temporary table {} on commit drop as select {} from {} with no data; ",
               identifier(name), sql_list(columns, identifier), table.sql_name());
  }
  const Sql copy = sql("{}copy {} ({}) from stdin", make, into, sql_list(columns, identifier));
  const tuple::TupleRange none{.lane = tuple::LaneName::slow};
  const std::vector<tuple::TupleRange> copies{none};
  bool listens = true;
  std::string statement =
      writer::copy_statement(copy.text(), none, writer::where_clause(condition).text());
  const writer::Copied copied =
      co_await writer::run_copies(on, std::move(statement), copies, table.name, listens);
  if (copied.refusal) co_return *copied.refusal;
  co_return std::nullopt;
}

}  // namespace

asio::awaitable<plan::Selecting> judge_list(pg::Pool& pool, const plan::LoadOptions& options,
                                            const writer::Target& target,
                                            const chunk::Preamble& preamble) {
  require_flags_for_list(options);
  const std::vector<std::string> names = plan::names_for_list(options, preamble.header);
  plan::Selecting selecting(options, names, target.table);
  pg::Lease on = co_await pool.acquire();
  Sql make_nothing("create temporary table pgsluice_nothing () on commit drop; ");
  co_await begin(*on, target, std::move(make_nothing));
  const plan::SqlWordValues values = some_values(options, true);
  const script::UserSql::Fill fill = plan::fill_of(selecting.list(), values);
  const Sql nothing("pg_temp.pgsluice_nothing");
  std::optional<pg::PgError> refused;
  std::string flag = selecting.condition().flag();
  if (!selecting.condition().empty()) {
    const Sql condition = selecting.judged_condition(plan::fill_of(selecting.condition(), values));
    refused = co_await ask(*on, condition, nullptr);
  }
  std::vector<std::string> outputs;
  if (!refused) {
    flag = selecting.list().flag();
    const Sql judged = selecting.judged(nothing, fill);
    refused = co_await ask(*on, judged, &outputs);
  }
  if (!refused) {
    selecting.set_outputs(outputs, target.table);
    const Sql insert = selecting.insert(target.table, fill);
    refused = co_await ask(*on, insert, nullptr);
  }
  co_await on->query("rollback");
  if (refused) refuse(flag, *refused, advice_on_list(selecting, *refused));
  co_return selecting;
}

asio::awaitable<void> judge_condition(pg::Pool& pool, const plan::Plan& plan) {
  const script::UserSql& condition = plan.condition;
  const plan::SqlWordValues values = some_values(plan.options, false);
  const Sql filled = condition.filled(plan::fill_of(condition, values));
  const tuple::Table& table = plan.target.table;
  const std::vector<std::string> columns = columns_seen(plan);
  const Sql question = sql("select from (select {} from {}) as {}{}", sql_list(columns, identifier),
                           table.sql_name(), identifier(table.name), writer::where_clause(filled));
  pg::Lease on = co_await pool.acquire();
  Sql nothing;
  co_await begin(*on, plan.target, std::move(nothing));
  std::optional<pg::PgError> refused = co_await ask(*on, question, nullptr);
  // All but a subquery COPY takes and refuses as WHERE does. It runs triggers of the statement.
  const bool is_copied = plan.strategy.staged || plan.strategy.kind == plan::Strategy::Kind::copy;
  if (!refused && is_copied && condition.may_have_subquery())
    refused = co_await ask_copy(*on, plan, filled);
  co_await on->query("rollback");
  if (refused) refuse(condition.flag(), *refused, advice_on_condition(columns, *refused));
}

}  // namespace sluice::load

#include "load/undo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "async/retry.hpp"
#include "base/limits.hpp"
#include "ledger/ledger.hpp"
#include "ledger/places.hpp"
#include "ledger/prepared.hpp"
#include "ledger/run_lock.hpp"
#include "ledger/segments.hpp"
#include "load/retry_policy.hpp"
#include "script/user_sql.hpp"
#include "tuple/value_rules.hpp"
#include "writer/catalog.hpp"
#include "writer/deletions.hpp"
#include "writer/guard.hpp"

namespace sluice::load {
namespace {

Failure cannot(const ledger::LoadEntry& load, const std::string& why,
               const std::string& advice = "") {
  return {FailureKind::failed, fmt::format("load {} cannot be taken out: {}", load.id.value, why),
          advice};
}

/// One undoing, over all its attempts.
struct Undoing {
  pg::Pool& pool;
  ledger::LoadEntry load;
  UndoOptions options;
  RetryPolicy policy;
  writer::Target target;
  Undone undone;
  std::uint64_t page =
      0;  ///< of the table and of each of its partitions, where the next part begins
  std::uint64_t pages = 0;  ///< of the longest of them
  std::uint64_t step = 1;
};

/// True of the load's rows.
Sql is_of_load(const Undoing& u) {
  const tuple::Column& column = u.target.table.columns[*u.target.table.find(u.undone.column)];
  const Literal number = literal(std::to_string(u.load.id.value));
  const Identifier name = identifier(column.name);
  switch (column.base_type.id) {
    case tuple::oid::int2: return sql("{} = {}::int2", name, number);
    case tuple::oid::int4: return sql("{} = {}::int4", name, number);
    case tuple::oid::int8: return sql("{} = {}::int8", name, number);
    case tuple::oid::numeric: return sql("{} = {}::numeric", name, number);
    case tuple::oid::text:
    case tuple::oid::varchar: return sql("{} = {}::text", name, number);
    default: break;
  }
  throw cannot(u.load, fmt::format("column {} is of type {}, which is no number and no text",
                                   column.name, column.type_name));
}

/// Throws Failure where the table that the user names is not the load's, or its rows cannot be
/// told.
void require_table(Undoing& u, bool is_same_table) {
  const tuple::Table& table = u.target.table;
  if (!is_same_table) {
    throw cannot(u.load,
                 fmt::format("it went into {} as that was then, and {} is another table",
                             u.load.target, table.full_name()),
                 "--table names the table whose rows are to be deleted.");
  }
  if (table.kind != 'r' && table.kind != 'p')
    throw cannot(u.load, table.full_name() + " is not a table");
  if (table.is_foreign) throw cannot(u.load, table.full_name() + " has its rows in another server");
  if (table.row_security) {
    throw cannot(u.load, "row-level security of " + table.full_name() +
                             " may hide some of its rows from this user");
  }
  if (!table.find(u.undone.column)) {
    throw cannot(u.load,
                 fmt::format("its number was in column {}, which {} does not have", u.undone.column,
                             table.full_name()),
                 "If the column has another name now, give it that one again for this.");
  }
  const auto found = table.find(u.options.column);
  const bool is_there = found && table.columns[*found].name == u.undone.column;
  if (!is_there) {
    throw cannot(u.load,
                 fmt::format("its number is in column {}, and --column says {}", u.undone.column,
                             u.options.column),
                 "--column names the column by which rows are deleted.");
  }
  is_of_load(u);
}

ledger::RunLockNames lock_names(const Undoing& u) {
  return {.target = sql("{}", literal(std::to_string(u.target.table.id))),
          .fingerprint = u.load.fingerprint};
}

/// What is wrong is said before anything is changed.
asio::awaitable<void> look_at_table(Undoing& u) {
  pg::Lease lease = co_await u.pool.acquire();
  lease->refuse_standby();
  std::string table = u.options.table;
  writer::Settings none;
  u.target = co_await writer::describe(*lease, std::move(table), std::move(none));
  ledger::NewLoad here;
  here.target = u.target.table.full_name();
  here.target_oid = u.target.table.id;
  here.origin = u.target.origin;
  // A ledger that came with a dump knows its tables by their names.
  const Sql adopt = sql("begin; {}commit", ledger::adopt_statements(here));
  co_await lease->query(adopt);
  const Sql ask = sql("select l.target_oid = {} and {} from pgsluice.loads l where l.load_id = {}",
                      here.target_oid, ledger::is_here(sql("l"), here.origin), u.load.id.value);
  const auto results = co_await lease->query(ask);
  const pg::Result& row = results.back();
  if (row.rows() == 0) throw cannot(u.load, "it is not in the ledger any more");
  require_table(u, row.boolean(0, 0));
  u.undone.table = u.target.table.full_name();
  std::string no_condition;
  std::string what = fmt::format("load {} cannot be taken out", u.load.id.value);
  co_await writer::require_can_delete(*lease, u.target, std::move(no_condition), std::move(what));
  if (!u.options.dry_run) co_return;
  lease->wait_for_ever();
  const Sql count = sql("select count(*) from {}{} where {}", writer::only(u.target.table),
                        u.target.table.sql_name(), is_of_load(u));
  const auto counted = co_await lease->query(count);
  u.undone.rows = counted.back().count(0, 0);
}

/// From here on nothing goes on with the load, nor is a file like it loaded beside it.
asio::awaitable<void> begin(Undoing& u) {
  pg::Lease lease = co_await u.pool.acquire();
  const Sql statement =
      sql("update pgsluice.loads set state = 'undoing' where load_id = {} and state <> 'undoing'",
          u.load.id.value);
  co_await lease->query(statement);
  // What its lock keeps away does not keep away those who help a run that is gone.
  ledger::SegmentHolder holder{u.load.id, lock_names(u), {}, {}};
  holder.lock.lease = limits::join_lease;
  co_await ledger::end_helpers(*lease, std::move(holder));
  co_await ledger::conclude_all(*lease, u.load.id);
  lease->wait_for_ever();
  const Sql wait = ledger::claimants_end(u.load.id);
  co_await lease->query(wait);
  const Sql ask = sql(
      "select coalesce(max(pg_catalog.pg_relation_size(c.oid) / "
      "current_setting('block_size')::bigint), 0)::bigint, count(*), "
      "current_setting('block_size')::bigint from pg_catalog.pg_class c where c.relkind = 'r' and "
      "(c.oid = {} or c.oid in (select relid from "
      "pg_catalog.pg_partition_tree({}::oid::regclass)))",
      u.target.table.id, u.target.table.id);
  const auto results = co_await lease->query(ask);
  const pg::Result& row = results.back();
  u.pages = row.count(0, 0);
  const std::uint64_t relations = std::max<std::uint64_t>(row.count(0, 1), 1);
  const std::uint64_t page_bytes = std::max<std::uint64_t>(row.count(0, 2), 1);
  u.step = std::max<std::uint64_t>(limits::undo_batch_bytes / page_bytes / relations, 16);
}

/// Deletes what is in the next pages. A row that somebody updates meanwhile moves behind them,
/// where another pass finds it. One whose commit was in doubt finds nothing when it is made again.
asio::awaitable<void> delete_part(Undoing& u) {
  pg::Lease lease = co_await u.pool.acquire();
  pg::Connection& on = *lease;
  on.wait_for_ever();
  std::vector<std::string> columns{u.undone.column};
  const writer::Guard guard(u.target, u.target.table, std::move(columns));
  const Sql begin = sql("begin; {}{}", u.target.settings_sql, guard.statements());
  bool is_as_planned = true;
  try {
    co_await on.query(begin);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::division_by_zero)) throw;
    is_as_planned = false;
  }
  if (!is_as_planned) {
    co_await on.query("rollback");
    const std::string what = co_await guard.what_changed(on);
    throw writer::NotAsPlanned(what,
                               "Nothing more is deleted; the same command goes on where it can.");
  }
  const bool is_last = u.page + u.step >= u.pages;
  const Sql end =
      is_last ? Sql() : sql(" and ctid < {}::tid", literal(fmt::format("({},0)", u.page + u.step)));
  const Sql part =
      sql("delete from {}{} where ctid >= {}::tid{} and {}", writer::only(u.target.table),
          u.target.table.sql_name(), literal(fmt::format("({},0)", u.page)), end, is_of_load(u));
  const auto gone = co_await on.query(part);
  const std::uint64_t deleted = gone.back().affected();
  // Triggers for DELETE run in the user's path, deferred ones with the commit.
  const Sql commit =
      sql("update pgsluice.loads set rows_undone = rows_undone + {} where load_id = {} and state = "
          "'undoing'; {}commit",
          deleted, u.load.id.value, u.target.user_path_sql);
  co_await on.query(commit);
  u.undone.deleted += deleted;
}

/// False where there are rows of it yet.
asio::awaitable<bool> end(Undoing& u) {
  pg::Lease lease = co_await u.pool.acquire();
  lease->wait_for_ever();
  const Sql statement = sql(
      "update pgsluice.loads l set state = 'void' where l.load_id = {} and l.state = 'undoing' and "
      "not exists (select from {}{} where {}) returning l.rows_undone",
      u.load.id.value, writer::only(u.target.table), u.target.table.sql_name(), is_of_load(u));
  const auto results = co_await lease->query(statement);
  const pg::Result& row = results.back();
  if (row.rows() == 0) {
    // By an attempt whose answer was lost?
    const auto now = co_await ledger::show_load(*lease, u.load.id);
    const bool is_done = now && now->state == "void";
    if (is_done) u.undone.deleted_ever = now->rows_undone;
    co_return is_done;
  }
  u.undone.deleted_ever = row.count(0, 0);
  co_return true;
}

asio::awaitable<void> retried(const Undoing& u, std::function<asio::awaitable<void>()> attempt) {
  const auto decide = [&u](const std::exception_ptr& failure, std::size_t tries,
                           std::chrono::milliseconds elapsed) {
    return u.policy.next(failure, tries, elapsed);
  };
  co_await async::retry(attempt, decide);
}

/// All parts of the table. False where it was stopped.
asio::awaitable<bool> pass(Undoing& u, const std::function<bool()>& stopped) {
  const std::function<asio::awaitable<void>()> begin_it = [&u] { return begin(u); };
  co_await retried(u, begin_it);
  const std::function<asio::awaitable<void>()> next = [&u] { return delete_part(u); };
  for (u.page = 0; u.page == 0 || u.page < u.pages; u.page += u.step) {
    if (stopped()) co_return false;
    co_await retried(u, next);
  }
  co_return true;
}

asio::awaitable<void> try_to_end(Undoing& u) { u.undone.is_done = co_await end(u); }

/// A run that is at work on the load would bring rows meanwhile.
asio::awaitable<ledger::RunLock> lock(Undoing& u) {
  std::unique_ptr<pg::Connection> connection = co_await pg::Connection::open(u.pool.options());
  Sql none;
  ledger::RunLockNames names = lock_names(u);
  co_return co_await ledger::RunLock::take(std::move(connection), std::move(none),
                                           std::move(names));
}

}  // namespace

namespace {

/// ":load as COLUMN" in a list of --select. Empty where no column has the number as it is.
std::string column_of_number(const std::string& select) {
  script::UserSql list;
  try {
    list = script::UserSql("--select", select);
  } catch (const Failure&) {
    return {};  // somebody has written that into the ledger
  }
  for (const script::UserSql::Part part : list.parts()) {
    std::size_t at = part.first;
    if (at >= part.end || list.colon_word(at) != "load") continue;
    at += 2;
    if (part.end - at == 2 && list.name(at) == "as") ++at;
    const auto column = part.end - at == 1 ? list.name(at) : std::nullopt;
    if (column) return *column;
  }
  return {};
}

}  // namespace

UndoWay way_to_undo(const ledger::LoadEntry& load) {
  UndoWay way;
  const auto json = nlohmann::json::parse(load.options, nullptr, false);
  if (json.is_object() && json.contains("add") && json["add"].is_object()) {
    for (const auto& [column, value] : json["add"].items())
      if (value.is_string() && value.get<std::string>() == tuple::load_word) way.column = column;
  }
  if (json.is_object() && json.contains("select") && json["select"].is_string())
    way.column = column_of_number(json["select"].get<std::string>());
  if (way.column.empty()) {
    way.problem =
        "its rows do not have its number: --add COLUMN=:load gives it to those of a load (or "
        ":load as COLUMN in --select)";
  } else if (json.value("on-conflict", "") == "update") {
    way.problem = "it updated rows (--on-conflict update), and what these were before nobody knows";
  } else if (load.staged && load.state == "unfinished") {
    way.problem = "its rows are not in the table yet; pgsluice loads forget gives them up";
  } else if (load.state == "void" && !load.finished_at.empty()) {
    way.problem = "it is void: its rows are gone";
  }
  return way;
}

asio::awaitable<Undone> undo(pg::Pool& pool, ledger::LoadEntry load, UndoOptions options,
                             std::function<bool()> stopped) {
  const UndoWay way = way_to_undo(load);
  if (!way.problem.empty()) throw cannot(load, way.problem);
  const RetryPolicy policy{options.retry_for, retry_backoff, true};
  Undoing u{pool, std::move(load), std::move(options), policy, {}, {}};
  u.undone.column = way.column;
  co_await look_at_table(u);
  if (u.options.dry_run) co_return std::move(u.undone);
  const ledger::RunLock held = co_await lock(u);
  std::uint64_t before = 0;
  do {
    before = u.undone.deleted;
    if (!co_await pass(u, stopped)) co_return std::move(u.undone);
    const std::function<asio::awaitable<void>()> end_it = [&u] { return try_to_end(u); };
    co_await retried(u, end_it);
  } while (!u.undone.is_done && u.undone.deleted > before);
  if (!u.undone.is_done) {
    throw cannot(u.load,
                 fmt::format("{} keeps rows of it that were deleted (a trigger for DELETE?)",
                             u.undone.table),
                 "The same command goes on.");
  }
  co_return std::move(u.undone);
}

}  // namespace sluice::load

#include "ledger/prepared.hpp"

#include <utility>

#include "async/deadline.hpp"
#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "ledger/begin_load.hpp"
#include "ledger/run_lock.hpp"
#include "pg/batch.hpp"

namespace sluice::ledger {
namespace {

/// How far a name says which load it is.
Sql prefix_of(const Sql& database, const Sql& load) {
  return sql("'pgsluice ' || {} || ' load ' || {} || ' '", database, load);
}

constexpr SqlWords this_database =
    "(select oid from pg_catalog.pg_database where datname = current_database())";

/// What the row says of an attempt, and its parts' names behind the load's number.
std::string word_of(const Attempt& attempt) {
  return "run " + std::to_string(attempt.run) + " try " + std::to_string(attempt.number);
}

std::string name_of(const Attempt& attempt, std::size_t part) {
  return "pgsluice " + std::to_string(attempt.database) + " load " +
         std::to_string(attempt.load.value) + " " + word_of(attempt) + " part " +
         std::to_string(part);
}

struct Part {
  std::string name;
  std::string owner;
  bool is_ours = false;
};

asio::awaitable<std::vector<Part>> parts_of(pg::Connection& on, LoadId load) {
  static constexpr auto part = columns_of({
      {"name", "p.gid"},
      {"owner", "p.owner::text"},
      {"ours",
       "p.owner = current_user or exists (select from pg_catalog.pg_roles r where r.rolname = "
       "current_user and r.rolsuper)"},
  });
  const Sql ask =
      sql("select {} from pg_catalog.pg_prepared_xacts p where p.database = current_database() and "
          "starts_with(p.gid, {}) order by p.gid",
          part.list(), prefix_of(this_database, sql("{}", load.value)));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  std::vector<Part> parts;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    parts.push_back({std::string(rows.text(row, part["name"])),
                     std::string(rows.text(row, part["owner"])), rows.boolean(row, part["ours"])});
  co_return parts;
}

/// What the row says is to be committed, of whatever run; empty: nothing. No run of before decides
/// anything from here on.
asio::awaitable<std::string> fence(pg::Connection& on, LoadId load) {
  pg::Batch batch(sql("begin; {}", waiting));
  const auto fenced =
      batch.add(sql("update pgsluice.loads set runs = runs + 1 where load_id = {} returning "
                    "coalesce(committing, '')",
                    load.value));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  const pg::Result& row = batch.answer(results, fenced);
  co_return row.rows() == 0 ? std::string() : std::string(row.text(0, 0));
}

/// Whoever else does the same does the same: one that is gone was ended so. Another session may be
/// at it. The statement goes alone, with nothing in front of it that sets a path.
asio::awaitable<void> end_part(pg::Connection& on, const std::string& name, bool commits) {
  const Sql statement = commits ? sql("commit prepared {}", literal(name))
                                : sql("rollback prepared {}", literal(name));
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    try {
      co_await on.query_in_user_path(statement);
      co_return;
    } catch (const pg::PgError& error) {
      if (error.state == sql_state::undefined_object) co_return;
      const bool is_busy = error.state == sql_state::object_not_in_prerequisite_state;
      if (!is_busy || deadline.passed()) throw;
    }
    co_await async::sleep_for(limits::lock_poll);
  }
}

}  // namespace

asio::awaitable<Attempt> begin_attempt(pg::Connection& on, LoadId load, std::size_t number) {
  const Sql statement =
      sql("update pgsluice.loads set committing = '' where load_id = {} and state = 'unfinished' "
          "returning runs, {}::bigint",
          load.value, this_database);
  const auto results = co_await on.query(statement);
  const pg::Result& row = results.back();
  Attempt attempt{load, 0, 0, number};
  if (row.rows() == 0) co_return attempt;  // nothing of it is decided
  attempt.run = row.integer(0, 0);
  attempt.database = static_cast<std::uint32_t>(row.count(0, 1));
  co_return attempt;
}

Sql prepare_statement(const Attempt& attempt, std::size_t part) {
  return sql("prepare transaction {}", literal(name_of(attempt, part)));
}

asio::awaitable<bool> decide(pg::Connection& on, const Attempt& attempt) {
  pg::Batch batch(sql("begin; {}", waiting));
  const auto decided =
      batch.add(sql("update pgsluice.loads set committing = {}, staged = false where load_id = {} "
                    "and runs = {} and state = "
                    "'unfinished' returning load_id",
                    literal(word_of(attempt)), attempt.load.value, attempt.run));
  batch.add(sql("commit"));
  const auto results = co_await on.query(batch.text());
  co_return batch.answer(results, decided).rows() == 1;
}

asio::awaitable<void> commit_part(pg::Connection& on, const Attempt& attempt, std::size_t part) {
  const std::string name = name_of(attempt, part);
  co_await end_part(on, name, true);
}

std::string text_of(const Concluded& concluded, LoadId load) {
  const auto count = [](std::size_t number) {
    return std::to_string(number) + " prepared transaction" + (number == 1 ? "" : "s");
  };
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  const std::string of_load = " of load " + std::to_string(load.value);
  if (concluded.committed > 0)
    add(count(concluded.committed) + of_load + ", which was decided, committed");
  if (concluded.rolled_back > 0)
    add(count(concluded.rolled_back) + of_load + ", which was not decided, rolled back");
  if (concluded.left > 0)
    add(count(concluded.left) + of_load + " left to role " + concluded.whose +
        ", or a superuser: what is locked by it is waited for");
  return text;
}

asio::awaitable<Concluded> conclude(pg::Connection& on, LoadId load) {
  Concluded concluded;
  std::vector<Part> ours;
  for (Part& part : co_await parts_of(on, load)) {
    if (part.is_ours) {
      ours.push_back(std::move(part));
    } else {
      ++concluded.left;
      concluded.whose = part.owner;
    }
  }
  if (ours.empty()) co_return concluded;
  std::optional<std::string> decided;
  try {
    decided = co_await fence(on, load);
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::insufficient_privilege)) throw;
  }
  if (!decided) {  // who may not write to its table any more says nothing of it
    if (on.in_transaction()) co_await on.query("rollback");
    concluded.left += ours.size();
    concluded.whose = ours.front().owner;
    co_return concluded;
  }
  const std::string decided_part =
      " load " + std::to_string(load.value) + " " + *decided + " part ";
  for (const Part& part : ours) {
    const bool commits = !decided->empty() && part.name.contains(decided_part);
    co_await end_part(on, part.name, commits);
    ++(commits ? concluded.committed : concluded.rolled_back);
  }
  co_return concluded;
}

asio::awaitable<void> conclude_all(pg::Connection& on, LoadId load) {
  const Concluded concluded = co_await conclude(on, load);
  if (concluded.left == 0) co_return;
  throw Failure(FailureKind::denied, text_of(concluded, load),
                "The same command by that role, or by a superuser, ends them.");
}

asio::awaitable<std::vector<LoadId>> left_prepared(pg::Connection& on, std::string own) {
  const Sql ask = sql(
      "select distinct l.load_id from pg_catalog.pg_prepared_xacts p join pgsluice.loads l on "
      "l.load_id = pg_catalog.substring(p.gid, '^pgsluice [0-9]+ load ([0-9]{1,18}) ')::bigint "
      "where p.database = current_database() and starts_with(p.gid, 'pgsluice ' || {} || ' load ') "
      "and (l.fingerprint = {} or not {}) order by 1 limit {}",
      this_database, literal(own),
      RunLock::is_held_expression(sql("l.target_oid::text"), sql("l.fingerprint")),
      left_prepared_max);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  std::vector<LoadId> loads;
  for (std::size_t row = 0; row < rows.rows(); ++row) loads.push_back({rows.integer(row, 0)});
  co_return loads;
}

asio::awaitable<void> accept_what_is_there(pg::Connection& on, LoadId load) {
  const Sql statement = sql(
      "update pgsluice.loads l set committing = 'by hand', staged = false where l.load_id = {} and "
      "l.state = 'unfinished' and l.committing = '' and exists (select from pgsluice.chunks c "
      "where "
      "c.load_id = l.load_id)",
      load.value);
  co_await on.query(statement);
}

Sql not_prepared_statement(LoadId load) {
  return sql("update pgsluice.loads set committing = null where load_id = {}; ", load.value);
}

asio::awaitable<PreparedRoom> prepared_room(pg::Connection& on) {
  static constexpr auto room = columns_of({
      {"most", "current_setting('max_prepared_transactions')::bigint"},
      {"taken", "(select count(*) from pg_catalog.pg_prepared_xacts)"},
  });
  const Sql ask = sql("select {}", room.list());
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  co_return PreparedRoom{row.count(0, room["most"]), row.count(0, room["taken"])};
}

}  // namespace sluice::ledger

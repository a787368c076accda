#include "load/make_table.hpp"

#include <fmt/format.h>

#include <thread>

#include "async/offload.hpp"
#include "ledger/begin_load.hpp"
#include "ledger/deferred_indexes.hpp"
#include "ledger/places.hpp"
#include "load/plan_of.hpp"
#include "load/retry_policy.hpp"
#include "pg/search_path.hpp"
#include "plan/meaning.hpp"
#include "resume/entry.hpp"
#include "writer/unique_keys.hpp"

namespace sluice::load {
namespace {

constexpr const char* how_to_load_into =
    "Without --create it is loaded into, and with --create=if-not-exists too; another name of a "
    "table makes another one.";

/// In front of the load it was not there.
Failure made_meanwhile(const std::string& table, plan::TableToMake& wish) {
  wish.came_meanwhile = true;
  return {FailureKind::usage,
          table + " was made by somebody else meanwhile, and --create makes a new table",
          "The same command says what becomes of the file. " + std::string(how_to_load_into)};
}

/// Where nobody else has it, and a table can be.
void require_free(const writer::Place& place, const std::string& table, plan::TableToMake& wish) {
  constexpr std::size_t parts_max = 2;
  if (place.table != 0) throw made_meanwhile(place.schema + "." + place.name, wish);
  if (place.parts > parts_max)
    throw Failure(FailureKind::usage,
                  "--create --table " + table + ": write the table's name, or schema.name");
  if (place.schema.empty())
    throw Failure(FailureKind::usage,
                  "--create --table " + table +
                      ": no schema of the search_path is there to make it in; write schema.name");
  if (place.schema.starts_with("pg_temp"))
    throw Failure(FailureKind::usage, "--create --table " + table +
                                          ": a temporary table is there for one connection alone, "
                                          "and is gone with it");
}

/// The server's error, where it is about the statement.
[[noreturn]] void refuse(const pg::PgError& error, const std::string& table,
                         plan::TableToMake& wish) {
  const bool is_taken =
      error.state == sql_state::duplicate_table || error.state == sql_state::unique_violation;
  if (is_taken) throw made_meanwhile(table, wish);
  // Its row type was made between two of the server's looks, and it with that; or another type is
  // called so, and who looks again finds no table.
  if (error.state == sql_state::duplicate_object) wish.came_meanwhile = true;
  if (!error.session_goes_on || error.state == sql_state::insufficient_privilege) throw error;
  throw Failure(FailureKind::usage, "--create cannot make " + table + ": " + error.full());
}

/// In the transaction that is open. Every name in the statement is quoted or the server's own.
asio::awaitable<void> create(pg::Connection& on, plan::TableToMake& wish, writer::Place place) {
  // Its names were quoted, and its types are ours.
  const Sql statement = Sql::trusted(create_statement(wish.table, place.quoted_name));
  const Sql back =
      sql("select pg_catalog.set_config('search_path', {}, true)", literal(place.path));
  const Sql all = sql("{}{}; {}", pg::own_path, statement, back);
  std::optional<pg::PgError> refused;
  try {
    co_await on.query(all);
  } catch (const pg::PgError& error) {
    refused = error;
  }
  if (refused) refuse(*refused, place.schema + "." + place.name, wish);
}

/// What loads of earlier tables of this name have left: none of their rows is in this one.
asio::awaitable<Sql> statements_before(pg::Connection& on, const plan::Plan& plan,
                                       const ledger::NewLoad& entry) {
  const Sql is_empty = co_await writer::seen_empty(on, plan.target);
  co_return plan.target.settings_sql + ledger::leave_name_statements(entry) +
      ledger::void_if_empty_statement(entry, is_empty);
}

asio::awaitable<void> enter(pg::Connection& on, Run& run, const plan::Plan& plan) {
  plan::TableToMake& wish = *plan.options.makes;
  ledger::NewLoad entry = resume::entry_of(plan);
  entry.options = plan::with_mark(entry.options, wish.mark);
  ledger::BeginOptions begin;
  begin.before = co_await statements_before(on, plan, entry);
  // The run that goes on with it counts.
  begin.behind = sql("update pgsluice.loads set runs = 0 where load_id = {}; ", ledger::this_load);
  const LoadId load = co_await ledger::begin_load(on, entry, begin);
  wish.made_by = load;
  wish.is_new = true;
  run.made_table = load;
}

}  // namespace

asio::awaitable<plan::Plan> make_table(Run& run, plan::LoadOptions options,
                                       source::Source& source) {
  const std::shared_ptr<plan::TableToMake> wish = options.makes;
  plan::Findings found;
  const auto read = [&source, &options, &found] {
    found.beginning = plan::read_beginning(source, options);
    return source.rewind();
  };
  const bool can_be_read_again = co_await async::offload(run.on.reader, read);
  run.require_going_on();
  if (!can_be_read_again) {
    throw Failure(FailureKind::usage, source.name() +
                                          ": comes once, and its header is longer than what is "
                                          "kept of it: make it a file, and load that");
  }
  // Not the pool's: what the plan asks another one comes by all the same.
  std::unique_ptr<pg::Connection> own = co_await run.on.pool.take_idle();
  const RetryPolicy policy{options.retry_for, retry_backoff, options.use_ledger};
  const auto on_full = [] {};
  if (!own) own = co_await open_first(run.on.pool.options(), policy, on_full);
  pg::Connection& connection = *own;
  connection.refuse_standby();
  const ledger::Use use = options.defer_indexes ? ledger::Use::load_deferring : ledger::Use::load;
  if (!options.dry_run) {
    const ledger::State state = co_await ledger::ask(connection, use);
    co_await ledger::ensure(connection, state, use);
  }
  const writer::Place place =
      co_await writer::begin_at(connection, options.table, options.settings);
  require_free(place, options.table, *wish);
  co_await create(connection, *wish, place);
  found.target = co_await writer::describe(connection, options.table, options.settings, use);
  if (options.on_conflict != writer::OnConflict::error)
    found.unique_keys = co_await writer::unique_keys(connection, found.target.table);
  found.jobs = plan::default_jobs(std::thread::hardware_concurrency(), {});
  const bool is_dry = options.dry_run;
  plan::Plan plan = co_await plan_of(run, std::move(options), source, std::move(found));
  if (is_dry)
    co_await connection.query("rollback");
  else
    co_await enter(connection, run, plan);
  run.report.create_statement = create_statement(wish->table, place.quoted_name);
  if (!is_dry)
    run.note(fmt::format("made {}.{} with {} column{}", place.schema, place.name,
                         wish->table.columns.size(), wish->table.columns.size() == 1 ? "" : "s"));
  for (const std::string& text : wish->notes) run.note(text);
  run.on.pool.put(std::move(own));
  co_return plan;
}

bool may_go_into_table(const plan::Plan& plan) {
  const plan::TableToMake* const wish = plan.options.makes.get();
  return wish == nullptr || wish->is_new || wish->contents.contains(plan.digests.fingerprint);
}

void require_own_table(const plan::Plan& plan) {
  if (may_go_into_table(plan)) return;
  const std::string table = plan.target.table.full_name();
  throw Failure(FailureKind::usage,
                fmt::format("{} is there already: load {} made it, of another content than {} has "
                            "now, and --create makes a new table",
                            table, plan.options.makes->made_by->value, plan.source->name()),
                how_to_load_into);
}

}  // namespace sluice::load

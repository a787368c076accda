#include "load/finishing.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/retry.hpp"
#include "base/characters.hpp"
#include "load/sequences.hpp"
#include "script/excerpt.hpp"
#include "script/units.hpp"
#include "script/written_places.hpp"
#include "writer/deletions.hpp"

namespace sluice::load {
namespace {

/// As it was when it began, whoever the user's SQL has become: what it has set would also be there
/// for whoever gets the session behind a pooler.
constexpr SqlWords as_it_was = "reset session authorization; reset role; reset all; ";

script::Place place_of(const pg::PgError& error, const script::Unit& unit,
                       std::string_view statement) {
  if (error.position == 0) return unit.place;
  return script::behind(unit.place,
                        statement.substr(0, byte_of_character(statement, error.position - 1)));
}

/// One statement of the file, and what is said where it fails.
struct Step {
  const plan::Plan& plan;
  const script::Unit& unit;
  std::string_view statement;
  const char* otherwise;
};

/// Throws: what another try may mend as it is, with the place.
void refuse(const Step& step, pg::PgError error) {
  const script::Script& script = *step.plan.options.after_sql;
  const std::string where = script::at(script, place_of(error, step.unit, step.statement));
  if (error.nature() == ErrorNature::lost) throw pg::PgError(error);
  const bool is_unlucky = error.nature() == ErrorNature::transient;
  if (is_unlucky || error.state == sql_state::query_canceled) {
    error.message = fmt::format("--after-sql {}: {}", where, error.message);
    throw pg::PgError(error);
  }
  std::string message = fmt::format("--after-sql {}: {} (SQLSTATE {}){}", where, error.message,
                                    error.state.code(), script::excerpt(step.statement));
  for (const std::string& more : {error.detail, error.hint})
    if (!more.empty()) message += fmt::format("\n  {}", more);
  throw Failure(FailureKind::failed, message,
                fmt::format("Nothing of this file is done, and {}; the load is not finished. Mend "
                            "the file: the same command goes on, and runs it as it is then.",
                            step.otherwise));
}

/// One statement after the other, so that each error has its place.
asio::awaitable<void> run_after_sql(const plan::Plan& plan, pg::Connection& on,
                                    const char* otherwise) {
  const std::string& text = plan.options.after_sql->text;
  on.wait_for_ever();  // a statement may be silent for hours
  for (const script::Unit& unit : script::units_of(script::lex_sql(text))) {
    const Step step{plan, unit, std::string_view(text).substr(unit.begin, unit.end - unit.begin),
                    otherwise};
    std::optional<pg::PgError> refused;
    try {
      std::string statement(step.statement);
      co_await on.query_in_user_path(std::move(statement));
    } catch (const pg::PgError& error) {
      refused = error;
    }
    if (refused) refuse(step, std::move(*refused));
  }
  const Sql judge =
      sql("set constraints all immediate; {}{}", as_it_was, plan.target.user_path_sql);
  co_await on.query_in_user_path(judge);
}

/// One finishing, over all its attempts.
struct Finishing {
  Resources on;
  const plan::Plan& plan;
  Ending ending;
  Finished finished;
};

asio::awaitable<void> finish_once(Finishing& f) {
  f.finished = {};
  pg::Lease lease = co_await f.on.pool.acquire();
  pg::Connection& on = *lease;
  // The row's lock waits for an attempt that is still deciding, and then tells what became of it.
  const Sql ask = sql("begin; {}select state from pgsluice.loads where load_id = {} for update",
                      f.plan.target.settings_sql, f.ending.load.value);
  const auto asked = co_await on.query(ask);
  const pg::Result& row = asked.back();
  if (row.rows() == 1 && row.text(0, 0) == "finished") {
    co_await on.query("rollback");
    const auto entry = co_await ledger::show_load(on, f.ending.load);
    f.finished.end = {f.ending.load, true, false, entry->totals};
    co_return;
  }
  const Sql finish = finish_statement(f.ending);
  const auto finished = co_await on.query(finish);
  f.finished.end = ledger::read_finish(finished.back(), f.ending.read);
  if (!f.finished.end.finished) {
    co_await on.query("rollback");
    co_return;
  }
  co_await on.query(f.plan.target.user_path_sql);
  co_await end_with_more(f.plan, on, "the rows of the load stay in the table", f.finished.notes);
}

}  // namespace

Sql finish_statement(const Ending& ending) {
  return ledger::finish_statement(ending.load, ending.read, ending.seconds,
                                  ending.entry.source_stamp);
}

bool ends_with_more(const plan::LoadOptions& options) {
  return options.after_sql != nullptr || options.set_sequences;
}

asio::awaitable<void> require_possible_end(pg::Pool& pool, const plan::Plan& plan) {
  const plan::LoadOptions& o = plan.options;
  if (!o.deletes() && !o.set_sequences) co_return;
  pg::Lease connection = co_await pool.acquire();
  if (o.deletes()) {
    std::string condition = o.replace;
    std::string flag =
        o.delete_missing ? std::string("--delete-missing") : "--replace '" + o.replace + "'";
    co_await writer::require_can_delete(*connection, plan.target, std::move(condition),
                                        std::move(flag));
  }
  if (o.set_sequences) co_await require_settable_sequences(plan, *connection);
}

asio::awaitable<void> end_with_more(const plan::Plan& plan, pg::Connection& on,
                                    const char* otherwise, std::vector<std::string>& notes) {
  if (plan.options.set_sequences) {
    const Sql own_path = pg::own_path;
    co_await on.query(own_path);
    co_await set_sequences(plan, on, notes);
    co_await on.query(plan.target.user_path_sql);
  }
  if (plan.options.after_sql) co_await run_after_sql(plan, on, otherwise);
  // A session in the middle of a transaction is closed by the pool: what the user's SQL has left in
  // it (a role, a setting, a temporary table) is for nobody else.
  co_await on.query_in_user_path("commit; begin");
}

asio::awaitable<Finished> finish_with_more(Resources on, const plan::Plan& plan,
                                           const RetryPolicy& policy, Ending ending) {
  Finishing finishing{on, plan, ending, {}};
  const auto attempt = [&finishing] { return finish_once(finishing); };
  const auto decide = [&policy](const std::exception_ptr& failure, std::size_t tries,
                                std::chrono::milliseconds elapsed) {
    return policy.next(failure, tries, elapsed);
  };
  co_await async::retry(attempt, decide);
  co_return std::move(finishing.finished);
}

}  // namespace sluice::load

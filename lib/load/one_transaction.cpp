#include "load/one_transaction.hpp"

#include <fmt/format.h>

#include "async/deadline.hpp"
#include "async/retry.hpp"
#include "base/limits.hpp"
#include "load/retry_policy.hpp"
#include "writer/judges_whole.hpp"

namespace sluice::load {
namespace {

/// No transaction of the load is left, of a connection that was lost: it would keep its locks, and
/// may be about to commit.
asio::awaitable<void> end_former_one(pg::Connection& on, LoadId load) {
  const auto deadline = async::Deadline::after(limits::lock_patience);
  for (;;) {
    const bool is_gone = co_await writer::end_tagged(on, writer::tag_of_load(load));
    if (is_gone) co_return;
    if (deadline.passed()) break;
    co_await async::sleep_for(limits::lock_poll);
  }
  throw pg::PgError(pg::Phase::storing, SqlState(sql_state::connection_failure),
                    "the transaction of a lost connection is still at work");
}

}  // namespace

asio::awaitable<void> choose_way(Run& run, plan::Plan& plan) {
  pg::Lease connection = co_await run.on.pool.acquire();
  const std::string reason = co_await writer::judges_whole(*connection, plan.target.table.id);
  if (reason.empty()) co_return;
  const std::string table = plan.target.table.full_name();
  if (plan.options.atomic_way == plan::AtomicWay::transaction) {
    throw Failure(FailureKind::usage,
                  fmt::format("--atomic=transaction: {} {}, and rows that come by several "
                              "statements may be judged otherwise there than by one",
                              table, reason),
                  "Leave out =transaction: the rows wait in a staging table then.");
  }
  plan::stage_instead(plan.strategy, plan.encoder, table + " " + reason);
}

asio::awaitable<void> OneTransaction::begin(writer::Writer& writer) {
  if (lease_) {
    writer.go_on_in_it();
    co_return;
  }
  pg::Lease lease = co_await run_.on.pool.acquire();
  Sql first;
  if (plan_.options.truncate) {
    first = ledger::empties_table_statement(entry_, *run_.report.load);
    first += plan::truncate_statement(plan_);
  }
  co_await writer.begin_all(*lease, first);
  lease_.emplace(std::move(lease));
}

asio::awaitable<ledger::StoredChunks> OneTransaction::stored_chunks() {
  if (!lease_) co_return ledger::StoredChunks();
  const Sql own_path = pg::own_path;
  co_await connection().query(own_path);
  co_return co_await ledger::stored_chunks(connection(), *run_.report.load);
}

asio::awaitable<Finished> OneTransaction::finish(const Ending& ending) {
  Finished finished;
  pg::Connection& on = connection();
  const std::string tag = writer::tag_of_load(ending.load) + "*/ ";
  const Sql end = sql("{}{}", pg::own_path, finish_statement(ending));
  const auto answers = co_await on.query(tag + end.text());
  finished.end = ledger::read_finish(answers.back(), ending.read);
  if (!finished.end.finished) {
    give_up();
    co_return finished;
  }
  co_await on.query(plan_.target.user_path_sql);
  if (ends_with_more(plan_.options)) {
    co_await end_with_more(plan_, on, "nothing comes into the table", finished.notes);
  } else {
    co_await on.query_in_user_path(tag + "commit");
  }
  give_up();
  co_return finished;
}

/// What the load has brought, if its commit went well.
asio::awaitable<std::optional<ledger::Totals>> OneTransaction::ask_what_became_of_it() {
  pg::Lease connection = co_await run_.on.pool.acquire();
  co_await end_former_one(*connection, *run_.report.load);
  const auto entry = co_await ledger::show_load(*connection, *run_.report.load);
  if (!entry || !entry->finished()) co_return std::nullopt;
  co_return entry->totals;
}

asio::awaitable<bool> OneTransaction::recover(pg::PgError error) {
  give_up();
  const RetryPolicy policy{plan_.options.retry_for, retry_backoff, true};
  const bool may_pass =
      policy.next(error, 0, std::chrono::milliseconds(0), 0).has_value() && !run_.is_stopped;
  if (!may_pass || ++mishaps_ > limits::resend_rounds_max) throw pg::PgError(error);
  ++run_.progress.retries;
  std::optional<ledger::Totals> stored;
  const auto ask = [this, &stored]() -> asio::awaitable<void> {
    stored = co_await ask_what_became_of_it();
  };
  const auto decide = [this, &policy](const std::exception_ptr& failure, std::size_t tries,
                                      std::chrono::milliseconds elapsed) {
    return run_.is_stopped ? std::nullopt : policy.next(failure, tries, elapsed);
  };
  co_await async::retry(ask, decide);
  run_.take_over(stored.value_or(ledger::Totals{}));
  run_.report.now = run_.report.total;
  run_.report.bytes = stored ? stored->bytes : 0;
  if (stored) co_return true;
  if (plan_.source->comes_once()) throw pg::PgError(error);
  run_.note(fmt::format("{}: the transaction was taken back, and all of the source is sent again",
                        error.message));
  co_return false;
}

}  // namespace sluice::load

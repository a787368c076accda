#include "load/jobs_watch.hpp"

#include <algorithm>

#include "async/task_group.hpp"
#include "async/time.hpp"
#include "base/columns.hpp"
#include "base/limits.hpp"
#include "load/jobs_tuner.hpp"
#include "load/road.hpp"

namespace sluice::load {
namespace {

/// Who may not see what others do does not see what they are. A session that is just coming has no
/// state yet, and at first no user: whether it may be seen is decided then. Our own, as the server
/// tells them, are no others; those who wait for a lock of ours wait until a chunk of ours is in.
constexpr auto neighbours = columns_of({
    {"others", "count(*)"},
    {"seen", "count(a.backend_type)"},
    {"at_work", "count(*) filter (where a.state in ('active', 'fastpath function call'))"},
    {"blocked",
     "count(*) filter (where a.wait_event_type = 'Lock' and "
     "pg_catalog.pg_blocking_pids(a.pid) && o.pids)"},
});

Sql question_of(const std::vector<int>& backends) {
  Sql pids;
  for (const int backend : backends) pids += sql(",{}", backend);
  return sql(
      "select {} from pg_catalog.pg_stat_activity a, (select array[pg_catalog.pg_backend_pid(){}] "
      "as pids) o where a.usesysid is not null and (a.backend_type is null or a.backend_type in "
      "('client backend', 'parallel worker')) and a.pid <> all (o.pids)",
      neighbours.list(), pids);
}

}  // namespace

JobsWatch::JobsWatch(Run& run, const plan::Plan& plan, Road& road)
    : run_(run), plan_(plan), road_(road), best_(plan.writers()), allowed_(plan.writers_max()) {
  Connections& used = run_.progress.connections;
  if (used.most == 0) used.least = used.most = best_;
  used.now = best_;
}

asio::awaitable<void> JobsWatch::run() {
  async::TaskGroup all(co_await asio::this_coro::executor);
  if (tunes()) all.spawn(tune());
  if (plan_.options.load_max) all.spawn(watch_neighbours());
  try {
    co_await all.join();
  } catch (const Failure&) {
    road_.stop();
    throw;
  }
}

/// What is held back for others says nothing of how many are best.
asio::awaitable<void> JobsWatch::tune() {
  JobsTuner tuner(plan_.writers(), plan_.writers_max());
  for (;;) {
    co_await async::sleep_for(limits::tune_look);
    if (allowed_ < tuner.jobs() || run_.progress.waits_for_replica) {
      tuner = JobsTuner(tuner.jobs(), plan_.writers_max());
      continue;
    }
    best_ = tuner.look(async::Clock::now(), road_.bytes_stored(), road_.chunks_stored());
    apply();
  }
}

/// A server that is away has nobody to be polite to.
asio::awaitable<void> JobsWatch::watch_neighbours() {
  for (;;) {
    try {
      const auto connection = co_await pg::Connection::open(run_.on.pool.options());
      co_await look_on(*connection);
    } catch (const pg::PgError&) {
      allowed_ = plan_.writers_max();
    }
    co_await async::sleep_for(limits::neighbours_look);
  }
}

asio::awaitable<void> JobsWatch::look_on(pg::Connection& connection) {
  for (;;) {
    const Sql question = question_of(run_.on.pool.backends());
    const auto results = co_await connection.query(question);
    const pg::Result& row = results.front();
    if (row.integer(0, neighbours["seen"]) < row.integer(0, neighbours["others"]))
      throw Failure(FailureKind::usage,
                    "--max-load: user " + connection.user() + " may not see what others do",
                    sql("grant pg_monitor to {};", identifier(connection.user())).text() +
                        " allows it, or leave out --max-load.");
    const auto at_work = static_cast<std::size_t>(row.integer(0, neighbours["at_work"]));
    const std::size_t limit = *plan_.options.load_max;
    allowed_ = at_work < limit ? limit - at_work : 1;
    if (row.integer(0, neighbours["blocked"]) > 0) allowed_ = 1;
    apply();
    co_await async::sleep_for(limits::neighbours_look);
  }
}

void JobsWatch::apply() {
  const std::size_t jobs = std::max<std::size_t>(1, std::min(best_, allowed_));
  Connections& used = run_.progress.connections;
  if (jobs == used.now) return;
  used.now = jobs;
  used.least = std::min(used.least, jobs);
  used.most = std::max(used.most, jobs);
  road_.work_with(jobs);
}

}  // namespace sluice::load

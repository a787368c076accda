#include "load/session_watch.hpp"

#include <algorithm>

#include "async/time.hpp"
#include "base/columns.hpp"
#include "base/limits.hpp"
#include "pg/batch.hpp"

namespace sluice::load {
namespace {

constexpr auto session = columns_of({
    {"state", "coalesce(a.state, '')"},
    {"type", "coalesce(a.wait_event_type, '')"},
    {"event", "coalesce(a.wait_event, '')"},
    {"count", "count(*)"},
});

/// Without the first statement a transaction sees all sessions as it has seen them first. A pooler
/// tells of sessions that are none of the server's: of others than ours nothing is counted.
pg::Batch question_of(const std::vector<int>& backends) {
  Sql numbers;
  for (const int backend : backends)
    numbers += numbers.empty() ? sql("{}", backend) : sql(", {}", backend);
  pg::Batch batch;
  batch.add(sql("select pg_catalog.pg_stat_clear_snapshot()"));
  batch.add(
      sql("select {} from pg_catalog.pg_stat_activity a where a.pid in ({}) and a.usename = "
          "session_user and a.datname = current_database() and a.application_name = "
          "current_setting('application_name') group by 1, 2, 3",
          session.list(), numbers));
  return batch;
}

}  // namespace

asio::awaitable<void> SessionWatch::run() {
  for (;;) {
    co_await async::sleep_for(limits::session_look);
    if (lock_ && run_.progress.stage == Progress::Stage::loading) co_await look();
  }
}

asio::awaitable<void> SessionWatch::look() {
  const std::vector<int> backends = run_.on.pool.backends();
  // The others have nothing to do.
  const std::size_t jobs = run_.progress.connections.now;
  const std::size_t idle = jobs - std::min(jobs, backends.size());
  if (backends.empty()) {
    if (has_seen_) note(Waiting::client, idle);
    co_return;
  }
  pg::Batch question = question_of(backends);
  const std::optional<pg::Result> answer = co_await lock_->ask(std::move(question));
  if (!answer) co_return;
  for (std::size_t row = 0; row < answer->rows(); ++row) {
    const auto text = [&](int column) { return answer->text(row, column); };
    const Waiting waiting =
        waiting_of(text(session["state"]), text(session["type"]), text(session["event"]));
    note(waiting, static_cast<std::size_t>(answer->integer(row, session["count"])));
    has_seen_ = true;
  }
  if (has_seen_) note(Waiting::client, idle);
}

void SessionWatch::note(Waiting waiting, std::size_t sessions) {
  seen_[static_cast<std::size_t>(waiting)] += sessions;
}

std::optional<Bottleneck> SessionWatch::found() const {
  OwnTime own = run_.progress.own;
  own.replica = run_.progress.lag_seconds;
  return bottleneck_of(seen_, own);
}

}  // namespace sluice::load

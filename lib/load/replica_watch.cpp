#include "load/replica_watch.hpp"

#include "async/time.hpp"
#include "base/columns.hpp"
#include "base/limits.hpp"

namespace sluice::load {
namespace {

/// Who may not see them sees NULL for a state; one that has just connected has not said yet how far
/// it is, and is as far as it was sent.
constexpr auto replicas = columns_of({
    {"count", "count(*)"},
    {"seen", "count(r.state)"},
    {"written",
     "pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::pg_catalog.int8"},
    {"applied",
     "coalesce(min(pg_catalog.pg_wal_lsn_diff(coalesce(r.replay_lsn, r.sent_lsn), '0/0')), "
     "0)::pg_catalog.int8"},
});

}  // namespace

/// A server that is away has no replica to wait for: whoever stores chunks says what is wrong.
asio::awaitable<void> ReplicaWatch::run() {
  for (;;) {
    try {
      const auto connection = co_await pg::Connection::open(run_.on.pool.options());
      co_await look_on(*connection);
    } catch (const pg::PgError&) {
      lag_ = {};
      has_looked_ = true;
    } catch (const Failure&) {
      failed_ = std::current_exception();
      co_return;
    }
    co_await async::sleep_for(limits::lag_look);
  }
}

asio::awaitable<void> ReplicaWatch::look_on(pg::Connection& connection) {
  bool is_told = has_looked_;
  for (;;) {
    const bool has_replicas = co_await look(connection);
    if (!has_replicas && !is_told)
      run_.note("no replica is connected to this server: --max-lag has nothing to wait for");
    is_told = true;
    run_.progress.waits_for_replica = waiting_ > 0 && is_too_far();
    co_await async::sleep_for(limits::lag_look);
    if (run_.progress.waits_for_replica)
      run_.progress.lag_seconds += std::chrono::duration<double>(limits::lag_look).count();
  }
}

/// False where there is none.
asio::awaitable<bool> ReplicaWatch::look(pg::Connection& connection) {
  const Sql question =
      sql("select {} from pg_catalog.pg_stat_replication r where r.state is null or r.state in "
          "('streaming', 'catchup')",
          replicas.list());
  const auto results = co_await connection.query(question);
  const pg::Result& row = results.front();
  const std::int64_t count = row.integer(0, replicas["count"]);
  if (row.integer(0, replicas["seen"]) < count)
    throw Failure(FailureKind::usage,
                  "--max-lag: user " + connection.user() + " may not see how far replicas are",
                  sql("grant pg_monitor to {};", identifier(connection.user())).text() +
                      " allows it, or leave out --max-lag.");
  const auto written = static_cast<std::uint64_t>(row.integer(0, replicas["written"]));
  const auto applied = static_cast<std::uint64_t>(row.integer(0, replicas["applied"]));
  lag_.see(async::Clock::now(), written, count == 0 ? written : applied);
  has_looked_ = true;
  co_return count > 0;
}

bool ReplicaWatch::is_too_far() const {
  const bool in_time = limit_.time > std::chrono::milliseconds::zero();
  return (in_time && lag_.time() > limit_.time / 2) ||
         (limit_.bytes > 0 && lag_.bytes() > limit_.bytes / 2);
}

asio::awaitable<void> ReplicaWatch::admit() {
  ++waiting_;
  try {
    while (!run_.is_stopped && !failed_ && (!has_looked_ || is_too_far()))
      co_await async::sleep_for(limits::lag_poll);
  } catch (...) {
    --waiting_;
    throw;
  }
  --waiting_;
  if (failed_) std::rethrow_exception(failed_);
}

}  // namespace sluice::load

#include "migrate/wait_watch.hpp"

#include <algorithm>

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "base/quantity.hpp"

namespace sluice::migrate {
namespace {

/// What is shorter has waited for nobody that one would notice.
constexpr std::chrono::milliseconds between_looks{50};

constexpr auto waits_columns = columns_of({
    {"pid", "a.pid::text"},
    {"program", "coalesce(a.application_name, '')"},
    {"state", "coalesce(a.state, a.backend_type, '')"},
    {"seconds", "coalesce(extract(epoch from clock_timestamp() - a.xact_start)::bigint, 0)::text"},
    {"query",
     "pg_catalog.left(pg_catalog.regexp_replace(coalesce(a.query, ''), '\\s+', ' ', 'g'), "
     "80)"},
    {"lock",
     "coalesce((select l.mode || case when l.relation is null then '' else ' on ' || "
     "l.relation::pg_catalog.regclass::text end from pg_catalog.pg_locks l where l.pid = {} "
     "and not l.granted limit 1), 'a lock')"},
});

}  // namespace

WaitWatch::WaitWatch(Session& beside, int process)
    : beside_(beside), process_(process), thread_([this] { look_on(); }) {}

std::vector<std::string> WaitWatch::end() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ends_.notify_all();
  if (thread_.joinable()) thread_.join();
  return seen_;
}

void WaitWatch::look_on() {
  std::unique_lock lock(mutex_);
  while (!ends_.wait_for(lock, between_looks, [this] { return is_over_; })) {
    lock.unlock();
    try {
      look();
    } catch (const SqlError&) {
      return;  // the session that runs the file says what is wrong
    } catch (const Failure&) {
      return;
    }
    lock.lock();
  }
}

void WaitWatch::look() {
  const script::Rows rows =
      beside_.query(sql("select {} from pg_catalog.pg_stat_activity a where a.pid = any "
                        "(pg_catalog.pg_blocking_pids({}))",
                        waits_columns.list(process_), process_));
  for (const script::Row& row : rows) {
    std::string one = row[waits_columns["lock"]] + ", behind process " + row[waits_columns["pid"]] +
                      " (" + row[waits_columns["program"]] + ", " + row[waits_columns["state"]] +
                      ", for " +
                      format_duration(std::chrono::seconds(row.count(waits_columns["seconds"]))) +
                      "): " + row[waits_columns["query"]];
    const std::string who = one.substr(0, one.find(" ("));
    const auto is_same = [&who](const std::string& seen) { return seen.starts_with(who + " ("); };
    if (std::ranges::none_of(seen_, is_same)) seen_.push_back(std::move(one));
  }
}

}  // namespace sluice::migrate

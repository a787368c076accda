#include "jobs/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "jobs/files.hpp"
#include "migrate/history.hpp"

namespace sluice::jobs {
namespace {

bool ended_well(int exit_code) {
  constexpr int rejected = 3;  // within the budget that the job gave
  return exit_code == 0 || exit_code == rejected;
}

/// The same again would end the same: wrong usage, too many rejects, a source that changed.
bool is_final(int exit_code) { return exit_code == 2 || exit_code == 5 || exit_code == 7; }

bool contains(const std::vector<SlotId>& ids, const SlotId& id) {
  return std::ranges::find(ids, id) != ids.end();
}

}  // namespace

std::string unique_runner_name() {
  std::random_device random;
  return fmt::format("{}, {:08x}", migrate::runner_name(), random());
}

Scheduler::Scheduler(asio::any_io_executor executor, pg::Pool& pool, Config config,
                     SchedulerOptions options)
    : executor_(std::move(executor)),
      config_(std::move(config)),
      options_(std::move(options)),
      slots_(pool, unique_runner_name(), config_.lost_after,
             [this](const std::string& note) { options_.log({"database", "", {}, note}); }),
      followers_(executor_),
      beside_(executor_),
      changed_(executor_),
      grace_(executor_),
      silence_(executor_) {}

Scheduler::~Scheduler() = default;

void Scheduler::log(const std::string& what, const SlotId& id, const std::string& message) const {
  options_.log({what, id.job, id.slot, message});
}

asio::awaitable<void> Scheduler::run() {
  co_await slots_.prepare();
  beside_.spawn(beat_or_stop());
  if (!options_.once) beside_.spawn(prune());
  start_following();
  std::exception_ptr failed;
  try {
    co_await followers_.join();
  } catch (...) {
    failed = std::current_exception();
  }
  grace_.cancel();
  silence_.cancel();
  beside_.cancel();
  try {
    co_await beside_.join();
  } catch (const boost::system::system_error&) {
    // Their cancellation, which was asked for.
  }
  if (failed) std::rethrow_exception(failed);
}

void Scheduler::start_following() {
  ++generation_;
  for (const Job& job : config_.jobs) {
    JobPtr shared = std::make_shared<const Job>(job);
    followers_.spawn(follow(std::move(shared), generation_));
  }
}

void Scheduler::reload(Config config) {
  if (stopping_) return;
  config_ = std::move(config);
  start_following();
  changed_.notify();
}

void Scheduler::stop() {
  if (stopping_) return;
  stopping_ = true;
  changed_.notify();
  grace_.expires_after(config_.grace);
  const auto on_end = [this](boost::system::error_code error) {
    if (!error) cancel();
  };
  grace_.async_wait(on_end);
}

void Scheduler::cancel() {
  stopping_ = true;
  changed_.notify();
  for (const auto& run : runs_) run->stop(RunState::interrupted, "its scheduler was stopped");
}

/// Sleeps by the database's clock; wakes early when something changes, and now and then to hear
/// that clock again.
asio::awaitable<void> Scheduler::sleep_until(std::chrono::sys_time<milliseconds> when) {
  const auto rest = std::min<milliseconds>(when - slots_.now(), limits::job_sleep_max);
  if (rest > milliseconds::zero()) co_await changed_.wait(async::Deadline::after(rest));
}

/// One job: looks which slots are due, sleeps until the next one.
asio::awaitable<void> Scheduler::follow(JobPtr job, std::size_t generation) {
  Instant seen = co_await slots_.enter(job->name, job->schedule);
  do {
    const Instant now = std::chrono::floor<std::chrono::seconds>(slots_.now());
    const Due due = due_slots(job->recurrence, job->catchup, seen, now, limits::slot_late_max);
    if (!due.missed.empty()) {
      co_await slots_.record_missed(job->name, due);
      log("missed", {job->name, due.missed.back()},
          fmt::format("{} slots", due.missed.size() + due.missed_before));
      seen = std::max(seen, due.missed.back());
    }
    for (const Instant slot : due.run) {
      if (!goes_on(generation)) co_return;
      co_await begin(job, slot, generation);
      seen = std::max(seen, slot);
    }
    if (options_.once && due.run.size() < limits::missed_slots_max) co_return;
    co_await sleep_until(job->recurrence.next(seen));
  } while (goes_on(generation));
}

/// One slot: asks for it, and runs it beside this coroutine, or, where no slot may be left out,
/// here.
asio::awaitable<void> Scheduler::begin(JobPtr job, Instant slot, std::size_t generation) {
  const auto when = std::chrono::sys_time<milliseconds>(slot) + jitter_of(*job, slot);
  while (slots_.now() < when && goes_on(generation)) co_await sleep_until(when);
  Claim claim;
  for (;;) {
    if (!goes_on(generation)) co_return;
    claim = co_await slots_.claim(*job, slot);
    if (!claim.busy) break;
    co_await changed_.wait(async::Deadline::after(limits::job_queue_poll));
  }
  if (!claim.state) co_return;
  const SlotId id{job->name, slot};
  if (*claim.state == RunState::skipped) {
    log("skipped", id, "the run before it has not ended");
  } else if (*claim.state == RunState::queued && job->overlap == Overlap::cancel) {
    for (const auto& run : runs_)
      if (run->id.job == job->name) run->stop(RunState::interrupted, "a later run took its place");
    changed_.notify();
    followers_.spawn(execute(job, slot, *claim.state));
  } else if (job->catchup == Catchup::all) {
    co_await execute(job, slot, *claim.state);
  } else {
    followers_.spawn(execute(job, slot, *claim.state));
  }
}

asio::awaitable<void> Scheduler::execute(JobPtr job, Instant slot, RunState state) {
  const SlotId id{job->name, slot};
  const milliseconds kill_after = std::min(limits::stop_grace, config_.lost_after / 6);
  const auto run = runs_.insert(runs_.end(), std::make_shared<Run>(executor_, id, kill_after));
  RunEnd end;
  bool has_place = true;
  if (state == RunState::queued) {
    log("queued", id, "the run before it has not ended");
    has_place = co_await wait_in_queue(id);
  }
  if ((*run)->is_stopping()) {
    end = {.state = (*run)->stopped_as(), .message = (*run)->why()};
  } else if (has_place) {
    log("started", id, "");
    end = co_await attempt_until_done(*job, **run);
  }
  if (has_place) {
    const bool ours = co_await slots_.finish(id, end);
    std::string message = gist(end.state, end.message);
    if (!ours) message += " (but it counts as lost: this scheduler was silent for too long)";
    log(std::string(name_of(end.state)), id, message);
    if (end.state == RunState::interrupted) ++interruptions_;
    if (end.state == RunState::failed || end.state == RunState::timed_out) ++failures_;
  } else {
    log("skipped", id, "a later run took its place");
  }
  runs_.erase(run);
  changed_.notify();
}

/// True when the run may begin, or was told to stop; false if it lost its place.
asio::awaitable<bool> Scheduler::wait_in_queue(const SlotId& id) {
  const auto mine = std::ranges::find_if(runs_, [&](const auto& run) { return run->id == id; });
  for (;;) {
    if (stopping_) (*mine)->stop(RunState::interrupted, "its scheduler was stopped");
    if ((*mine)->is_stopping()) co_return true;
    const RunState state = co_await slots_.promote(id);
    if (state != RunState::queued) co_return state == RunState::running;
    co_await changed_.wait(async::Deadline::after(limits::job_queue_poll));
  }
}

asio::awaitable<RunEnd> Scheduler::attempt_until_done(const Job& job, Run& run) {
  const async::Backoff backoff{job.retry_delay, limits::job_retry_delay_max};
  RunEnd end;
  for (;;) {
    ++end.attempts;
    const int exit_code = co_await attempt(job, run);
    end.exit_code = exit_code;
    end.state = ended_well(exit_code) ? RunState::ran : RunState::failed;
    end.message = run.said();
    if (ended_well(exit_code)) break;
    const bool timed_out = run.is_stopping() && run.stopped_as() == RunState::timed_out;
    if (run.is_stopping()) {
      end.state = run.stopped_as();
      end.message = run.said() + run.why();
    }
    if (end.attempts > job.retries || is_final(exit_code) || (run.is_stopping() && !timed_out))
      break;
    if (timed_out) run.go_on();
    const auto delay = backoff.delay(end.attempts - 1, async::random_share());
    log("retry", run.id,
        fmt::format("exit code {}; again in {}", exit_code, format_duration(delay)));
    const auto until = async::Deadline::after(delay);
    while (!until.passed() && !stopping_ && !run.is_stopping()) co_await changed_.wait(until);
    if (run.is_stopping() || stopping_) {
      end.state = RunState::interrupted;
      end.message = run.said() + (run.is_stopping() ? run.why() : "its scheduler was stopped");
      break;
    }
  }
  co_return end;
}

/// All processes that the job stands for now; the first exit code that is not good.
asio::awaitable<int> Scheduler::attempt(const Job& job, Run& run) {
  const Reach& reach = job.command.is_migration ? options_.migrations : options_.loads;
  const std::vector<std::vector<std::string>> all = arguments_now(job.command);
  if (all.empty()) log("said", run.id, "no new files");
  const std::function<void(const std::string&)> line = [&](const std::string& text) {
    log("said", run.id, text);
  };
  run.limit(job.timeout);
  int result = 0;
  for (const std::vector<std::string>& arguments : all) {
    int exit_code = 1;
    try {
      exit_code = co_await run.process(arguments, reach.environment, line);
    } catch (const Failure& failure) {
      log("said", run.id, failure.what());  // no process could be started
    }
    if (ended_well(result)) result = exit_code;
    if (run.is_stopping()) break;
  }
  run.limit(milliseconds::zero());
  co_return result;
}

/// Without a heartbeat nothing may run.
asio::awaitable<void> Scheduler::beat_or_stop() {
  try {
    co_await beat();
  } catch (const pg::PgError&) {
    cancel();
    throw;
  }
}

/// Says that this scheduler lives. Whoever is silent for too long counts as lost, and another one
/// runs the next slot: so what runs here is stopped before that.
asio::awaitable<void> Scheduler::beat() {
  for (;;) {
    const Heartbeat heartbeat = co_await slots_.beat();
    for (const SlotId& id : heartbeat.lost) log("lost", id, "its scheduler went silent");
    for (const auto& run : runs_) {
      if (contains(heartbeat.stop_asked, run->id))
        run->stop(RunState::interrupted, "a later run took its place");
    }
    if (!heartbeat.stop_asked.empty()) changed_.notify();
    silence_.expires_after(config_.lost_after * 2 / 3);
    const auto on_silence = [this](boost::system::error_code error) {
      if (error) return;
      for (const auto& run : runs_)
        run->stop(RunState::interrupted, "the database was away for too long");
      changed_.notify();
    };
    silence_.async_wait(on_silence);
    co_await async::sleep_for(config_.lost_after / 6);
  }
}

asio::awaitable<void> Scheduler::prune() {
  for (;;) {
    co_await slots_.prune(config_.keep);
    co_await async::sleep_for(limits::job_prune_every);
  }
}

}  // namespace sluice::jobs

#include "jobs/runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "jobs/files.hpp"
#include "jobs/handed.hpp"

namespace sluice::jobs {
namespace {

constexpr const char* later_run = "a later run took its place";

bool ended_well(int exit_code) { return exit_code == exit_ok || exit_code == exit_rejected; }

/// Of an attempt among those that may be under way at once.
class Place {
 public:
  Place(std::size_t& taken, async::Event& changed) : taken_(taken), changed_(changed) { ++taken_; }
  ~Place() {
    --taken_;
    changed_.notify();
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::size_t& taken_;
  async::Event& changed_;
};

/// The same again would end the same: wrong usage, too many rejects, a source that changed.
bool is_final(int exit_code) {
  return exit_code == exit_usage || exit_code == exit_budget || exit_code == exit_changed;
}

}  // namespace

void Runs::log(const std::string& what, const SlotId& id, const std::string& message) const {
  with_.options.log({what, id.project, id.job, id.slot, message});
}

bool Runs::has(const std::shared_ptr<Run>& run) const {
  return std::ranges::find(all_, run) != all_.end();
}

bool Runs::has(const std::string& project, const std::string& job) const {
  return std::ranges::any_of(
      all_, [&](const auto& run) { return run->id.project == project && run->id.job == job; });
}

bool Runs::stop_all(const std::string& why) {
  bool is_any_running = false;
  for (const auto& run : all_) {
    is_any_running = is_any_running || run->has_process();
    run->stop(RunState::interrupted, why);
  }
  return is_any_running;
}

void Runs::give_way(const Job& job) {
  for (const auto& run : all_) {
    if (run->id.job == job.name && run->id.project == job.project.name)
      run->stop(RunState::interrupted, later_run);
  }
  with_.changed.notify();
}

void Runs::give_way(const std::vector<SlotId>& to_others) {
  for (const auto& run : all_) {
    if (std::ranges::find(to_others, run->id) != to_others.end())
      run->stop(RunState::interrupted, later_run);
  }
  if (!to_others.empty()) with_.changed.notify();
}

asio::awaitable<void> Runs::execute(JobPtr job, std::shared_ptr<Run> run, RunState state) {
  std::exception_ptr failed;
  try {
    bool has_place = true;
    RunEnd end = co_await run_to_its_end(job, *run, state, has_place);
    if (has_place) {
      co_await tell_end(job, *run, std::move(end));
    } else {
      log("skipped", run->id, "a later run took its place");
    }
  } catch (...) {
    failed = std::current_exception();
  }
  std::erase(all_, run);
  with_.changed.notify();
  if (failed) std::rethrow_exception(failed);
}

asio::awaitable<RunEnd> Runs::run_to_its_end(JobPtr job, Run& run, RunState state,
                                             bool& has_place) {
  if (state == RunState::queued) {
    log("queued", run.id, "the run before it has not ended");
    has_place = co_await wait_in_queue(run);
  }
  // The answer may have come when it was too late.
  if (is_stopping_) run.stop(RunState::interrupted, "its scheduler was stopped");
  if (run.is_stopping()) co_return RunEnd{.state = run.stopped_as(), .message = run.why()};
  if (!has_place) co_return RunEnd{};
  co_return co_await attempt_until_done(*job, run);
}

/// Until the database has heard it, or the time for that is over.
asio::awaitable<void> Runs::tell_end(JobPtr job, const Run& run, RunEnd end) {
  const bool is_to_be_told = is_told(job->hooks, end.state);
  end.is_told = is_to_be_told;
  std::string message = gist(end.state, end.message);
  if (end.state == RunState::interrupted) ++interruptions_;
  if (end.state == RunState::failed || end.state == RunState::timed_out) ++failures_;
  const std::string state(name_of(end.state));
  try {
    const bool is_ours = co_await with_.slots.finish(run.id, std::move(end));
    if (!is_ours)
      message += " (but it counts as lost: this scheduler was silent for too long)";
    else if (is_to_be_told)
      with_.telling.add(job, run.id);
  } catch (const boost::system::system_error&) {
    log(state, run.id, message + " (the database is away, and will count it as lost)");
    throw;
  }
  log(state, run.id, message);
}

/// True when the run may begin, or was told to stop; false if it lost its place.
asio::awaitable<bool> Runs::wait_in_queue(Run& run) {
  for (;;) {
    if (is_stopping_) run.stop(RunState::interrupted, "its scheduler was stopped");
    if (run.is_stopping()) co_return true;
    try {
      const RunState state = co_await with_.slots.promote(run.id);
      if (state != RunState::queued) co_return state == RunState::running;
    } catch (const pg::PgError&) {
      if (!is_stopping_) throw;
      continue;
    }
    co_await with_.changed.wait(async::Deadline::after(limits::job_queue_poll));
  }
}

asio::awaitable<RunEnd> Runs::attempt_until_done(const Job& job, Run& run) {
  const async::Backoff backoff{job.retry_delay, limits::job_retry_delay_max};
  RunEnd end;
  for (;;) {
    const bool has_room = co_await wait_for_room(run);
    if (!has_room) {
      end.state = run.stopped_as();
      end.message = run.said() + run.why();
      break;
    }
    if (++end.attempts == 1) log("started", run.id, "");
    int exit_code = exit_failed;
    {
      const Place place(at_work_, with_.changed);
      exit_code = co_await attempt(job, run);
    }
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
    while (!until.passed() && !is_stopping_ && !run.is_stopping())
      co_await with_.changed.wait(until);
    if (run.is_stopping() || is_stopping_) {
      end.state = RunState::interrupted;
      end.message = run.said() + (run.is_stopping() ? run.why() : "its scheduler was stopped");
      break;
    }
  }
  co_return end;
}

/// False if it was told to stop before there was room.
asio::awaitable<bool> Runs::wait_for_room(Run& run) {
  bool is_told = false;
  for (;;) {
    if (is_stopping_) run.stop(RunState::interrupted, "its scheduler was stopped");
    if (run.is_stopping()) co_return false;
    if (with_.config.at_once == 0 || at_work_ < with_.config.at_once) co_return true;
    if (!std::exchange(is_told, true))
      log("waits", run.id,
          at_work_ == 1 ? "another one runs (at_once)"
                        : fmt::format("{} others run (at_once)", at_work_));
    co_await with_.changed.wait(async::Deadline::after(limits::job_queue_poll));
  }
}

/// All processes that the job stands for now; the worst of their exit codes.
asio::awaitable<int> Runs::attempt(const Job& job, Run& run) {
  const Reach& reach = job.command.is_migration ? with_.options.migrations : with_.options.loads;
  std::vector<std::string> unseen;
  const std::vector<std::vector<std::string>> all = arguments_now(job.command, unseen);
  const std::function<void(const std::string&)> line = [&](const std::string& text) {
    run.hear(text);
    log("said", run.id, text);
  };
  if (all.empty() && unseen.empty()) log("said", run.id, "no new files");
  for (const std::string& one : unseen) line("pgsluice: " + one);
  run.limit(job.timeout);
  int result = unseen.empty() ? exit_ok : exit_usage;
  for (const std::vector<std::string>& arguments : all) {
    int exit_code = exit_failed;
    const Handed handed = hand_values(arguments, reach.environment);
    try {
      exit_code =
          co_await run.process(handed.arguments, handed.environment, job.command.folder, line);
    } catch (const Failure& failure) {
      line(std::string("pgsluice: ") + failure.what());  // no process could be started
    }
    result = worse(result, exit_code);
    if (run.is_stopping()) break;
  }
  run.limit(milliseconds::zero());
  co_return result;
}

}  // namespace sluice::jobs

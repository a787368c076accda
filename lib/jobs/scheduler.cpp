#include "jobs/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "jobs/files.hpp"
#include "jobs/handed.hpp"
#include "script/history.hpp"

namespace sluice::jobs {
namespace {

bool ended_well(int exit_code) { return exit_code == exit_ok || exit_code == exit_rejected; }

/// The same again would end the same: wrong usage, too many rejects, a source that changed.
bool is_final(int exit_code) {
  return exit_code == exit_usage || exit_code == exit_budget || exit_code == exit_changed;
}

bool contains(const std::vector<SlotId>& ids, const SlotId& id) {
  return std::ranges::find(ids, id) != ids.end();
}

}  // namespace

namespace {

std::string place_of(const Config& config) {
  const std::string runner = script::runner_name();
  return runner.substr(0, runner.rfind(", process ")) + ":" + config.path;
}

}  // namespace

std::string unique_runner_name() {
  std::random_device random;
  return fmt::format("{}, {:08x}", script::runner_name(), random());
}

Scheduler::Scheduler(asio::any_io_executor executor, pg::Pool& pool, Config config,
                     SchedulerOptions options)
    : executor_(std::move(executor)),
      config_(std::move(config)),
      options_(std::move(options)),
      slots_(executor_, pool, unique_runner_name(), place_of(config_), config_.lost_after,
             [this](const std::string& note) { options_.log({"database", "", "", {}, note}); }),
      followers_(executor_),
      executions_(executor_),
      beside_(executor_),
      changed_(executor_),
      grace_(executor_),
      last_word_(executor_),
      silence_(executor_) {}

Scheduler::~Scheduler() = default;

void Scheduler::log(const std::string& what, const SlotId& id, const std::string& message) const {
  options_.log({what, id.project, id.job, id.slot, message});
}

asio::awaitable<void> Scheduler::run() {
  followers_.spawn(guarded(begin_to_follow()));
  co_await followers_.join();
  co_await executions_.join();
  grace_.cancel();
  last_word_.cancel();
  silence_.cancel();
  beside_.cancel();
  co_await beside_.join();
  if (failed_) std::rethrow_exception(failed_);
}

/// What fails ends the scheduler, and leaves runs the time that they have to end. At the end
/// themselves, a database that is away and the cancellation of a wait are no failures.
asio::awaitable<void> Scheduler::guarded(asio::awaitable<void> task) {
  std::exception_ptr failed;
  try {
    co_await std::move(task);
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) failed = std::current_exception();
  } catch (const pg::PgError&) {
    if (!stopping_) failed = std::current_exception();
  } catch (const std::exception&) {
    failed = std::current_exception();
  }
  if (!failed) co_return;
  if (!failed_) failed_ = failed;
  cancel();
}

asio::awaitable<void> Scheduler::begin_to_follow() {
  co_await slots_.prepare(options_.wait);
  if (stopping_) co_return;
  prepared_ = true;
  // Without a heartbeat nothing may run.
  beside_.spawn(guarded(beat()));
  if (!options_.once) beside_.spawn(guarded(prune()));
  start_following();
}

void Scheduler::start_following() {
  ++generation_;
  slots_.leave_all();
  for (const Job& job : config_.jobs) {
    JobPtr shared = std::make_shared<const Job>(job);
    followers_.spawn(guarded(follow_always(std::move(shared), generation_)));
  }
}

void Scheduler::reload(Config config) {
  if (stopping_) return;
  config_ = std::move(config);
  if (prepared_) start_following();
  changed_.notify();
}

void Scheduler::stop() {
  if (stopping_) return;
  stopping_ = true;
  slots_.end();
  changed_.notify();
  if (!prepared_) followers_.cancel();  // nothing has begun, and the server may not answer
  grace_.expires_after(std::max(config_.grace - limits::job_last_word, config_.grace / 2));
  const auto on_end = [this](boost::system::error_code error) {
    if (!error) cancel();
  };
  grace_.async_wait(on_end);
}

/// A slot that was asked for and not heard of is not run here. If it was stored all the same, it
/// counts as lost soon, as this scheduler says no more that it lives.
void Scheduler::cancel() {
  stopping_ = true;
  slots_.end();
  followers_.cancel();
  bool is_any_running = false;
  for (const auto& run : runs_) {
    is_any_running = is_any_running || run->has_process();
    run->stop(RunState::interrupted, "its scheduler was stopped");
  }
  changed_.notify();
  last_word_.expires_after((is_any_running ? kill_after() : milliseconds::zero()) +
                           limits::job_last_word);
  const auto on_end = [this](boost::system::error_code error) {
    if (!error) executions_.cancel();
  };
  last_word_.async_wait(on_end);
}

/// Within what SIGTERM, a second one and SIGKILL follow each other.
milliseconds Scheduler::kill_after() const {
  return std::max(std::min({limits::stop_grace, config_.lost_after / 6, config_.grace / 2}),
                  limits::job_last_word);
}

/// Sleeps by the database's clock; wakes early when something changes, and now and then to hear
/// that clock again.
asio::awaitable<void> Scheduler::sleep_until(std::chrono::sys_time<milliseconds> when) {
  const auto rest = std::min<milliseconds>(when - slots_.now(), limits::job_sleep_max);
  if (rest > milliseconds::zero()) co_await changed_.wait(async::Deadline::after(rest));
}

/// One job, with whatever others mean by it: while a scheduler that means something else lives, it
/// is left to that one.
asio::awaitable<void> Scheduler::follow_always(JobPtr job, std::size_t generation) {
  bool was_refused = false;
  while (goes_on(generation)) {
    const Entered entered = co_await slots_.enter(*job);
    const SlotId id{entered.project, job->name, {}};
    if (entered.refused_by.empty()) {
      auto entered_job = std::make_shared<Job>(*job);
      tell_project(*job, entered, was_refused);
      entered_job->project.name = entered.project;
      JobPtr mine = std::move(entered_job);
      const bool done = co_await follow(std::move(mine), entered.seen, generation);
      if (done) co_return;
      was_refused = true;
      continue;
    }
    if (!was_refused || options_.once) {
      log_job(
          "refused", id,
          fmt::format("{} runs this job of project \"{}\", and means something else by it "
                      "(differs in {}): it is left to that one. Two applications have a project "
                      "each: project = \"NAME\" in pgsluice.toml, or --project",
                      entered.refused_by, entered.project, entered.differs_in));
    }
    was_refused = true;
    if (options_.once) {
      ++failures_;
      co_return;
    }
    const auto until = async::Deadline::after(config_.lost_after / 3);
    while (!until.passed() && goes_on(generation)) co_await changed_.wait(until);
  }
}

void Scheduler::tell_project(const Job& job, const Entered& entered, bool was_refused) const {
  const SlotId id{entered.project, job.name, {}};
  if (entered.took_over) {
    log_job("taken over", id,
            fmt::format("what this job did before projects had names belongs to project \"{}\" "
                        "from now on",
                        entered.project));
  } else if (entered.project != job.project.name) {
    log_job("project", id,
            fmt::format("goes on as project \"{}\", which has the same job, and not as \"{}\"; "
                        "project = \"{}\" in pgsluice.toml says so for good",
                        entered.project, job.project.name, entered.project));
  }
  if (was_refused) log_job("goes on", id, "nobody means something else by it any more");
}

void Scheduler::log_job(const std::string& what, const SlotId& id,
                        const std::string& message) const {
  options_.log({what, id.project, id.job, {}, message});
}

/// Looks which slots are due, sleeps until the next one. False where another scheduler has come to
/// mean something else by the job.
asio::awaitable<bool> Scheduler::follow(JobPtr job, Instant seen, std::size_t generation) {
  do {
    const Instant now = std::chrono::floor<std::chrono::seconds>(slots_.now());
    const Due due = due_slots(job->recurrence, job->catchup, seen, now, limits::slot_late_max);
    if (!due.missed.empty()) {
      co_await slots_.record_missed(*job, due);
      log("missed", {job->project.name, job->name, due.missed.back()},
          fmt::format("{} slots", due.missed.size() + due.missed_before));
      seen = std::max(seen, due.missed.back());
    }
    for (const Instant slot : due.run) {
      if (!goes_on(generation)) co_return true;
      const bool is_mine = co_await begin(job, slot, generation);
      if (!is_mine) co_return false;
      seen = std::max(seen, slot);
    }
    if (options_.once && due.run.size() < limits::missed_slots_max) co_return true;
    co_await sleep_until(job->recurrence.next(seen));
  } while (goes_on(generation));
  co_return true;
}

/// One slot: asks for it (false: another one means something else by the job), and runs it beside
/// this coroutine, or, where no slot may be left out, here.
asio::awaitable<bool> Scheduler::begin(JobPtr job, Instant slot, std::size_t generation) {
  const auto when = std::chrono::sys_time<milliseconds>(slot) + jitter_of(*job, slot);
  while (slots_.now() < when && goes_on(generation)) co_await sleep_until(when);
  Claim claim;
  for (;;) {
    if (!goes_on(generation)) co_return true;
    claim = co_await slots_.claim(*job, slot);
    if (claim.refused) co_return false;
    if (!claim.busy) break;
    co_await changed_.wait(async::Deadline::after(limits::job_queue_poll));
  }
  if (!claim.state) co_return true;
  const SlotId id{job->project.name, job->name, slot};
  if (*claim.state == RunState::skipped) {
    log("skipped", id, "the run before it has not ended");
    co_return true;
  }
  if (*claim.state == RunState::queued && job->overlap == Overlap::cancel) {
    for (const auto& run : runs_)
      if (run->id.job == job->name && run->id.project == job->project.name)
        run->stop(RunState::interrupted, "a later run took its place");
    changed_.notify();
  }
  const auto run = std::make_shared<Run>(executor_, id, kill_after());
  runs_.push_back(run);
  executions_.spawn(guarded(execute(job, run, *claim.state)));
  if (job->catchup != Catchup::all) co_return true;
  while (std::ranges::find(runs_, run) != runs_.end()) co_await changed_.wait();
  co_return true;
}

asio::awaitable<void> Scheduler::execute(JobPtr job, std::shared_ptr<Run> run, RunState state) {
  std::exception_ptr failed;
  try {
    bool has_place = true;
    RunEnd end = co_await run_to_its_end(std::move(job), *run, state, has_place);
    if (has_place) {
      co_await tell_end(*run, std::move(end));
    } else {
      log("skipped", run->id, "a later run took its place");
    }
  } catch (...) {
    failed = std::current_exception();
  }
  std::erase(runs_, run);
  changed_.notify();
  if (failed) std::rethrow_exception(failed);
}

asio::awaitable<RunEnd> Scheduler::run_to_its_end(JobPtr job, Run& run, RunState state,
                                                  bool& has_place) {
  if (state == RunState::queued) {
    log("queued", run.id, "the run before it has not ended");
    has_place = co_await wait_in_queue(run);
  }
  // The answer may have come when it was too late.
  if (stopping_) run.stop(RunState::interrupted, "its scheduler was stopped");
  if (run.is_stopping()) co_return RunEnd{.state = run.stopped_as(), .message = run.why()};
  if (!has_place) co_return RunEnd{};
  log("started", run.id, "");
  co_return co_await attempt_until_done(*job, run);
}

/// Until the database has heard it, or the time for that is over.
asio::awaitable<void> Scheduler::tell_end(const Run& run, RunEnd end) {
  std::string message = gist(end.state, end.message);
  if (end.state == RunState::interrupted) ++interruptions_;
  if (end.state == RunState::failed || end.state == RunState::timed_out) ++failures_;
  const std::string state(name_of(end.state));
  try {
    if (!co_await slots_.finish(run.id, std::move(end)))
      message += " (but it counts as lost: this scheduler was silent for too long)";
  } catch (const boost::system::system_error&) {
    log(state, run.id, message + " (the database is away, and will count it as lost)");
    throw;
  }
  log(state, run.id, message);
}

/// True when the run may begin, or was told to stop; false if it lost its place.
asio::awaitable<bool> Scheduler::wait_in_queue(Run& run) {
  for (;;) {
    if (stopping_) run.stop(RunState::interrupted, "its scheduler was stopped");
    if (run.is_stopping()) co_return true;
    try {
      const RunState state = co_await slots_.promote(run.id);
      if (state != RunState::queued) co_return state == RunState::running;
    } catch (const pg::PgError&) {
      if (!stopping_) throw;
      continue;
    }
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
  int result = exit_ok;
  for (const std::vector<std::string>& arguments : all) {
    int exit_code = exit_failed;
    const Handed handed = hand_values(arguments, reach.environment);
    try {
      exit_code = co_await run.process(handed.arguments, handed.environment, line);
    } catch (const Failure& failure) {
      log("said", run.id, failure.what());  // no process could be started
    }
    if (ended_well(result)) result = exit_code;
    if (run.is_stopping()) break;
  }
  run.limit(milliseconds::zero());
  co_return result;
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

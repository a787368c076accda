#include "jobs/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/counted.hpp"
#include "base/failure.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "script/history.hpp"

namespace sluice::jobs {
namespace {

std::string place_of(const Config& config) {
  const std::string runner = script::runner_name();
  return runner.substr(0, runner.rfind(", process ")) + ":" + config.path;
}

/// Nothing else may be said for hours.
Event next_slot(const std::vector<Job>& jobs, std::chrono::sys_time<milliseconds> clock) {
  const Instant now = std::chrono::floor<std::chrono::seconds>(clock);
  const auto next = [now](const Job& job) { return job.recurrence.next(now); };
  const auto first = std::ranges::min_element(jobs, {}, next);
  return {"follows", first->project.name, first->name, next(*first),
          "this is the next slot of " + counted(jobs.size(), "job")};
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
      runs_({options_, config_, slots_, changed_}),
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
  // Whoever runs it now and then does not want to have many of them wait for ever.
  const auto patience = options_.once ? std::optional(options_.wait) : std::nullopt;
  co_await slots_.prepare(options_.wait, patience);
  if (stopping_) co_return;
  prepared_ = true;
  // Without a heartbeat nothing may run.
  beside_.spawn(guarded(beat()));
  if (!options_.once) beside_.spawn(guarded(prune()));
  if (!options_.once) options_.log(next_slot(config_.jobs, slots_.now()));
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
  runs_.begin_no_more();
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
  runs_.begin_no_more();
  followers_.cancel();
  const bool is_any_running = runs_.stop_all("its scheduler was stopped");
  changed_.notify();
  // Whoever asks again and again does not put the end off.
  if (std::exchange(cancelled_, true)) return;
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

/// Nothing for a job that came with a reload and that the database cannot keep: the others go on.
/// In the first configuration it ends the command.
asio::awaitable<std::optional<Entered>> Scheduler::enter_if_fit(const Job& job,
                                                                std::size_t generation) {
  try {
    co_return co_await slots_.enter(job);
  } catch (const Failure& unfit) {
    if (generation == first_generation || unfit.kind() != FailureKind::usage) throw;
    const SlotId id{job.project.name, job.name, {}};
    log_job("refused", id, unfit.what());
    co_return std::nullopt;
  }
}

/// One job, with whatever others mean by it: while a scheduler that means something else lives, it
/// is left to that one.
asio::awaitable<void> Scheduler::follow_always(JobPtr job, std::size_t generation) {
  bool was_refused = false;
  while (goes_on(generation)) {
    const std::optional<Entered> found = co_await enter_if_fit(*job, generation);
    if (!found) co_return;
    const Entered& entered = *found;
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
      ++refusals_;
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
  if (!entered.ahead.empty()) {
    log_job("ahead", id,
            fmt::format("pgsluice.jobs or pgsluice.job_runs know it up to {}, which is in the "
                        "future: the database's clock was wrong, or is. Its slots run from now on; "
                        "those that are recorded do not run again",
                        entered.ahead));
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
          due.missed_text(due.missed.size() + due.missed_before));
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
  if (*claim.state == RunState::queued && job->overlap == Overlap::cancel) runs_.give_way(*job);
  const auto run = std::make_shared<Run>(executor_, id, kill_after());
  runs_.add(run);
  executions_.spawn(guarded(runs_.execute(job, run, *claim.state)));
  if (job->catchup != Catchup::all) co_return true;
  while (runs_.has(run)) co_await changed_.wait();
  co_return true;
}

/// Says that this scheduler lives. Whoever is silent for too long counts as lost, and another one
/// runs the next slot: so what runs here is stopped before that.
asio::awaitable<void> Scheduler::beat() {
  for (;;) {
    const Heartbeat heartbeat = co_await slots_.beat();
    for (const SlotId& id : heartbeat.lost) log("lost", id, "its scheduler went silent");
    runs_.give_way(heartbeat.stop_asked);
    silence_.expires_after(config_.lost_after * 2 / 3);
    const auto on_silence = [this](boost::system::error_code error) {
      if (error) return;
      runs_.stop_all("the database was away for too long");
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

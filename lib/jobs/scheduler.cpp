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

milliseconds kill_after_of(const Config& config) {
  return std::max(std::min({limits::stop_grace, config.lost_after / 6, config.grace / 2}),
                  limits::job_last_word);
}

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
      telling_(executor_, slots_,
               [this](const std::string& what, const SlotId& id, const std::string& message) {
                 log(what, id, message);
               }),
      runs_({options_, config_, slots_, changed_, telling_}),
      following_(
          {executor_, options_, config_, slots_, runs_, changed_,
           [this](asio::awaitable<void> run) { executions_.spawn(guarded(std::move(run))); }}),
      grace_(executor_),
      last_word_(executor_),
      silence_(executor_) {}

Scheduler::~Scheduler() = default;

/// About a slot, or (it has none) about the job.
void Scheduler::log(const std::string& what, const SlotId& id, const std::string& message) const {
  const auto slot = id.slot == Instant{} ? std::nullopt : std::optional(id.slot);
  options_.log({what, id.project, id.job, slot, message});
}

asio::awaitable<void> Scheduler::run() {
  followers_.spawn(guarded(begin_to_follow()));
  co_await followers_.join();
  co_await executions_.join();
  followers_.spawn(guarded(tell_the_rest()));
  co_await followers_.join();
  grace_.cancel();
  last_word_.cancel();
  silence_.cancel();
  beside_.cancel();
  co_await beside_.join();
  if (failed_) std::rethrow_exception(failed_);
}

/// Whoever runs it now and then has no time later.
asio::awaitable<void> Scheduler::tell_the_rest() {
  if (options_.once && prepared_ && !stopping_) {
    const Heartbeat heartbeat = co_await slots_.beat();
    tell(heartbeat.untold);
  }
  co_await telling_.join();
}

void Scheduler::tell(const std::vector<SlotId>& untold) {
  for (const SlotId& id : untold)
    if (JobPtr job = following_.entered(id)) telling_.add(std::move(job), id);
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
  const std::size_t generation = following_.begin_anew();
  for (const Job& job : config_.jobs) {
    JobPtr shared = std::make_shared<const Job>(job);
    followers_.spawn(guarded(following_.always(std::move(shared), generation)));
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
  following_.end();
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
  following_.end();
  runs_.begin_no_more();
  telling_.cancel();
  followers_.cancel();
  const bool is_any_running = runs_.stop_all("its scheduler was stopped");
  changed_.notify();
  // Whoever asks again and again does not put the end off.
  if (std::exchange(cancelled_, true)) return;
  last_word_.expires_after((is_any_running ? kill_after_of(config_) : milliseconds::zero()) +
                           limits::job_last_word);
  const auto on_end = [this](boost::system::error_code error) {
    if (!error) executions_.cancel();
  };
  last_word_.async_wait(on_end);
}

/// Says that this scheduler lives. Whoever is silent for too long counts as lost, and another one
/// runs the next slot: so what runs here is stopped before that.
asio::awaitable<void> Scheduler::beat() {
  for (;;) {
    const Heartbeat heartbeat = co_await slots_.beat();
    for (const SlotId& id : heartbeat.lost) log("lost", id, "its scheduler went silent");
    tell(heartbeat.untold);
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

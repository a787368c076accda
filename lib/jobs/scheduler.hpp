#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "jobs/config.hpp"
#include "jobs/runs.hpp"
#include "jobs/slots.hpp"

namespace sluice::jobs {

/// Runs jobs on their schedule, each as a process of its own, beside any number of schedulers on
/// other hosts: whoever stores the row of a slot runs it. On one I/O thread.
class Scheduler {
 public:
  Scheduler(asio::any_io_executor executor, pg::Pool& pool, Config config,
            SchedulerOptions options);
  ~Scheduler();

  /// Until stop(), or until all that is due has run. Throws PgError where the database cannot be
  /// reached at the start, and was waited for in vain.
  asio::awaitable<void> run();

  /// No new slot; what runs may go on for the grace period, and is stopped then. Where nothing runs
  /// run() ends within that period, whether the database answers or not.
  void stop();
  /// Stops what runs at once, and asks the database nothing more than to hear how it ended.
  void cancel();
  /// Other jobs from now on; what runs goes on.
  void reload(Config config);

  /// Runs that did not end well.
  std::size_t failures() const { return refusals_ + runs_.failures(); }
  /// Runs that were stopped before their end.
  std::size_t interruptions() const { return runs_.interruptions(); }

 private:
  void start_following();
  asio::awaitable<void> begin_to_follow();
  asio::awaitable<void> guarded(asio::awaitable<void> task);
  milliseconds kill_after() const;
  asio::awaitable<std::optional<Entered>> enter_if_fit(const Job& job, std::size_t generation);
  asio::awaitable<void> follow_always(JobPtr job, std::size_t generation);
  asio::awaitable<bool> follow(JobPtr job, Instant seen, std::size_t generation);
  void tell_project(const Job& job, const Entered& entered, bool was_refused) const;
  void log_job(const std::string& what, const SlotId& id, const std::string& message) const;
  asio::awaitable<bool> begin(JobPtr job, Instant slot, std::size_t generation);
  asio::awaitable<void> beat();
  asio::awaitable<void> prune();
  asio::awaitable<void> sleep_until(std::chrono::sys_time<milliseconds> when);
  bool goes_on(std::size_t generation) const { return !stopping_ && generation == generation_; }
  void log(const std::string& what, const SlotId& id, const std::string& message) const;

  asio::any_io_executor executor_;
  Config config_;
  SchedulerOptions options_;
  Slots slots_;
  async::TaskGroup followers_;   ///< of jobs; they ask and sleep, and may be cancelled at any time
  async::TaskGroup executions_;  ///< of runs: cancelled only when their processes have ended
  async::TaskGroup beside_;
  async::Event changed_;
  Runs runs_;
  asio::steady_timer grace_;
  asio::steady_timer last_word_;
  asio::steady_timer silence_;  ///< when it ends, others may soon take our runs for lost
  static constexpr std::size_t first_generation = 1;
  std::size_t generation_ = 0;  ///< of the configuration: each reload has a new one
  bool prepared_ = false;
  bool stopping_ = false;
  bool cancelled_ = false;
  std::exception_ptr failed_;  ///< the first that was no consequence of the end
  std::size_t refusals_ = 0;   ///< of jobs, by who means something else by them
};

/// Names this process and no other, ever: a container that begins again has the same host and
/// process number.
std::string unique_runner_name();

}  // namespace sluice::jobs

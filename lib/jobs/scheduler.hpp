#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "jobs/config.hpp"
#include "jobs/run.hpp"
#include "jobs/slots.hpp"

namespace sluice::jobs {

/// Something that happened, for the log.
struct Event {
  std::string what;  ///< started, said, ran, failed, skipped, missed, lost, retry, ...
  std::string project;
  std::string job;
  std::optional<Instant> slot;
  std::string message;
};

/// How the program that a job runs reaches the database: by its environment, as ps shows arguments.
struct Reach {
  std::vector<std::string> environment;
};

struct SchedulerOptions {
  bool once = false;    ///< runs what is due, and ends
  milliseconds wait{};  ///< at the start, for a server that is not there yet
  Reach loads;
  Reach migrations;
  std::function<void(const Event&)> log;
};

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
  std::size_t failures() const { return failures_; }
  /// Runs that were stopped before their end.
  std::size_t interruptions() const { return interruptions_; }

 private:
  using JobPtr = std::shared_ptr<const Job>;  ///< a reload drops jobs whose runs go on

  void start_following();
  asio::awaitable<void> begin_to_follow();
  asio::awaitable<void> guarded(asio::awaitable<void> task);
  milliseconds kill_after() const;
  asio::awaitable<void> follow_always(JobPtr job, std::size_t generation);
  asio::awaitable<bool> follow(JobPtr job, Instant seen, std::size_t generation);
  void tell_project(const Job& job, const Entered& entered, bool was_refused) const;
  void log_job(const std::string& what, const SlotId& id, const std::string& message) const;
  asio::awaitable<bool> begin(JobPtr job, Instant slot, std::size_t generation);
  asio::awaitable<void> execute(JobPtr job, std::shared_ptr<Run> run, RunState state);
  asio::awaitable<RunEnd> run_to_its_end(JobPtr job, Run& run, RunState state, bool& has_place);
  asio::awaitable<void> tell_end(const Run& run, RunEnd end);
  asio::awaitable<bool> wait_in_queue(Run& run);
  asio::awaitable<RunEnd> attempt_until_done(const Job& job, Run& run);
  asio::awaitable<int> attempt(const Job& job, Run& run);
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
  asio::steady_timer grace_;
  asio::steady_timer last_word_;
  asio::steady_timer silence_;  ///< when it ends, others may soon take our runs for lost
  std::list<std::shared_ptr<Run>> runs_;
  std::size_t generation_ = 0;
  bool prepared_ = false;
  bool stopping_ = false;
  std::exception_ptr failed_;  ///< the first that was no consequence of the end
  std::size_t failures_ = 0;
  std::size_t interruptions_ = 0;
};

/// Names this process and no other, ever: a container that begins again has the same host and
/// process number.
std::string unique_runner_name();

}  // namespace sluice::jobs

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "jobs/config.hpp"
#include "jobs/following.hpp"
#include "jobs/runs.hpp"
#include "jobs/slots.hpp"
#include "jobs/telling.hpp"

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
  std::size_t failures() const { return following_.refusals() + runs_.failures(); }
  /// Runs that were stopped before their end.
  std::size_t interruptions() const { return runs_.interruptions(); }

 private:
  void start_following();
  asio::awaitable<void> begin_to_follow();
  asio::awaitable<void> guarded(asio::awaitable<void> task);
  asio::awaitable<void> tell_the_rest();
  void tell(const std::vector<SlotId>& untold);
  asio::awaitable<void> beat();
  asio::awaitable<void> prune();
  void log(const std::string& what, const SlotId& id, const std::string& message) const;

  asio::any_io_executor executor_;
  Config config_;
  SchedulerOptions options_;
  Slots slots_;
  async::TaskGroup followers_;   ///< of jobs; they ask and sleep, and may be cancelled at any time
  async::TaskGroup executions_;  ///< of runs: cancelled only when their processes have ended
  async::TaskGroup beside_;
  async::Event changed_;
  Telling telling_;
  Runs runs_;
  Following following_;
  asio::steady_timer grace_;
  asio::steady_timer last_word_;
  asio::steady_timer silence_;  ///< when it ends, others may soon take our runs for lost
  bool prepared_ = false;
  bool stopping_ = false;
  bool cancelled_ = false;
  std::exception_ptr failed_;  ///< the first that was no consequence of the end
};

/// Names this process and no other, ever: a container that begins again has the same host and
/// process number.
std::string unique_runner_name();

}  // namespace sluice::jobs

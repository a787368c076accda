#pragma once

#include <deque>
#include <memory>
#include <string>

#include "async/task_group.hpp"
#include "async/time.hpp"
#include "base/worker_limits.hpp"
#include "process/fed.hpp"

namespace sluice::process {

struct Call;
class Worker;

/// Processes that run one call after the other: what a call would spend on a process of its own,
/// and on connections, is spent once. A call is alone in its process for as long as it lasts, and a
/// process that has ended one in another way than with an exit code takes no more. One thread.
class Workers {
 public:
  explicit Workers(asio::any_io_executor executor,
                   std::chrono::milliseconds idle_max = limits::worker_idle_max);
  ~Workers();

  /// Runs this in one that is idle, or in a new one. It must not outlive this. Throws Failure where
  /// no process can be started.
  std::unique_ptr<Fed> start(const Call& call);

  /// Those that have nothing to do.
  std::size_t idle() const { return idle_.size(); }

  /// Lets go of them, and waits until they have ended. REQUIRES: no call runs.
  asio::awaitable<void> end();

 private:
  friend class WorkerCall;
  struct Idle {
    std::unique_ptr<Worker> worker;
    std::string likeness;  ///< of its last call
    async::Clock::time_point since;
  };
  std::unique_ptr<Worker> take(const std::string& likeness);
  void put_back(std::unique_ptr<Worker> worker, std::string likeness);
  void let_go(std::unique_ptr<Worker> worker);
  void watch();

  asio::any_io_executor executor_;
  std::chrono::milliseconds idle_max_;
  std::deque<Idle> idle_;  ///< who was needed last is the last
  asio::steady_timer watch_;
  async::TaskGroup ending_;
};

}  // namespace sluice::process

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "async/semaphore.hpp"
#include "async/task_group.hpp"
#include "base/hook_limits.hpp"
#include "jobs/hook_call.hpp"
#include "jobs/job.hpp"
#include "jobs/slots.hpp"

namespace sluice::jobs {

/// Whether the end of a run is told at all. A run that was stopped, or did not begin, is neither a
/// success nor a failure.
bool is_told(const Hooks& hooks, RunState state);
/// Who is told of it, in this order. `is_recovery`: it ran, and the one that ended before it
/// failed.
std::vector<HookKind> told_kinds(RunState state, bool is_recovery);
/// What they are told, as JSON.
std::string told_text(HookKind kind, const RunEntry& run);

/// Tells the ends of runs to the hooks of their jobs, beside all else: of a job one after the
/// other, in the order of their ends. What is told is struck out in the database, so that what a
/// scheduler which is killed has not told is told by another one; what it was about to tell, maybe
/// twice.
class Telling {
 public:
  using Log = std::function<void(const std::string& what, const SlotId&, const std::string&)>;

  Telling(const asio::any_io_executor& executor, Slots& slots, Log log)
      : slots_(slots),
        log_(std::move(log)),
        caller_(executor),
        at_once_(executor, limits::hooks_at_once),
        tasks_(executor) {}

  /// Waits for nothing. REQUIRES: the database knows its end, and that this scheduler tells it.
  void add(std::shared_ptr<const Job> job, const SlotId& id);
  /// Until all is told.
  asio::awaitable<void> join() { co_await tasks_.join(); }
  /// What is not told yet, and what is added from now on, is left to another scheduler.
  void cancel();

 private:
  struct Waiting {
    std::shared_ptr<const Job> job;
    SlotId id;
  };
  using Key = std::pair<std::string, std::string>;  ///< project and job

  asio::awaitable<void> tell_all(Key key);
  asio::awaitable<void> tell(Waiting one);
  asio::awaitable<void> tell_run(const Job& job, SlotId id);
  asio::awaitable<std::string> tell_kind(const Hook& hook, HookKind kind, const RunEntry& run);

  Slots& slots_;
  Log log_;
  HookCaller caller_;
  async::Semaphore at_once_;
  std::map<Key, std::deque<Waiting>> waiting_;  ///< the first of each is being told
  async::TaskGroup tasks_;
  bool is_cancelled_ = false;
};

}  // namespace sluice::jobs

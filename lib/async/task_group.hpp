#pragma once

#include <exception>
#include <list>

#include "async/asio.hpp"
#include "async/event.hpp"

namespace sluice::async {

/// Owns the coroutines that are spawned into it: none outlives join(). The first exception of a
/// task cancels the others and is what join() throws. One thread (the executor's).
class TaskGroup {
 public:
  explicit TaskGroup(asio::any_io_executor executor)
      : executor_(std::move(executor)), finished_(executor_) {}
  /// REQUIRES: joined, or never spawned into.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void spawn(asio::awaitable<void> task);

  /// Waits for all tasks. If the waiting coroutine is cancelled, so are the tasks, and they are
  /// still waited for.
  asio::awaitable<void> join();

  /// Asks all tasks to stop at their next wait.
  void cancel();

 private:
  asio::any_io_executor executor_;
  Event finished_;
  std::list<asio::cancellation_signal> running_;
  std::exception_ptr first_error_;
};

}  // namespace sluice::async

#pragma once

#include <cstddef>
#include <functional>

#include "async/channel.hpp"
#include "async/task_group.hpp"

namespace sluice::async {

/// Items that any number of producers put in, and so many workers work off. The queue is bounded:
/// producers wait while it is full. The first failure of a worker cancels the others, and is what
/// join() throws; producers that wait then get operation_aborted. One thread.
template <class T>
class WorkQueue {
 public:
  using Work = std::function<asio::awaitable<void>(T item)>;

  WorkQueue(const asio::any_io_executor& executor, std::size_t workers, std::size_t capacity,
            Work work)
      : items_(executor, capacity), workers_(executor), work_(std::move(work)) {
    for (std::size_t i = 0; i < workers; ++i) workers_.spawn(work_off());
  }

  /// Waits for room. Throws operation_aborted when the queue has ended.
  asio::awaitable<void> put(T item) { return items_.send(std::move(item)); }
  /// False if there is no room now.
  bool try_put(T item) { return items_.try_send(std::move(item)); }

  /// No more items come: waits until all are worked off. REQUIRES: called, once, before the end of
  /// the queue's life.
  asio::awaitable<void> join() {
    items_.close();
    co_await workers_.join();
  }

  /// Ends the workers at their next wait; what is in the queue is dropped. join() is still called.
  void cancel() {
    items_.close();
    workers_.cancel();
  }

 private:
  asio::awaitable<void> work_off() {
    std::exception_ptr failed;
    try {
      while (std::optional<T> item = co_await items_.receive()) co_await work_(std::move(*item));
    } catch (...) {
      failed = std::current_exception();
      items_.close();  // producers must not wait for workers that are gone
    }
    if (failed) std::rethrow_exception(failed);
  }

  Channel<T> items_;
  TaskGroup workers_;
  Work work_;
};

}  // namespace sluice::async

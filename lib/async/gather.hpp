#pragma once

#include <cstddef>
#include <exception>
#include <expected>
#include <optional>
#include <vector>

#include "async/semaphore.hpp"
#include "async/task_group.hpp"

namespace sluice::async {

/// How many tasks run at once.
struct GatherLimit {
  std::size_t running_max = 0;  ///< zero: all
};

namespace detail {

inline std::size_t permits_of(GatherLimit limit, std::size_t tasks) {
  return limit.running_max == 0 ? tasks : limit.running_max;
}

template <class T>
asio::awaitable<void> run_into(asio::awaitable<T> task, std::optional<T>& result,
                               Semaphore& running) {
  const Semaphore::Permit permit = co_await running.acquire();
  result.emplace(co_await std::move(task));
}

template <class T>
using Settled = std::expected<T, std::exception_ptr>;

template <class T>
asio::awaitable<void> settle_into(asio::awaitable<T> task, Settled<T>& result, Semaphore& running) {
  const Semaphore::Permit permit = co_await running.acquire();
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      result = {};
    } else {
      result = co_await std::move(task);
    }
  } catch (...) {
    result = std::unexpected(std::current_exception());
  }
}

}  // namespace detail

/// Runs all tasks at once, or as many as the limit allows, and gives their results in the order of
/// the tasks. The first failure cancels the others, and is thrown when they have ended.
template <class T>
asio::awaitable<std::vector<T>> gather(std::vector<asio::awaitable<T>> tasks,
                                       GatherLimit limit = {}) {
  const auto executor = co_await asio::this_coro::executor;
  Semaphore running(executor, detail::permits_of(limit, tasks.size()));
  std::vector<std::optional<T>> results(tasks.size());
  TaskGroup group(executor);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    group.spawn(detail::run_into(std::move(tasks[i]), results[i], running));
  co_await group.join();
  std::vector<T> values;
  values.reserve(results.size());
  for (std::optional<T>& result : results) values.push_back(std::move(*result));
  co_return values;
}

/// The same with failures as values: each task runs to its end, whatever becomes of the others. A
/// cancellation of the caller cancels all of them, and is what they end with.
template <class T>
asio::awaitable<std::vector<std::expected<T, std::exception_ptr>>> gather_settled(
    std::vector<asio::awaitable<T>> tasks, GatherLimit limit = {}) {
  const auto executor = co_await asio::this_coro::executor;
  Semaphore running(executor, detail::permits_of(limit, tasks.size()));
  std::vector<detail::Settled<T>> results(tasks.size(), std::unexpected(std::exception_ptr()));
  TaskGroup group(executor);
  for (std::size_t i = 0; i < tasks.size(); ++i)
    group.spawn(detail::settle_into(std::move(tasks[i]), results[i], running));
  co_await group.join();
  co_return results;
}

}  // namespace sluice::async

#pragma once

#include <optional>
#include <stdexcept>

#include "async/task_group.hpp"
#include "async/time.hpp"

namespace sluice::async {

/// What had a deadline was not done by then. It was cancelled and has ended.
class TimedOut : public std::runtime_error {
 public:
  TimedOut() : std::runtime_error("not done in time") {}
};

namespace detail {

asio::awaitable<void> time_out(Clock::time_point at, Time& time);
asio::awaitable<void> end_race(asio::awaitable<void> task, TaskGroup& race);

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

}  // namespace detail

/// Runs a task until it ends or the time has come: then it is cancelled, waited for, and TimedOut
/// is thrown. A cancellation of the caller cancels the task, and is no time-out.
asio::awaitable<void> with_deadline(asio::awaitable<void> task, Clock::time_point at,
                                    Time& time = Time::real());

template <class T>
asio::awaitable<T> with_deadline(asio::awaitable<T> task, Clock::time_point at,
                                 Time& time = Time::real()) {
  std::optional<T> result;
  asio::awaitable<void> kept = detail::keep(std::move(task), result);
  co_await with_deadline(std::move(kept), at, time);
  co_return std::move(*result);
}

}  // namespace sluice::async

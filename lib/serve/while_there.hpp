#pragma once

#include <optional>
#include <utility>

#include "async/asio.hpp"
#include "async/task_group.hpp"
#include "serve/exchange.hpp"

namespace sluice::serve {

namespace detail {

asio::awaitable<void> run_while_there(asio::awaitable<void> task, Exchange& exchange);

template <class T>
asio::awaitable<void> keep(asio::awaitable<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
}

}  // namespace detail

/// Runs a task for as long as who asked is there: once the connection is closed, the task is
/// cancelled and waited for, and Cut is thrown.
template <class T>
asio::awaitable<T> while_there(asio::awaitable<T> task, Exchange& exchange) {
  std::optional<T> result;
  asio::awaitable<void> kept = detail::keep(std::move(task), result);
  co_await detail::run_while_there(std::move(kept), exchange);
  co_return std::move(*result);
}

}  // namespace sluice::serve

#pragma once

#include <type_traits>
#include <utility>

#include "async/asio.hpp"

namespace sluice::async {

namespace detail {
template <class Fn>
asio::awaitable<std::invoke_result_t<Fn>> run(Fn fn) {
  co_return fn();
}
}  // namespace detail

/// Runs a blocking or CPU-heavy function on `pool` and goes on where the caller was; its exception
/// is thrown here. What `fn` refers to must live until then. The function itself cannot be
/// cancelled.
template <class Fn>
asio::awaitable<std::invoke_result_t<Fn>> offload(asio::thread_pool& pool, Fn fn) {
  asio::awaitable<std::invoke_result_t<Fn>> task = detail::run(std::move(fn));
  // An empty slot: a cancellation must not reach a coroutine that runs on another thread.
  auto uncancelled = asio::bind_cancellation_slot(asio::cancellation_slot(), asio::use_awaitable);
  co_return co_await asio::co_spawn(pool.get_executor(), std::move(task), std::move(uncancelled));
}

}  // namespace sluice::async

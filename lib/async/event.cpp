#include "async/event.hpp"

namespace sluice::async {

asio::awaitable<void> Event::wait(Deadline deadline) {
  // Waiters share one timer, so a waiter with a deadline only ever moves the expiry of waits that
  // look again anyway.
  if (deadline.at < timer_.expiry() || timer_.expiry() <= Clock::now())
    timer_.expires_at(deadline.at);
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  const auto cancelled = co_await asio::this_coro::cancellation_state;
  if (cancelled.cancelled() != asio::cancellation_type::none) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

asio::awaitable<void> sleep_for(Clock::duration duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace sluice::async

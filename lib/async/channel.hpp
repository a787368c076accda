#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "async/event.hpp"

namespace sluice::async {

/// A bounded queue between coroutines of one thread; T may be move-only. Senders wait while it is
/// full, receivers while it is empty: this is the back-pressure of the road.
///
/// It is not boost::asio::experimental::channel, whose close() in Boost 1.81 (Debian 12) forgets
/// the values that are still inside.
template <class T>
class Channel {
 public:
  Channel(const asio::any_io_executor& executor, std::size_t capacity)
      : capacity_(capacity), room_(executor), value_(executor) {}

  /// Throws operation_aborted if the channel is closed or the coroutine cancelled.
  asio::awaitable<void> send(T value) {
    while (values_.size() >= capacity_ && !closed_) co_await room_.wait();
    if (!try_send(std::move(value)))
      throw boost::system::system_error(asio::error::operation_aborted);
  }

  /// Puts the value in if there is room, without waiting.
  bool try_send(T value) {
    if (closed_ || values_.size() >= capacity_) return false;
    values_.push_back(std::move(value));
    value_.notify();
    return true;
  }

  /// The next value; nothing when the channel is closed and drained. Throws if the coroutine is
  /// cancelled.
  asio::awaitable<std::optional<T>> receive() {
    while (values_.empty() && !closed_) co_await value_.wait();
    std::optional<T> value;
    if (!values_.empty()) {
      value = std::move(values_.front());
      values_.pop_front();
      room_.notify();
    }
    co_return value;
  }

  /// No more values come; what is inside can still be received.
  void close() {
    closed_ = true;
    room_.notify();
    value_.notify();
  }

 private:
  std::size_t capacity_;
  std::deque<T> values_;
  bool closed_ = false;
  Event room_;
  Event value_;
};

}  // namespace sluice::async

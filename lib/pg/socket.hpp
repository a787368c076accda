#pragma once

#include <memory>

#include "async/event.hpp"

namespace sluice::pg {

/// Waits on libpq's socket without owning it. The socket may change while a connection is being
/// made, so it is attached anew after each step, and it is detached before PQfinish closes it.
class Socket {
 public:
  explicit Socket(asio::any_io_executor executor);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void attach(int fd);
  void detach();
  /// Another executor waits for it from here on. REQUIRES: nobody waits.
  void move_to(asio::any_io_executor executor);

  /// Whether there is something to read, without waiting.
  bool is_readable_now() const;
  /// Bytes that the system has for us.
  std::size_t bytes_to_read() const;

  struct Ready {
    bool readable = false;
    bool writable = false;
  };

  /// Until the socket is readable, or writable where that is asked for. Wakes early now and then:
  /// look and wait again. Throws operation_aborted when the coroutine is cancelled; returns neither
  /// when the deadline has passed.
  asio::awaitable<Ready> wait_readable(async::Deadline deadline = {}) {
    return wait(false, deadline);
  }
  asio::awaitable<Ready> wait_readable_or_writable(async::Deadline deadline = {}) {
    return wait(true, deadline);
  }

 private:
  struct State;

  asio::awaitable<Ready> wait(bool for_write, async::Deadline deadline);

  asio::any_io_executor executor_;
  std::shared_ptr<State>
      state_;  ///< shared with the waits that the reactor still holds after detach()
};

}  // namespace sluice::pg

#pragma once

#include <boost/asio/buffer.hpp>
#include <string>

#include "async/asio.hpp"
#include "serve/message.hpp"

namespace sluice::serve {

/// Who asked has gone, or has been silent for too long, before all of the request was there.
struct Cut {
  std::string why;
};

/// A request with its body, and the way back. One coroutine.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const Request& request() const = 0;
  /// For the log: who is known to ask, once that is known.
  std::string who;

  /// What has come of the body, 0 bytes at its end. Whoever waits with the body for a word gets it
  /// with the first call. Throws Cut, or Refused where it is longer than is taken.
  virtual asio::awaitable<std::size_t> read(asio::mutable_buffer into) = 0;

  /// Whether who asked has closed the connection, however much of the request is still to be read.
  virtual bool has_gone() = 0;

  /// Ends a read() that waits, with operation_aborted: what comes is wanted no more.
  virtual void stop_reading() = 0;

  /// A word before the answer, to who speaks HTTP/1.1 (RFC 9110, 1xx). Throws Cut.
  virtual asio::awaitable<void> inform(int status, Headers headers) = 0;

  /// Once, and with that all is said. Throws Cut.
  virtual asio::awaitable<void> answer(Answer answer) = 0;

  /// An answer whose body comes in parts, which write() sends as they come. Throws Cut.
  virtual asio::awaitable<void> begin(Answer head) = 0;
  virtual asio::awaitable<void> write(std::string part) = 0;
};

}  // namespace sluice::serve

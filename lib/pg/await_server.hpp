#pragma once

#include <functional>
#include <string>

#include "pg/pool.hpp"

namespace sluice::pg {

/// How long a command waits at its start for a server that is starting, or not there yet.
struct ServerWait {
  std::chrono::milliseconds patience{};         ///< zero: not at all
  std::function<void(const std::string&)> say;  ///< told once why it waits
  bool writes = false;                          ///< a standby may become the primary
};

/// Waits until the server takes a connection, which the pool keeps for who asks next. What more
/// time does not mend (a password, a database that is not there) is an error at once. Throws
/// PgError{phase connect}, of the last attempt. May be cancelled at any time.
asio::awaitable<void> await_server(Pool& pool, ServerWait wait);

}  // namespace sluice::pg

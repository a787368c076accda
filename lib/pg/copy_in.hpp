#pragma once

#include <string_view>

#include "pg/connection.hpp"

namespace sluice::pg {

/// COPY ... FROM STDIN, borrowed from a connection whose next() has just returned PGRES_COPY_IN.
/// Until it is finished or aborted nothing else may use the connection; afterwards next() gives the
/// COPY's result. https://www.postgresql.org/docs/current/libpq-copy.html
class CopyIn {
 public:
  explicit CopyIn(Connection& connection) : connection_(connection) {}

  /// Sends bytes; any split is fine. An error of the server shows only behind finish() or abort().
  /// If it is to listen, it stops and returns false where the server says something in the middle,
  /// which can hardly be anything but that it has refused: the rest would be sent for nothing.
  asio::awaitable<bool> write(std::string_view bytes, bool listen);
  asio::awaitable<void> finish();
  /// Makes the server throw away what came, with this reason in its error.
  asio::awaitable<void> abort(std::string reason);

 private:
  asio::awaitable<void> end(const char* reason);

  Connection& connection_;
};

}  // namespace sluice::pg

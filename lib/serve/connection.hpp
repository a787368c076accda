#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "serve/handler.hpp"
#include "serve/seldom.hpp"

namespace sluice::serve {

/// What connections of one server share.
struct ConnectionWith {
  Handler& handler;
  std::shared_ptr<asio::ssl::context> tls;  ///< nullptr: none
  std::optional<std::uint64_t> body_bytes_max;
  std::chrono::milliseconds idle_max{};
  std::uint64_t body_rate_min = 0;  ///< bytes a second, over idle_max in which they were waited for
  const bool& is_ending;            ///< no further request is taken
  /// It came when that was so already: it has one answer.
  bool is_late = false;
  Seldom& tls_failures;
  std::function<void(const Event&)> log;
};

/// Answers what is asked for on one connection, one after the other, until it ends. `close_idle`
/// is, while it waits for a request, what ends it. Throws nothing but a cancellation.
asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, ConnectionWith with,
                                       std::function<void()>& close_idle);

}  // namespace sluice::serve

#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "serve/handler.hpp"

namespace sluice::serve {

/// What connections of one server share.
struct ConnectionWith {
  Handler& handler;
  asio::ssl::context* tls = nullptr;
  std::optional<std::uint64_t> body_bytes_max;
  std::chrono::milliseconds idle_max{};
  const bool& is_ending;  ///< no further request is taken
  std::function<void(const Event&)> log;
};

/// Answers what is asked for on one connection, one after the other, until it ends. `close_idle`
/// is, while it waits for a request, what ends it. Throws nothing but a cancellation.
asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, ConnectionWith with,
                                       std::function<void()>& close_idle);

}  // namespace sluice::serve

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "serve/handler.hpp"

namespace sluice::serve {

/// Files in PEM.
struct TlsFiles {
  std::string certificate;  ///< with those between it and its authority
  std::string key;
  std::string client_ca;  ///< who signs the certificates that clients must have; empty: none
};

struct ServerOptions {
  std::string address = "127.0.0.1";  ///< of an interface: 127.0.0.1, ::1, 0.0.0.0
  std::uint16_t port = 0;             ///< 0: any that is free
  std::optional<TlsFiles> tls;
  std::size_t connections_max = limits::serve_connections_default;
  std::optional<std::uint64_t> body_bytes_max;
  std::chrono::milliseconds idle_max = limits::serve_idle_default;
};

/// HTTP/1.1 on a socket, for a Handler. One thread.
class Server {
 public:
  /// Listens from here on. Throws Failure where it cannot, or the files of TLS are none.
  Server(const asio::any_io_executor& executor, Handler& handler, ServerOptions options,
         std::function<void(const Event&)> log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// "http://127.0.0.1:8432"
  std::string url() const;

  /// Takes connections until stop(), and ends when what was asked for by then is answered.
  asio::awaitable<void> run();

  /// No new connection, no new request on an old one.
  void stop();
  /// Leaves those that are still there.
  void cancel();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::serve

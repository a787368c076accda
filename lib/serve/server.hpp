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
  /// What a body has to have in bytes a second, over idle_max; time in which it was not asked for
  /// does not count.
  std::uint64_t body_rate_min = 100;
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

  /// Takes connections, and ends behind stop() when what was asked for by then is answered.
  asio::awaitable<void> run();

  /// No new request on an old connection. New ones are taken until end(), as who asks whether this
  /// server is ready shall hear that it is not.
  void stop();
  /// No new connection either; those that came behind stop() are closed.
  asio::awaitable<void> end();
  /// Who comes from here on sees the certificates that the files have now. Throws Failure where
  /// they are none, and nothing is changed.
  void read_certificates();
  /// Leaves those that are still there.
  void cancel();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::serve

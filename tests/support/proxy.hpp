#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::test {

/// A proxy on loopback in front of the server, which can be hostile. It runs on threads of its own.
class Proxy {
 public:
  enum class Direction { to_server, to_client };
  enum class Action {
    pass,
    cut,      ///< close both sides now; the bytes in hand are lost
    reset,    ///< the same, and the peers get a TCP reset
    hold,     ///< forward nothing more in either direction, and keep both sides open
    swallow,  ///< forward the rest of what goes to the server, lose all that comes back, and close
              ///< when the server has answered: the client never learns
  };

  /// Looks at the bytes that are about to be forwarded; `connection` counts from 0.
  using Judge =
      std::function<Action(std::size_t connection, Direction direction, const std::string& bytes)>;

  Proxy(const std::string& server_url, Judge judge);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Lets go of what was held: both sides are closed.
  void release() { released_ = true; }

  /// The server's URL, by way of the proxy.
  std::string url(const std::string& database_url) const;

 private:
  void accept_connections();
  void serve(std::size_t connection, int client);

  std::string host_;
  std::string port_;
  Judge judge_;
  int listener_ = -1;
  int own_port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> released_ = false;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace sluice::test

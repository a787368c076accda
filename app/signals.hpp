#pragma once

#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <stop_token>
#include <thread>

#include "async/asio.hpp"

namespace sluice::app {

/// Hears SIGINT and SIGTERM on a thread of its own, for commands that block: the first asks to stop
/// soon, the second, or ten seconds, now.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  std::stop_token soon() const { return soon_.get_token(); }
  std::stop_token now() const { return now_.get_token(); }
  /// The signal that came, or 0.
  int number() const { return number_; }

 private:
  void listen();

  asio::io_context io_;
  asio::signal_set signals_;
  asio::steady_timer grace_;
  std::stop_source soon_;
  std::stop_source now_;
  std::atomic<int> number_ = 0;
  std::jthread thread_;
};

}  // namespace sluice::app

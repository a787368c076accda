#pragma once

#include <atomic>
#include <boost/asio/signal_set.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <stop_token>
#include <thread>

#include "async/asio.hpp"
#include "base/limits.hpp"

namespace sluice::app {

/// Hears SIGINT and SIGTERM: the first asks to stop soon, the second, or the end of a grace period,
/// to stop now.
class Signals {
 public:
  struct Reaction {
    std::function<void()> soon;
    std::function<void()> now;
  };

  explicit Signals(asio::io_context& io) : signals_(io, SIGINT, SIGTERM), grace_(io) {}

  /// The reaction is called on the context's thread. Without a grace period only the second signal
  /// means now.
  void listen(Reaction reaction,
              std::optional<std::chrono::milliseconds> grace = limits::stop_grace);
  /// Nothing of it keeps the context running any more.
  void end();

  /// The signal that came, or 0.
  int number() const { return number_; }

 private:
  void wait();
  void hear(int number);

  asio::signal_set signals_;
  asio::steady_timer grace_;
  Reaction reaction_;
  std::optional<std::chrono::milliseconds> grace_period_;
  std::atomic<int> number_ = 0;
  bool ended_ = false;
};

/// The same on a thread of its own, for commands that block.
class SignalThread {
 public:
  /// `soon` is called, on that thread, when the first signal has come; the second one, or the end
  /// of `grace`, means now.
  SignalThread(std::function<void()> soon, std::chrono::milliseconds grace);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  std::stop_token soon() const { return soon_.get_token(); }
  std::stop_token now() const { return now_.get_token(); }
  int number() const { return signals_.number(); }

 private:
  asio::io_context io_;
  Signals signals_;
  std::stop_source soon_;
  std::stop_source now_;
  std::jthread thread_;
};

/// While it lives, a signal ends the command at once, as one that nobody hears would; what was
/// begun outside of it is ended first. For what blocks, where nothing was stored yet.
class EndOnSignal {
 public:
  /// Without `is_needed` nothing has to be ended first, and a signal does what it does by itself.
  explicit EndOnSignal(std::function<void()> end_first, bool is_needed = true);

 private:
  std::optional<SignalThread> signals_;
};

}  // namespace sluice::app

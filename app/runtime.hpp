#pragma once

#include <functional>
#include <utility>

#include "app/signals.hpp"
#include "async/asio.hpp"
#include "load/resources.hpp"
#include "pg/pool.hpp"

namespace sluice::app {

/// What a command runs on: the I/O thread (the caller's), the CPU pool, the reader's thread, the
/// connections.
class Runtime {
 public:
  explicit Runtime(pg::ConnectOptions connect);
  ~Runtime();

  load::Resources resources() { return {cpu_, reader_, pool_}; }
  pg::Pool& pool() { return pool_; }
  asio::io_context& io() { return io_; }

  /// SIGINT and SIGTERM: the first calls `stop`, the second `cancel`, which also follows `stop`
  /// after a grace period.
  void on_signal(std::function<void()> stop, std::function<void()> cancel);

  /// What else blocks while something is read, and is ended whenever a command is stopped or
  /// cancelled, behind that.
  void also_end(std::function<void()> end) { also_end_ = std::move(end); }

  /// For a command that only asks: the first signal ends it.
  void end_on_signal();

  /// The signal that came, or 0.
  int signal() const { return signals_.number(); }

  /// Runs a command's coroutine to its end; its exceptions are thrown here.
  void run(asio::awaitable<void> command);

 private:
  void cancel_command();

  asio::io_context io_;
  asio::thread_pool cpu_;
  asio::thread_pool reader_;
  pg::Pool pool_;
  Signals signals_;
  asio::cancellation_signal command_;
  std::function<void()> stop_;
  std::function<void()> cancel_;
  std::function<void()> also_end_;
};

}  // namespace sluice::app

#pragma once

#include <boost/asio/signal_set.hpp>
#include <functional>

#include "async/asio.hpp"

namespace sluice::app {

/// Hears SIGHUP, by which what runs on is told to read its files again.
class Hangup {
 public:
  /// From here on a SIGHUP does not end the process.
  explicit Hangup(asio::io_context& io) : signal_(io, SIGHUP) {}

  /// `read_again` is called on the context's thread, each time.
  void listen(std::function<void()> read_again);
  /// Nothing of it keeps the context running any more.
  void end();

 private:
  void wait();

  asio::signal_set signal_;
  std::function<void()> read_again_;
  bool ended_ = false;
};

}  // namespace sluice::app

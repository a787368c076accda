#include "app/signals.hpp"

#include <csignal>

#include "base/limits.hpp"

namespace sluice::app {

Signals::Signals() : io_(1), signals_(io_, SIGINT, SIGTERM), grace_(io_) {
  listen();
  thread_ = std::jthread([this] { io_.run(); });
}

Signals::~Signals() { io_.stop(); }

void Signals::listen() {
  const auto on_signal = [this](boost::system::error_code error, int number) {
    if (error) return;
    if (number_ != 0) now_.request_stop();
    number_ = number;
    soon_.request_stop();
    grace_.expires_after(limits::stop_grace);
    const auto on_grace = [this](boost::system::error_code expired) {
      if (!expired) now_.request_stop();
    };
    grace_.async_wait(on_grace);
    listen();
  };
  signals_.async_wait(on_signal);
}

}  // namespace sluice::app

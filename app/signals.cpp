#include "app/signals.hpp"

#include <utility>

namespace sluice::app {

void Signals::listen(Reaction reaction, std::optional<std::chrono::milliseconds> grace) {
  reaction_ = std::move(reaction);
  grace_period_ = grace;
  ended_ = false;
  wait();
}

void Signals::end() {
  ended_ = true;  // a signal that has come already, and is about to be heard, is not cancelled
  signals_.cancel();
  grace_.cancel();
}

void Signals::wait() {
  const auto on_signal = [this](boost::system::error_code error, int number) {
    if (error) return;
    if (ended_) {
      number_ = number;  // whoever begins something else asks for it
      return;
    }
    hear(number);
    wait();
  };
  signals_.async_wait(on_signal);
}

void Signals::hear(int number) {
  const bool first = number_ == 0;
  number_ = number;
  if (!first) {
    reaction_.now();
    return;
  }
  reaction_.soon();
  if (!grace_period_) return;
  grace_.expires_after(*grace_period_);
  const auto on_grace = [this](boost::system::error_code error) {
    if (!error) reaction_.now();
  };
  grace_.async_wait(on_grace);
}

SignalThread::SignalThread(std::function<void()> soon, std::chrono::milliseconds grace)
    : io_(1), signals_(io_) {
  const auto on_soon = [this, soon = std::move(soon)] {
    soon_.request_stop();
    soon();
  };
  signals_.listen({.soon = on_soon, .now = [this] { now_.request_stop(); }}, grace);
  thread_ = std::jthread([this] { io_.run(); });
}

SignalThread::~SignalThread() { io_.stop(); }

EndOnSignal::EndOnSignal(std::function<void()> end_first, bool is_needed) {
  if (!is_needed) return;
  const auto end = [this, end_first = std::move(end_first)] {
    end_first();
    std::signal(signals_->number(), SIG_DFL);
    std::raise(signals_->number());
  };
  signals_.emplace(end, limits::stop_grace);
}

}  // namespace sluice::app

#include "app/runtime.hpp"

#include <algorithm>
#include <csignal>
#include <exception>
#include <thread>

#include "base/limits.hpp"

namespace sluice::app {

Runtime::Runtime(pg::ConnectOptions connect)
    : io_(1),
      cpu_(std::max(1U, std::thread::hardware_concurrency())),
      reader_(1),
      pool_(io_.get_executor(), std::move(connect), 1),
      signals_(io_, SIGINT, SIGTERM),
      grace_(io_) {}

Runtime::~Runtime() {
  cpu_.join();
  reader_.join();
}

void Runtime::on_signal(std::function<void()> stop, std::function<void()> cancel) {
  stop_ = std::move(stop);
  cancel_ = std::move(cancel);
}

void Runtime::wait_for_signal() {
  const auto on_signal = [this](boost::system::error_code error, int number) {
    if (error) return;
    const bool first = signal_ == 0;
    signal_ = number;
    if (first) {
      if (stop_) stop_();
      grace_.expires_after(limits::stop_grace);
      const auto on_grace = [this](boost::system::error_code expired) {
        if (!expired) cancel_command();
      };
      grace_.async_wait(on_grace);
    } else {
      cancel_command();
    }
    wait_for_signal();
  };
  signals_.async_wait(on_signal);
}

void Runtime::cancel_command() {
  if (cancel_) cancel_();
  command_.emit(asio::cancellation_type::terminal);
}

void Runtime::run(asio::awaitable<void> command) {
  std::exception_ptr failed;
  const auto on_end = [this, &failed](const std::exception_ptr& error) {
    failed = error;
    signals_.cancel();
    grace_.cancel();
  };
  wait_for_signal();
  asio::co_spawn(io_, std::move(command), asio::bind_cancellation_slot(command_.slot(), on_end));
  io_.run();
  io_.restart();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace sluice::app

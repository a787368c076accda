#include "app/hangup.hpp"

#include <utility>

namespace sluice::app {

void Hangup::listen(std::function<void()> read_again) {
  read_again_ = std::move(read_again);
  wait();
}

void Hangup::wait() {
  const auto on_hangup = [this](boost::system::error_code error, int) {
    if (error || ended_) return;
    read_again_();
    wait();
  };
  signal_.async_wait(on_hangup);
}

void Hangup::end() {
  ended_ = true;
  signal_.cancel();
}

}  // namespace sluice::app

#include "async/time.hpp"

namespace sluice::async {
namespace {

class RealTime : public Time {
 public:
  Clock::time_point now() const override { return Clock::now(); }
  asio::awaitable<void> sleep_until(Clock::time_point when) override {
    asio::steady_timer timer(co_await asio::this_coro::executor, when);
    co_await timer.async_wait(asio::use_awaitable);
  }
};

/// Keeps a sleeper in the list as long as it sleeps, however it wakes.
struct Sleeper {
  Sleeper(std::multiset<Clock::time_point>& list, Clock::time_point when)
      : sleepers(list), at(list.insert(when)) {}
  ~Sleeper() { sleepers.erase(at); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  std::multiset<Clock::time_point>& sleepers;
  std::multiset<Clock::time_point>::iterator at;
};

}  // namespace

Time& Time::real() {
  static RealTime time;
  return time;
}

asio::awaitable<void> ManualTime::sleep_until(Clock::time_point when) {
  const Sleeper sleeper(sleepers_, when);
  while (now_ < when) co_await moved_.wait();
}

void ManualTime::advance(Clock::duration duration) {
  now_ += duration;
  moved_.notify();
}

Clock::time_point ManualTime::next_wake_up() const {
  return sleepers_.empty() ? Clock::time_point::max() : *sleepers_.begin();
}

}  // namespace sluice::async

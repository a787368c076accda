#include "app/signals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "app/runtime.hpp"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

/// A signal comes while the command ends: at each step between its arrival and its being heard.
TEST(Signals, ThatComeAtTheEndKeepNothingRunning) {
  for (int steps = 0; steps < 5; ++steps) {
    asio::io_context io(1);
    Signals signals(io);
    signals.listen({.soon = [] {}, .now = [] {}});
    ASSERT_EQ(0, ::raise(SIGTERM));
    for (int i = 0; i < steps; ++i) io.poll_one();
    signals.end();
    io.run_for(1min);
    EXPECT_TRUE(io.stopped()) << steps;
  }
}

asio::awaitable<void> raise_and_wait(const std::vector<std::string>& told) {
  ::raise(SIGTERM);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  while (std::ranges::find(told, "ended") == told.end()) {
    timer.expires_after(1ms);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

/// What blocks a read is ended with it, and not when the grace period is over.
TEST(Signals, TheFirstEndsWhatBlocksToo) {
  std::vector<std::string> told;
  Runtime runtime(pg::ConnectOptions{});
  runtime.also_end([&] { told.emplace_back("ended"); });
  runtime.on_signal([&] { told.emplace_back("stopped"); }, [&] { told.emplace_back("cancelled"); });
  runtime.run(raise_and_wait(told));
  EXPECT_EQ((std::vector<std::string>{"stopped", "ended"}), told);
}

}  // namespace
}  // namespace sluice::app

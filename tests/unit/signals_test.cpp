#include "app/signals.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sluice::app

#include "support/killing.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

}  // namespace

bool Killer::kills(const std::vector<std::string>& command) {
  std::uniform_int_distribution<long long> moments(0, longest_.count());
  const std::chrono::microseconds moment(moments(random_));
  const auto began = Clock::now();
  Process process(command);
  while (Clock::now() - began < moment && process.running())
    std::this_thread::sleep_for(std::min<Clock::duration>(1ms, began + moment - Clock::now()));
  process.signal(SIGKILL);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
  if (process.wait().exit_code == 128 + SIGKILL) {
    ++killed_;
    return true;
  }
  longest_ = std::max(std::chrono::microseconds(1ms), std::min(longest_, took));
  return false;
}

std::chrono::microseconds time_of(const std::vector<std::string>& command, int exit_code) {
  const auto began = Clock::now();
  const Finished finished = pgsluice(command);
  EXPECT_EQ(exit_code, finished.exit_code) << finished.err;
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
}

}  // namespace sluice::test

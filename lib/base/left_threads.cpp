#include "base/left_threads.hpp"

#include <atomic>
#include <thread>
#include <utility>

namespace sluice {
namespace {

std::atomic<int> left = 0;

}  // namespace

void run_left_alone(std::function<void()> work) {
  ++left;
  std::thread([work = std::move(work)]() mutable {
    work();
    work = nullptr;  // what it holds may be the last of its kind
    --left;
  }).detach();
}

bool are_threads_left() { return left > 0; }

}  // namespace sluice

// What blocks or computes goes to a thread; the loop goes on meanwhile.

#include "pgsluice/async.hpp"

#include <atomic>
#include <thread>

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<void> tick(std::atomic<int>& ticks) {
  for (;;) {
    co_await sleep_for(1ms);
    ++ticks;
  }
}

asio::awaitable<void> compute(asio::thread_pool& threads, TaskGroup& clock,
                              std::atomic<int>& ticks) {
  // However slow the machine is, it is slower than the clock.
  const auto slow = [&ticks] {
    for (int i = 0; i < 1000 && ticks <= 5; ++i) std::this_thread::sleep_for(10ms);
    return 6 * 7;
  };
  const int result = co_await offload(threads, slow);
  std::printf("%d, and the loop %s\n", result, ticks > 5 ? "ticked meanwhile" : "stood still");
  clock.cancel();
}

asio::awaitable<void> program() {
  asio::thread_pool threads(1);
  TaskGroup tasks(co_await asio::this_coro::executor);
  std::atomic<int> ticks = 0;
  tasks.spawn(tick(ticks));
  tasks.spawn(compute(threads, tasks, ticks));
  try {
    co_await tasks.join();
  } catch (const boost::system::system_error&) {
    // The clock's cancellation, which was asked for.
  }
}

int main() { return example::run(program()); }

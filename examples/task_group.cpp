// Tasks that belong together: the first failure ends all of them, and none outlives the group.

#include "pgsluice/async.hpp"

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<void> tick(int& ticks) {
  for (;;) {
    co_await sleep_for(1ms);
    ++ticks;
  }
}

asio::awaitable<void> work() {
  co_await sleep_for(20ms);
  throw std::runtime_error("the disk is full");
}

asio::awaitable<void> program() {
  TaskGroup tasks(co_await asio::this_coro::executor);
  int ticks = 0;
  tasks.spawn(tick(ticks));
  tasks.spawn(work());
  try {
    co_await tasks.join();
  } catch (const std::runtime_error& error) {
    std::printf("%s; the clock %s\n", error.what(),
                ticks > 0 ? "ticked until then" : "never ticked");
  }
}

int main() { return example::run(program()); }

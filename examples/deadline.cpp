// By then, or not at all.

#include "pgsluice/async.hpp"

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<int> answer(Clock::duration after) {
  co_await sleep_for(after);
  co_return 42;
}

asio::awaitable<void> program() {
  std::printf("%d\n", co_await with_deadline(answer(1ms), Clock::now() + 10s));
  try {
    co_await with_deadline(answer(10s), Clock::now() + 10ms);
  } catch (const TimedOut& error) {
    std::printf("%s\n", error.what());
  }
}

int main() { return example::run(program()); }

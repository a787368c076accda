// Producers, workers, and a queue between them that keeps the producers from running ahead.

#include "pgsluice/async.hpp"

#include <vector>

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<void> program() {
  int sum = 0;
  const auto add = [&sum](int item) -> asio::awaitable<void> {
    co_await sleep_for(1ms);
    sum += item;
  };
  WorkQueue<int> queue(co_await asio::this_coro::executor, 3, 10, add);
  for (int item = 1; item <= 100; ++item) co_await queue.put(item);
  co_await queue.join();
  std::printf("sum %d\n", sum);
}

int main() { return example::run(program()); }

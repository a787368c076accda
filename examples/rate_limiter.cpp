// So many a second, whoever asks.

#include "pgsluice/async.hpp"

#include "example.hpp"

using namespace sluice::async;
namespace asio = boost::asio;

asio::awaitable<void> send(RateLimiter& limiter, int messages) {
  for (int i = 0; i < messages; ++i) co_await limiter.acquire(1);
}

asio::awaitable<void> program() {
  RateLimiter limiter(500, 1);
  TaskGroup senders(co_await asio::this_coro::executor);
  const auto began = Clock::now();
  for (int i = 0; i < 5; ++i) senders.spawn(send(limiter, 10));
  co_await senders.join();
  const std::chrono::duration<double> took = Clock::now() - began;
  std::printf("50 messages at 500 a second took %s\n",
              took.count() > 0.09 ? "their time" : "no time");
}

int main() { return example::run(program()); }

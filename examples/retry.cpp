// Again, and each time a little later.

#include "pgsluice/async.hpp"

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<void> connect(int& attempts) {
  co_await sleep_for(1ms);
  if (++attempts < 3) throw std::runtime_error("refused");
}

asio::awaitable<void> program() {
  int attempts = 0;
  const auto attempt = [&attempts] { return connect(attempts); };
  const Backoff backoff{5ms, 100ms};
  const auto decide =
      [&backoff](const std::exception_ptr&, std::size_t tries,
                 std::chrono::milliseconds elapsed) -> std::optional<std::chrono::milliseconds> {
    if (elapsed > 10s) return std::nullopt;
    return backoff.delay(tries, random_share());
  };
  co_await retry(attempt, decide);
  std::printf("connected at attempt %d\n", attempts);
}

int main() { return example::run(program()); }

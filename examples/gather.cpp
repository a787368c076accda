// Many things at once, results in order.

#include "pgsluice/async.hpp"

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<int> square(int number) {
  co_await sleep_for((10 - number) * 5ms);  // the later ones are ready first
  co_return number* number;
}

asio::awaitable<int> fail() {
  co_await sleep_for(1ms);
  throw std::runtime_error("no answer");
}

asio::awaitable<void> program() {
  std::vector<asio::awaitable<int>> tasks;
  for (int i = 1; i <= 5; ++i) tasks.push_back(square(i));
  for (const int result : co_await gather(std::move(tasks), {.running_max = 3}))
    std::printf("%d ", result);
  std::printf("\n");

  std::vector<asio::awaitable<int>> some_fail;
  some_fail.push_back(square(7));
  some_fail.push_back(fail());
  for (const auto& result : co_await gather_settled(std::move(some_fail)))
    std::printf("%s ", result ? std::to_string(*result).c_str() : "failed");
  std::printf("\n");
}

int main() { return example::run(program()); }

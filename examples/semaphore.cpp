// No more than two at a time.

#include "pgsluice/async.hpp"

#include "example.hpp"

using namespace sluice::async;
using namespace std::chrono_literals;
namespace asio = boost::asio;

asio::awaitable<void> download(int page, Semaphore& connections, int& running, int& most) {
  const Semaphore::Permit permit = co_await connections.acquire();
  most = std::max(most, ++running);
  co_await sleep_for(5ms);
  --running;
  std::printf("page %d\n", page);
}

asio::awaitable<void> program() {
  const auto executor = co_await asio::this_coro::executor;
  Semaphore connections(executor, 2);
  TaskGroup downloads(executor);
  int running = 0;
  int most = 0;
  for (int page = 1; page <= 5; ++page) downloads.spawn(download(page, connections, running, most));
  co_await downloads.join();
  std::printf("at most %d at a time\n", most);
}

int main() { return example::run(program()); }

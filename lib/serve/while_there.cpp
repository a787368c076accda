#include "serve/while_there.hpp"

#include "async/deadline.hpp"

namespace sluice::serve {
namespace {

using namespace std::chrono_literals;

/// How often it is looked whether who waits is there: nothing tells a server of a closed connection
/// in which there is still something to read.
constexpr auto look_every = 250ms;

asio::awaitable<void> watch(Exchange& exchange) {
  do {
    try {
      co_await async::sleep_for(look_every);
    } catch (const boost::system::system_error&) {
      co_return;  // the task was faster
    }
  } while (!exchange.has_gone());
  throw Cut{"the connection was closed"};
}

asio::awaitable<void> end_watch(asio::awaitable<void> task, async::TaskGroup& race) {
  co_await std::move(task);
  race.cancel();
}

}  // namespace

asio::awaitable<void> detail::run_while_there(asio::awaitable<void> task, Exchange& exchange) {
  async::TaskGroup race(co_await asio::this_coro::executor);
  race.spawn(watch(exchange));
  race.spawn(end_watch(std::move(task), race));
  co_await race.join();
}

}  // namespace sluice::serve

#include "async/deadline.hpp"

namespace sluice::async {

asio::awaitable<void> detail::time_out(Clock::time_point at, Time& time) {
  try {
    co_await time.sleep_until(at);
  } catch (const boost::system::system_error&) {
    co_return;  // the task was faster
  }
  throw TimedOut();
}

asio::awaitable<void> detail::end_race(asio::awaitable<void> task, TaskGroup& race) {
  co_await std::move(task);
  race.cancel();
}

asio::awaitable<void> with_deadline(asio::awaitable<void> task, Clock::time_point at, Time& time) {
  TaskGroup race(co_await asio::this_coro::executor);
  // The clock first: the task may end before spawn() returns, and then ends the race.
  race.spawn(detail::time_out(at, time));
  race.spawn(detail::end_race(std::move(task), race));
  co_await race.join();
}

}  // namespace sluice::async

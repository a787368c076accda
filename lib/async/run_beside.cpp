#include "async/run_beside.hpp"

namespace sluice::async {

asio::awaitable<void> run_beside(asio::awaitable<void> task, TaskGroup& beside) {
  std::exception_ptr failed;
  try {
    co_await std::move(task);
  } catch (...) {
    failed = std::current_exception();
  }
  beside.cancel();
  // Where the task was cancelled, Asio would refuse to begin another wait: those beside would be
  // left alone, and go on when the group, with what cancels them, is gone.
  co_await asio::this_coro::throw_if_cancelled(false);
  try {
    co_await beside.join();
  } catch (const boost::system::system_error&) {
    // The cancellation, which was asked for.
  } catch (...) {
    if (!failed) failed = std::current_exception();
  }
  if (failed) std::rethrow_exception(failed);
}

}  // namespace sluice::async

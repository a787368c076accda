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

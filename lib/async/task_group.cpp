#include "async/task_group.hpp"

#include <cassert>

namespace sluice::async {

namespace {

/// Asio posts the end of a task that has never waited. Where that task was cancelled meanwhile, the
/// post would throw, out of the whole loop (seen with Boost 1.81).
asio::awaitable<void> end_quietly(asio::awaitable<void> task) {
  std::exception_ptr failed;
  try {
    co_await std::move(task);
  } catch (...) {
    failed = std::current_exception();
  }
  co_await asio::this_coro::throw_if_cancelled(false);
  if (failed) std::rethrow_exception(failed);
}

}  // namespace

TaskGroup::~TaskGroup() { assert(running_.empty()); }

void TaskGroup::spawn(asio::awaitable<void> task) {
  const auto self = running_.emplace(running_.end());
  const auto on_end = [this, self](const std::exception_ptr& error) {
    running_.erase(self);
    if (error && !first_error_) {
      first_error_ = error;
      cancel();
    }
    finished_.notify();
  };
  asio::awaitable<void> quiet = end_quietly(std::move(task));
  asio::co_spawn(executor_, std::move(quiet), asio::bind_cancellation_slot(self->slot(), on_end));
}

asio::awaitable<void> TaskGroup::join() {
  co_await asio::this_coro::throw_if_cancelled(false);
  bool passed_on = false;
  while (!running_.empty()) {
    bool interrupted = false;
    try {
      co_await finished_.wait();
    } catch (const boost::system::system_error&) {
      interrupted = true;
    }
    if (!interrupted || passed_on) continue;
    passed_on = true;
    cancel();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
  }
  if (first_error_) std::rethrow_exception(std::exchange(first_error_, nullptr));
  if (passed_on) throw boost::system::system_error(asio::error::operation_aborted);
}

void TaskGroup::cancel() {
  // A task may end, and leave the list, while it is being cancelled.
  for (auto task = running_.begin(); task != running_.end();)
    (task++)->emit(asio::cancellation_type::terminal);
}

}  // namespace sluice::async

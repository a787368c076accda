#include "async/retry.hpp"

namespace sluice::async {
namespace {

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

asio::awaitable<void> retry(std::function<asio::awaitable<void>()> attempt, RetryDecision decide,
                            Time& time) {
  const Clock::time_point began = time.now();
  for (std::size_t tries = 0;; ++tries) {
    std::exception_ptr failure;
    try {
      co_await attempt();
    } catch (...) {
      failure = std::current_exception();
    }
    if (!failure) co_return;
    if (is_cancellation(failure)) std::rethrow_exception(failure);
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(time.now() - began);
    const std::optional<std::chrono::milliseconds> delay = decide(failure, tries, elapsed);
    if (!delay) std::rethrow_exception(failure);
    co_await time.sleep_for(*delay);
  }
}

}  // namespace sluice::async

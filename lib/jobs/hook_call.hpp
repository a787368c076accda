#pragma once

#include <boost/asio/thread_pool.hpp>
#include <optional>
#include <stop_token>
#include <string>

#include "async/asio.hpp"
#include "jobs/hook.hpp"
#include "process/fed.hpp"

namespace sluice::jobs {

/// Calls hooks: each call ends in bounded time, whatever the other side does. One thread, which
/// never waits; posts go by threads of their own.
class HookCaller {
 public:
  explicit HookCaller(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// Hands over what a program says. Empty: it was told; else a sentence that says why it was not,
  /// without secrets. A coroutine that is cancelled kills its program.
  asio::awaitable<std::string> call(const Hook& hook, const std::string& json, process::Line line);
  /// Posts that are under way end soon, and those that come later at once.
  void stop() { stopped_.request_stop(); }

 private:
  asio::awaitable<std::string> run(const Hook& hook, const std::string& json, process::Line line);

  asio::any_io_executor executor_;
  std::stop_source stopped_;
  std::optional<asio::thread_pool> posting_;  ///< made when it is needed
};

}  // namespace sluice::jobs

#pragma once

#include <exception>
#include <utility>

#include "async/asio.hpp"

namespace sluice::test {

/// Runs one coroutine to its end on an io_context of its own, and throws what it throws.
inline void run(asio::io_context& io, asio::awaitable<void> task) {
  std::exception_ptr failed;
  const auto on_end = [&failed](const std::exception_ptr& error) { failed = error; };
  asio::co_spawn(io, std::move(task), on_end);
  io.run();
  if (failed) std::rethrow_exception(failed);
}

}  // namespace sluice::test

#pragma once

#include <cstdio>
#include <exception>

#include "pgsluice/async.hpp"

namespace example {

namespace asio = boost::asio;

/// Runs a program's main coroutine to its end, as asyncio.run() does.
inline int run(asio::io_context& io, asio::awaitable<void> program) {
  std::exception_ptr failed;
  const auto on_end = [&failed](const std::exception_ptr& error) { failed = error; };
  asio::co_spawn(io, std::move(program), on_end);
  io.run();
  try {
    if (failed) std::rethrow_exception(failed);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}

inline int run(asio::awaitable<void> program) {
  asio::io_context io;
  return run(io, std::move(program));
}

}  // namespace example

#include "process/worker.hpp"

#include <unistd.h>

namespace sluice::process {
namespace {

/// Its stdin is the socket. Of what it says between two calls nobody makes a result.
Streams streams_of(int socket, int nothing) {
  return {.input = socket, .result = nothing, .said = STDERR_FILENO};
}

source::FileDescriptor nowhere() {
  return source::FileDescriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC));
}

}  // namespace

Worker::Worker(const asio::any_io_executor& executor) : Worker(executor, SocketPair()) {}

Worker::Worker(const asio::any_io_executor& executor, SocketPair sockets)
    : socket_(executor, sockets.ours.release()),
      process_(executor, {"worker"}, {}, streams_of(sockets.theirs.get(), nowhere().get())) {}

asio::awaitable<std::optional<Done>> Worker::done() {
  co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
  co_return receive_done(socket_.native_handle());
}

}  // namespace sluice::process

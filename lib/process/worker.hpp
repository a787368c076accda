#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>

#include "process/process.hpp"
#include "process/task.hpp"

namespace sluice::process {

/// A process that takes calls (`pgsluice worker`), and our end of the socket to it.
class Worker {
 public:
  /// Throws Failure if it cannot be started.
  explicit Worker(const asio::any_io_executor& executor);

  /// False where it does not take it.
  bool begin(const Call& call, const FedStreams& streams, int folder) {
    return send(socket_.native_handle(), call, streams, folder);
  }
  /// How the call ended; nothing where the worker has gone before it said so.
  asio::awaitable<std::optional<Done>> done();

  /// It is told that nothing more comes, at which it ends.
  void let_go() { socket_.close(); }
  Process& process() { return process_; }

 private:
  Worker(const asio::any_io_executor& executor, SocketPair sockets);

  asio::posix::stream_descriptor socket_;
  Process process_;
};

}  // namespace sluice::process

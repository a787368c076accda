#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/asio.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::process {

/// What a new process has open.
struct Streams {
  int input;
  int result;
  int said;
  int seal = -1;    ///< none
  int folder = -1;  ///< where its parent is
};

/// A folder, to run in; nothing of an empty name. Throws Failure.
source::FileDescriptor opened_folder(const std::string& folder);

/// A process of this program, in a process group of its own: a Ctrl-C at the terminal is ours to
/// hand on. It is told to stop (SIGTERM) if this process dies. One thread.
class Process {
 public:
  /// `environment` is added to this process's. Throws Failure if it cannot be started.
  Process(const asio::any_io_executor& executor, std::vector<std::string> arguments,
          std::vector<std::string> environment, const Streams& streams);
  /// Kills it if it still runs.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) const;
  /// As of Fed.
  void stop(std::chrono::milliseconds again_after, std::chrono::milliseconds kill_after);
  /// Nothing more comes of stop().
  void leave_it() { press_.cancel(); }

  /// Its exit code when it has ended: 128 and the signal's number where a signal ended it.
  asio::awaitable<int> end();

 private:
  pid_t pid_ = -1;
  asio::posix::stream_descriptor ended_;  ///< ready when the process has ended
  asio::steady_timer press_;
  std::shared_ptr<Process*> self_ = std::make_shared<Process*>(this);
};

}  // namespace sluice::process

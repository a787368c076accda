#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "async/asio.hpp"
#include "async/task_group.hpp"
#include "process/fed.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::process {

/// What a program of somebody else is run with.
struct ProgramCall {
  /// The program first: a path, or a name that PATH knows. No shell reads them.
  std::vector<std::string> arguments;
  std::string input;                     ///< all of its stdin
  std::string folder;                    ///< where it runs; empty: where this process does
  std::chrono::milliseconds time_max{};  ///< then it is ended
};

/// How it ended.
struct ProgramEnd {
  int exit_code = 0;     ///< 128 and the signal's number where a signal ended it
  bool is_late = false;  ///< its time was over
  bool is_loud = false;  ///< it said more than limits::program_said_bytes
};

/// A program of somebody else, in a process group of its own. What it leaves running is left alone,
/// unless it had to be ended. One thread.
class Program {
 public:
  /// Throws Failure if it cannot be started.
  Program(asio::any_io_executor executor, const ProgramCall& call);
  /// Kills it, and its group, if it still runs.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Hands over each line that it says, on stdout or stderr, until it has ended: what others to
  /// which it has given these still say is not waited for.
  asio::awaitable<ProgramEnd> run(Line line);

 private:
  asio::awaitable<void> read(Line line);
  asio::awaitable<void> wait_for_end(ProgramEnd& end);
  void stop_after(std::chrono::milliseconds time);
  void press();

  asio::any_io_executor executor_;
  std::chrono::milliseconds time_max_;
  pid_t pid_ = -1;
  asio::posix::stream_descriptor said_;
  asio::posix::stream_descriptor ended_;  ///< ready when the process has ended
  asio::steady_timer timer_;
  async::Event heard_;
  bool has_said_all_ = false;
  bool is_pressed_ = false;
  bool is_loud_ = false;
  std::shared_ptr<Program*> self_ = std::make_shared<Program*>(this);
};

}  // namespace sluice::process

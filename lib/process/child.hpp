#pragma once

#include <sys/types.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/asio.hpp"
#include "source/file_descriptor.hpp"

namespace sluice::process {

/// What a process is started with.
struct Call {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  ///< NAME=value, added to this process's
  std::string folder;                    ///< where it runs; empty: where this process does
  /// Its stdin is what feed() hands over, and its stdout a result of its own. Otherwise it reads
  /// nothing, and both are what it says.
  bool is_fed = false;
};

/// A process of this program, in a process group of its own: a Ctrl-C at the terminal is ours to
/// hand on. It is told to stop (SIGTERM) if this process dies. One thread.
class Child {
 public:
  using Line = std::function<void(const std::string&)>;

  /// Throws Failure if it cannot be started.
  Child(const asio::any_io_executor& executor, const Call& call);
  /// Kills it if it still runs.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Hands over each line that it says, and returns its exit code when it has ended: 128 and the
  /// signal's number where a signal ended it.
  asio::awaitable<int> run(Line line);
  /// ... and what it wrote to stdout, of one that is fed.
  asio::awaitable<int> run(Line line, std::string& result);

  /// Waits until it has room for that. False: it reads no more.
  asio::awaitable<bool> feed(asio::const_buffer bytes);
  /// That was all. Where the feeder dies, or ends it, before this, what it reads is not taken for
  /// whole (source/seal.hpp).
  void seal();
  /// That was not all, and no more comes: what it has of it, it may store.
  void cut();

  void signal(int number) const;
  /// SIGTERM now, which lets it finish what is on its way, and another one after a while, which
  /// makes it cancel what the server does for it; SIGKILL after some more, which leaves that
  /// running.
  void stop(std::chrono::milliseconds again_after, std::chrono::milliseconds kill_after);

 private:
  asio::awaitable<int> end();

  pid_t pid_ = -1;
  asio::posix::stream_descriptor ended_;  ///< ready when the process has ended
  asio::steady_timer press_;
  std::shared_ptr<Child*> self_ = std::make_shared<Child*>(this);
  asio::posix::stream_descriptor said_;
  asio::posix::stream_descriptor result_;
  asio::posix::stream_descriptor input_;
  source::FileDescriptor seal_;
};

}  // namespace sluice::process

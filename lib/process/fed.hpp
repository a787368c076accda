#pragma once

#include <boost/asio/buffer.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "async/asio.hpp"

namespace sluice::process {

using Line = std::function<void(const std::string&)>;

/// A command that reads what is fed to it: in a process of its own, or in a worker that runs others
/// before and after it. Whoever lets go of it ends it. One thread.
class Fed {
 public:
  Fed() = default;
  virtual ~Fed() = default;
  Fed(const Fed&) = delete;
  Fed& operator=(const Fed&) = delete;

  /// Hands over each line that it says and what it writes to stdout, and returns its exit code when
  /// it has ended: 128 and the signal's number where a signal ended it.
  virtual asio::awaitable<int> run(Line line, std::string& result) = 0;

  /// Waits until it has room for that. False: it reads no more.
  virtual asio::awaitable<bool> feed(asio::const_buffer bytes) = 0;
  /// That was all. Where the feeder dies, or ends it, before this, what it reads is not taken for
  /// whole (source/stdin.hpp).
  virtual void seal() = 0;
  /// That was not all, and no more comes: what it has of it, it may store.
  virtual void cut() = 0;

  /// SIGTERM now, which lets it finish what is on its way, and another one after a while, which
  /// makes it cancel what the server does for it; SIGKILL after some more, which leaves that
  /// running.
  virtual void stop(std::chrono::milliseconds again_after,
                    std::chrono::milliseconds kill_after) = 0;
};

}  // namespace sluice::process

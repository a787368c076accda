#pragma once

#include <memory>
#include <optional>
#include <string>

#include "jobs/slots.hpp"
#include "process/child.hpp"

namespace sluice::jobs {

/// A run that is under way: its process, and why it is to stop, if it is. Shared with its timers,
/// which may have expired when it ends.
class Run : public std::enable_shared_from_this<Run> {
 public:
  Run(const asio::any_io_executor& executor, SlotId id_, milliseconds kill_after)
      : id(std::move(id_)), kill_after_(kill_after), timeout_(executor) {}

  /// SIGTERM now, another one if that does not end it soon, then SIGKILL. The first reason counts.
  void stop(RunState state, const std::string& why);
  /// Stops it with `timed_out` when the time of this attempt is over; zero: never.
  void limit(milliseconds timeout);
  /// Runs one process to its end, in a folder, or where this one runs (empty).
  asio::awaitable<int> process(std::vector<std::string> arguments,
                               std::vector<std::string> environment, std::string folder,
                               std::function<void(const std::string&)> line);

  /// Keeps a line of what is said about it, or by it.
  void hear(const std::string& line);

  /// After a timeout: there is another attempt.
  void go_on() { stopped_.reset(); }

  /// A process of it runs.
  bool has_process() const { return child_ != nullptr; }
  bool is_stopping() const { return stopped_.has_value(); }
  RunState stopped_as() const { return *stopped_; }
  const std::string& why() const { return why_; }
  /// The end of what it said.
  const std::string& said() const { return said_; }

  const SlotId id;

 private:
  milliseconds kill_after_;
  asio::steady_timer timeout_;
  std::optional<RunState> stopped_;
  std::string why_;
  std::string said_;
  std::unique_ptr<process::Child> child_;
};

}  // namespace sluice::jobs

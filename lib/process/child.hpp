#pragma once

#include <optional>
#include <string>

#include "process/call.hpp"
#include "process/ends.hpp"
#include "process/fed.hpp"
#include "process/process.hpp"

namespace sluice::process {

/// A process of this program that runs one command.
class Child final : public Fed {
 public:
  /// Throws Failure if it cannot be started.
  Child(const asio::any_io_executor& executor, const Call& call);

  /// Of one that is not fed: as the other one.
  asio::awaitable<int> run(Line line);
  asio::awaitable<int> run(Line line, std::string& result) override;

  asio::awaitable<bool> feed(asio::const_buffer bytes) override { return ends_->feed(bytes); }
  void seal() override { ends_->seal(); }
  void cut() override { ends_->cut(); }

  void signal(int number) const { process_->signal(number); }
  void stop(std::chrono::milliseconds again_after, std::chrono::milliseconds kill_after) override {
    process_->stop(again_after, kill_after);
  }

 private:
  std::optional<Ends> ends_;             ///< of one that is fed
  asio::posix::stream_descriptor said_;  ///< of another
  std::optional<Process> process_;
};

}  // namespace sluice::process

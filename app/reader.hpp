#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "app/runtime.hpp"
#include "plan/options.hpp"
#include "source/source.hpp"

namespace sluice::app {

/// As a load opens it, where nothing is known of the database. Throws Failure.
std::shared_ptr<source::Source> open_source(const plan::LoadOptions& options);

/// Reads files in front of their loads, where a signal ends it.
class Reader {
 public:
  /// Runs this, which reads what it opens here, on the reader's thread. Throws what it throws, and
  /// Failure(interrupted) behind a signal.
  void run(Runtime& runtime, const std::function<void()>& read);

  /// What comes once is opened for the load too: the options have it then.
  std::shared_ptr<source::Source> open(plan::LoadOptions& options);

  bool is_stopped() const { return is_stopped_; }

 private:
  void stop();

  std::mutex mutex_;
  std::shared_ptr<source::Source> source_;  ///< that is read now
  std::atomic<bool> is_stopped_ = false;
};

}  // namespace sluice::app

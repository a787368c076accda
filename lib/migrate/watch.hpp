#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "migrate/stop.hpp"

namespace sluice::migrate {

/// What a session waits for.
enum class Waits {
  for_an_answer,    ///< to a question of ours, which the server has at hand
  for_a_statement,  ///< of the user's, which may take days
};

/// Looks after the waits of one blocking session, on a thread of its own, as who blocks can hear no
/// signal, and a server that fell silent answers no cancel. A question that has no answer in time,
/// or soon after a stop was asked for, ends with its connection; a statement is cancelled when it
/// is to stop now, and ends with its connection where that does not help.
class Watch {
 public:
  struct Means {
    std::function<void()> cancel;  ///< asks the server to; must not block
    /// The same if the statement waits for a lock: it has nothing to finish. Must not block either.
    std::function<void()> cancel_if_blocked;
    std::function<void()> cut;  ///< ends the connection, so that the wait fails
  };

  /// `answer_max` zero: as long as it likes.
  Watch(Means means, std::chrono::milliseconds answer_max);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  void begin(Waits what, Stop stop);
  /// True if the wait was ended because there was no answer in time, and nobody asked for a stop.
  bool end();

 private:
  using Clock = std::chrono::steady_clock;

  void look_on();
  void look();

  Means means_;
  std::chrono::milliseconds answer_max_;
  std::mutex mutex_;
  std::condition_variable ended_changed_;
  bool ended_ = false;
  bool waits_ = false;
  Waits what_ = Waits::for_an_answer;
  Stop stop_;
  Clock::time_point began_;
  Clock::time_point stopped_;    ///< when the stop was seen; the epoch: not
  Clock::time_point cancelled_;  ///< when the server was told; the epoch: not
  bool cut_ = false;
  bool was_too_late_ = false;
  std::thread thread_;
};

}  // namespace sluice::migrate

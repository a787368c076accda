#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace sluice::load {

/// Finds out how many connections a load does best with, by trying: the bytes that it stores in a
/// second are watched while there are more and fewer. More must gain something, fewer may lose
/// hardly anything; what was found holds until the rate changes by itself, and is tried anew now
/// and then, more and more seldom. Pure.
class JobsTuner {
 public:
  using Clock = std::chrono::steady_clock;

  /// Begins with `first` of them. REQUIRES: 1 <= first <= most.
  JobsTuner(std::size_t first, std::size_t most);

  /// Says what was stored up to now: REQUIRES: neither is less than it was before. Returns how many
  /// connections are to be at work from here on.
  std::size_t look(Clock::time_point now, std::uint64_t bytes, std::uint64_t chunks);

  std::size_t jobs() const { return jobs_; }

 private:
  enum class Trial { base, more, fewer, none };
  struct Mark {
    Clock::time_point at;
    std::uint64_t bytes = 0;
    std::uint64_t chunks = 0;
  };

  void judge(Clock::time_point now, double rate);
  void judge_rest(Clock::time_point now, double rate);
  void begin(double rate);
  void try_more(Clock::time_point now);
  void try_fewer(Clock::time_point now);
  void rest(Clock::time_point now);
  void change_to(std::size_t jobs);

  std::size_t most_;
  std::size_t jobs_;
  std::size_t best_jobs_;
  double best_rate_ = 0;  ///< bytes a second with those
  Trial trial_ = Trial::base;
  std::size_t failures_ = 0;       ///< of the tries of more
  std::size_t failed_up_ = 0;      ///< so many gained nothing, the last time
  bool has_gained_ = false;        ///< by more
  bool is_settling_ = false;       ///< what was begun before a change is still being stored
  std::optional<Mark> measuring_;  ///< from here on
  Clock::duration rest_;
  Clock::time_point rest_ends_;
  std::size_t odd_in_a_row_ = 0;  ///< measurements far from what was found
};

}  // namespace sluice::load

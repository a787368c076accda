#pragma once

#include <chrono>
#include <random>
#include <string>
#include <vector>

namespace sluice::test {

/// Kills runs of a command at drawn moments of the time that they take.
class Killer {
 public:
  /// `longest` is how late a run is killed: never later than one has ended by itself.
  Killer(unsigned seed, std::chrono::microseconds longest) : random_(seed), longest_(longest) {}

  /// Runs it; false where it has ended before.
  bool kills(const std::vector<std::string>& command);
  int killed() const { return killed_; }
  /// Whether there are to be more: so many rounds, and until so many were killed. A round that was
  /// too late makes the next ones earlier, so that this ends.
  bool goes_on(int rounds, int killed) {
    ++round_;
    return round_ <= rounds || (killed_ < killed && round_ <= rounds + 200);
  }

 private:
  std::mt19937 random_;
  std::chrono::microseconds longest_;
  int killed_ = 0;
  int round_ = 0;
};

/// How long the whole of it takes, of which a share is taken for Killer.
std::chrono::microseconds time_of(const std::vector<std::string>& command, int exit_code);

}  // namespace sluice::test

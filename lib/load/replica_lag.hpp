#pragma once

#include <chrono>
#include <cstdint>
#include <deque>

namespace sluice::load {

/// How far replicas are behind, in time and in bytes of the server's log: by looks at how far the
/// log is written and how far the last of them has applied it. (pg_stat_replication's replay_lag
/// stands still where a replica does.) Pure.
class ReplicaLag {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Places in the log, in bytes. REQUIRES: `now` is not before the last one.
  void see(Time now, std::uint64_t written, std::uint64_t applied);

  /// How old the oldest is of what was seen written and is not applied.
  std::chrono::steady_clock::duration time() const;
  std::uint64_t bytes() const { return written_ > applied_ ? written_ - applied_ : 0; }

 private:
  struct Mark {
    Time at;
    std::uint64_t written;
  };

  std::deque<Mark> marks_;  ///< of what is not applied yet, oldest first
  Time now_;
  std::uint64_t written_ = 0;
  std::uint64_t applied_ = 0;
};

}  // namespace sluice::load

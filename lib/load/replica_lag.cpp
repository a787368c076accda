#include "load/replica_lag.hpp"

namespace sluice::load {

void ReplicaLag::see(Time now, std::uint64_t written, std::uint64_t applied) {
  now_ = now;
  if (marks_.empty() || marks_.back().written < written) marks_.push_back({now, written});
  written_ = written;
  applied_ = applied;
  while (!marks_.empty() && marks_.front().written <= applied) marks_.pop_front();
}

std::chrono::steady_clock::duration ReplicaLag::time() const {
  return marks_.empty() ? std::chrono::steady_clock::duration::zero() : now_ - marks_.front().at;
}

}  // namespace sluice::load

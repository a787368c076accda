#include "load/jobs_tuner.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::load {
namespace {

using namespace std::chrono_literals;

/// A measurement is of so long and so many chunks at least: a chunk more or less then is no gain.
constexpr auto measured_for = 1s;
constexpr std::uint64_t chunks_measured = 12;
/// What two measurements of the same differ by is less than what counts as a gain, and more than
/// what counts as no loss.
constexpr double gain = 1.05;
constexpr double no_loss = 0.97;
/// The server, or the client's host, has become another one.
constexpr double far_less = 0.75;
constexpr double far_more = 1.33;

/// More is tried in large steps; where one gains nothing, once more in a small one.
constexpr double large_step = 2;
constexpr double small_step = 1.4;
constexpr double step_down = 1.5;
constexpr JobsTuner::Clock::duration rest_first = 20s;
constexpr JobsTuner::Clock::duration rest_most = 5min;

std::size_t scaled(std::size_t jobs, double factor) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(jobs) * factor));
}

}  // namespace

JobsTuner::JobsTuner(std::size_t first, std::size_t most)
    : most_(most), jobs_(first), best_jobs_(first), rest_(rest_first) {}

std::size_t JobsTuner::look(Clock::time_point now, std::uint64_t bytes, std::uint64_t chunks) {
  if (!measuring_) measuring_ = Mark{now, bytes, chunks};
  const std::uint64_t stored = chunks - measuring_->chunks;
  if (is_settling_) {
    if (stored < jobs_) return jobs_;
    is_settling_ = false;
    measuring_ = Mark{now, bytes, chunks};
    return jobs_;
  }
  if (now - measuring_->at < measured_for ||
      stored < std::max<std::uint64_t>(chunks_measured, jobs_))
    return jobs_;
  const double seconds = std::chrono::duration<double>(now - measuring_->at).count();
  const double rate = static_cast<double>(bytes - measuring_->bytes) / seconds;
  measuring_ = Mark{now, bytes, chunks};
  judge(now, rate);
  return jobs_;
}

void JobsTuner::judge(Clock::time_point now, double rate) {
  switch (trial_) {
    case Trial::none: return judge_rest(now, rate);
    case Trial::base: begin(rate); return try_more(now);
    case Trial::more:
      if (rate <= best_rate_ * gain) {
        ++failures_;
        failed_up_ = jobs_;
        return try_more(now);
      }
      best_jobs_ = jobs_;
      best_rate_ = rate;
      has_gained_ = true;
      // Behind a small step lies what has gained nothing.
      return failures_ > 0 ? rest(now) : try_more(now);
    case Trial::fewer:
      if (rate < best_rate_ * no_loss) return rest(now);
      best_jobs_ = jobs_;
      best_rate_ = std::max(best_rate_, rate);
      return try_fewer(now);
  }
}

void JobsTuner::begin(double rate) {
  best_jobs_ = jobs_;
  best_rate_ = rate;
  failures_ = 0;
  has_gained_ = false;
}

void JobsTuner::try_more(Clock::time_point now) {
  std::size_t next = std::min(scaled(best_jobs_, failures_ == 0 ? large_step : small_step), most_);
  if (failures_ > 0) next = std::min(next, failed_up_ - 1);
  if (failures_ < 2 && next > best_jobs_) {
    trial_ = Trial::more;
    return change_to(next);
  }
  return has_gained_ ? rest(now) : try_fewer(now);
}

/// They do the server good, and its other users.
void JobsTuner::try_fewer(Clock::time_point now) {
  if (best_jobs_ == 1) return rest(now);
  trial_ = Trial::fewer;
  change_to(std::min(scaled(best_jobs_, 1 / step_down), best_jobs_ - 1));
}

void JobsTuner::rest(Clock::time_point now) {
  trial_ = Trial::none;
  odd_in_a_row_ = 0;
  rest_ends_ = now + rest_;
  rest_ = std::min(rest_ * 2, rest_most);
  change_to(best_jobs_);
}

void JobsTuner::judge_rest(Clock::time_point now, double rate) {
  const bool is_odd = rate < best_rate_ * far_less || rate > best_rate_ * far_more;
  odd_in_a_row_ = is_odd ? odd_in_a_row_ + 1 : 0;
  if (odd_in_a_row_ >= 2) rest_ = rest_first;
  if (odd_in_a_row_ < 2 && now < rest_ends_) return;
  begin(rate);
  try_more(now);
}

void JobsTuner::change_to(std::size_t jobs) {
  is_settling_ = jobs != jobs_;
  jobs_ = jobs;
}

}  // namespace sluice::load

#include "migrate/watch.hpp"

#include "base/limits.hpp"

namespace sluice::migrate {

Watch::Watch(Means means, std::chrono::milliseconds answer_max)
    : means_(std::move(means)), answer_max_(answer_max), thread_([this] { look_on(); }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ended_changed_.notify_one();
  thread_.join();
}

void Watch::begin(Waits what, Stop stop) {
  const std::lock_guard lock(mutex_);
  waits_ = true;
  what_ = what;
  stop_ = std::move(stop);
  began_ = Clock::now();
  stopped_ = {};
  cancelled_ = {};
}

bool Watch::end() {
  const std::lock_guard lock(mutex_);
  waits_ = false;
  return was_too_late_;
}

/// Polls: waking this thread for each of many short questions would cost more than they do.
void Watch::look_on() {
  std::unique_lock lock(mutex_);
  while (!ended_changed_.wait_for(lock, limits::migration_watch_every, [this] { return ended_; }))
    if (waits_ && !cut_) look();
}

void Watch::look() {
  const auto now = Clock::now();
  const auto passed = [now](Clock::time_point since, std::chrono::milliseconds time) {
    return since != Clock::time_point{} && now - since > time;
  };
  if (stop_.asked() && stopped_ == Clock::time_point{}) {
    stopped_ = now;
    if (what_ == Waits::for_a_statement) means_.cancel_if_blocked();
  }
  if (stop_.now.stop_requested() && cancelled_ == Clock::time_point{}) {
    cancelled_ = now;
    means_.cancel();
  }
  bool cut = passed(cancelled_, stop_.cancel_patience);
  if (what_ == Waits::for_an_answer) {
    cut = cut || passed(stopped_, stop_.cancel_patience);
    was_too_late_ = !cut && answer_max_.count() > 0 && passed(began_, answer_max_);
    cut = cut || was_too_late_;
  }
  if (!cut) return;
  cut_ = true;
  means_.cut();
}

}  // namespace sluice::migrate

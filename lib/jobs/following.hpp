#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "async/event.hpp"
#include "jobs/runs.hpp"
#include "jobs/slots.hpp"

namespace sluice::jobs {

/// What jobs are followed with. All outlive them.
struct FollowsWith {
  asio::any_io_executor executor;
  const SchedulerOptions& options;
  const Config& config;  ///< the one in force
  Slots& slots;
  Runs& runs;
  async::Event& changed;
  std::function<void(asio::awaitable<void>)> spawn;  ///< a run, beside all else
};

/// The jobs of a configuration: which of their slots are due, and who has them. One coroutine a
/// job.
class Following {
 public:
  explicit Following(FollowsWith with) : with_(std::move(with)) {}

  /// With the configuration that is in force now. Returns its number: what follows an earlier one
  /// ends.
  std::size_t begin_anew();
  /// One job, for as long as this configuration holds.
  asio::awaitable<void> always(JobPtr job, std::size_t generation);
  /// Nothing new is begun.
  void end() { stopping_ = true; }

  /// The job of a slot, as it was entered; nullptr: it is none of this configuration.
  JobPtr entered(const SlotId& id) const;
  /// Jobs that are left to who means something else by them.
  std::size_t refusals() const { return refusals_; }

 private:
  asio::awaitable<void> follow_among_others(JobPtr job, std::size_t generation);
  asio::awaitable<std::optional<Entered>> enter_if_fit(const Job& job, std::size_t generation);
  asio::awaitable<bool> follow(JobPtr job, Instant seen, std::size_t generation);
  asio::awaitable<bool> follow_after(JobPtr job, Instant seen, std::size_t generation);
  asio::awaitable<bool> begin_all(JobPtr job, std::vector<Instant> slots, Instant& seen,
                                  std::size_t generation);
  asio::awaitable<bool> begin(JobPtr job, Instant slot, std::size_t generation);
  asio::awaitable<void> sleep_until(std::chrono::sys_time<milliseconds> when);
  bool goes_on(std::size_t generation) const { return !stopping_ && generation == generation_; }
  bool is_active(const std::string& job) const;
  void tell_project(const Job& job, const Entered& entered, bool was_refused) const;
  void log(const std::string& what, const SlotId& id, const std::string& message) const;

  FollowsWith with_;
  /// Of this configuration, by their names: as they were entered, and those that have something to
  /// do yet.
  std::map<std::string, JobPtr> entered_;
  std::set<std::string> followed_;
  static constexpr std::size_t first_generation = 1;
  std::size_t generation_ = 0;  ///< of the configuration: each reload has a new one
  bool stopping_ = false;
  std::size_t refusals_ = 0;
};

/// Within what SIGTERM, a second one and SIGKILL follow each other.
milliseconds kill_after_of(const Config& config);

}  // namespace sluice::jobs

#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/event.hpp"
#include "jobs/config.hpp"
#include "jobs/run.hpp"
#include "jobs/slots.hpp"
#include "jobs/telling.hpp"

namespace sluice::jobs {

using JobPtr = std::shared_ptr<const Job>;  ///< a reload drops jobs whose runs go on

/// Something that happened, for the log.
struct Event {
  std::string what;  ///< started, said, ran, failed, skipped, missed, lost, retry, ...
  std::string project;
  std::string job;
  std::optional<Instant> slot;
  std::string message;
};

/// How the program that a job runs reaches the database: by its environment, as ps shows arguments.
struct Reach {
  std::vector<std::string> environment;
};

struct SchedulerOptions {
  bool once = false;    ///< runs what is due, and ends
  milliseconds wait{};  ///< at the start, for a server that is not there yet
  Reach loads;
  Reach migrations;
  std::function<void(const Event&)> log;
};

/// What runs are made with. All outlive them.
struct RunsWith {
  const SchedulerOptions& options;
  const Config& config;  ///< the one in force
  Slots& slots;
  async::Event& changed;  ///< told, and waited for, where something changes that a run may wait for
  Telling& telling;
};

/// The runs of a scheduler: from the slot that it has got until the database knows how the run
/// ended.
class Runs {
 public:
  explicit Runs(RunsWith with) : with_(with) {}

  /// One that is to be executed: it counts from here on, until that is over.
  void add(std::shared_ptr<Run> run) { all_.push_back(std::move(run)); }
  asio::awaitable<void> execute(JobPtr job, std::shared_ptr<Run> run, RunState state);
  bool has(const std::shared_ptr<Run>& run) const;
  bool has(const std::string& project, const std::string& job) const;

  /// What has not begun does not; what runs goes on.
  void begin_no_more() { is_stopping_ = true; }
  /// Stops all of them. Returns whether a process of one ran.
  bool stop_all(const std::string& why);
  /// Stops those of a job, or these, as a later run takes their place.
  void give_way(const Job& job);
  void give_way(const std::vector<SlotId>& to_others);

  std::size_t failures() const { return failures_; }            ///< did not end well
  std::size_t interruptions() const { return interruptions_; }  ///< were stopped before their end

 private:
  asio::awaitable<RunEnd> run_to_its_end(JobPtr job, Run& run, RunState state, bool& has_place);
  asio::awaitable<void> tell_end(JobPtr job, const Run& run, RunEnd end);
  asio::awaitable<bool> wait_in_queue(Run& run);
  asio::awaitable<bool> wait_for_room(Run& run);
  asio::awaitable<RunEnd> attempt_until_done(const Job& job, Run& run);
  asio::awaitable<int> attempt(const Job& job, Run& run);
  void log(const std::string& what, const SlotId& id, const std::string& message) const;

  RunsWith with_;
  std::list<std::shared_ptr<Run>> all_;
  std::size_t at_work_ = 0;  ///< attempts that are under way
  bool is_stopping_ = false;
  std::size_t failures_ = 0;
  std::size_t interruptions_ = 0;
};

}  // namespace sluice::jobs

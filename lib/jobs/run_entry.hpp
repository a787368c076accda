#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/names.hpp"
#include "jobs/due.hpp"

/// A run as the database knows it.
namespace sluice::jobs {

enum class RunState {
  queued,
  running,
  ran,
  failed,
  skipped,
  missed,
  timed_out,
  interrupted,
  lost,
};
constexpr auto names_of(RunState) {
  return std::array{Named{RunState::queued, "queued"},
                    Named{RunState::running, "running"},
                    Named{RunState::ran, "ran"},
                    Named{RunState::failed, "failed"},
                    Named{RunState::skipped, "skipped"},
                    Named{RunState::missed, "missed"},
                    Named{RunState::timed_out, "timed_out"},
                    Named{RunState::interrupted, "interrupted"},
                    Named{RunState::lost, "lost"}};
}

struct SlotId {
  std::string project;
  std::string job;
  Instant slot;
  auto operator<=>(const SlotId&) const = default;
};

struct RunEntry {
  SlotId id;
  RunState state;
  std::string runner;
  std::size_t attempts = 0;
  std::string claimed_at;
  std::string finished_at;
  std::string seconds;
  std::string exit_code;
  std::string message;
  std::string hooks_message;      ///< which hooks could not be told of it, and why
  std::chrono::seconds silent{};  ///< how long ago its scheduler said last that it lives
};
nlohmann::ordered_json json_of(const RunEntry& run);

/// The line of a run's message that counts: of a failed one the error that it said last, otherwise
/// the last line, which says why it was stopped or did not run.
std::string gist(RunState state, const std::string& message);

}  // namespace sluice::jobs

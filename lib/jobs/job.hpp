#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.hpp"
#include "base/project.hpp"
#include "jobs/hook.hpp"
#include "schedule/recurrence.hpp"

namespace sluice::jobs {

using std::chrono::milliseconds;

/// What becomes of a slot that comes while the run before it has not ended.
enum class Overlap {
  skip,    ///< it is recorded, and that is all
  queue,   ///< it waits, one at most
  cancel,  ///< it waits, and the run before it is stopped
};
constexpr auto names_of(Overlap) {
  return std::array{Named{Overlap::skip, "skip"}, Named{Overlap::queue, "queue"},
                    Named{Overlap::cancel, "cancel"}};
}

/// What becomes of slots for which nobody was there.
enum class Catchup { none, latest, all };
constexpr auto names_of(Catchup) {
  return std::array{Named{Catchup::none, "0"}, Named{Catchup::latest, "1"},
                    Named{Catchup::all, "all"}};
}

/// What a job runs: pgsluice itself, with these arguments.
struct Command {
  std::vector<std::string> arguments;  ///< its subcommands and flags
  std::vector<std::string> files;      ///< that stand behind them
  /// Patterns of files (source::matches) that are added when it runs, in the order of their names.
  /// None matches: there is nothing to do.
  std::vector<std::string> patterns;
  std::vector<std::string> remotes;  ///< URLs, which are added each time
  std::vector<std::string> lists;    ///< "@/srv/list.txt", which say what is loaded when it runs
  std::string folder = {};           ///< where it runs; empty: where the scheduler does
  /// The file that says all this: it is no data, and may hold a password, so no pattern means it.
  std::string configuration;
  /// Files that were written to more recently are left for the next time.
  milliseconds settle{};
  /// It wants the server itself where the connection goes through a pooler.
  bool is_migration = false;

  /// What it loads is found out when it runs.
  bool is_of_names() const { return !patterns.empty() || !remotes.empty() || !lists.empty(); }
};

/// The schedule of a job that comes after another one, in front of that one's name.
inline constexpr std::string_view after_prefix = "@after ";
/// The name in such a schedule; empty: it is none.
std::string predecessor_of(const std::string& schedule);

/// Something that runs on a schedule.
struct Job {
  Project project;
  std::string name;
  std::string place;     ///< "pgsluice.toml:7:1", where its command is written
  std::string schedule;  ///< the expression and its time zone, or "@after JOB", for people
  /// What it does and when, a digest for each key: "cron=1f2e... sql=3a4b...". How often it is
  /// tried, and how long it may take, is nobody else's business, and neither are secrets in its
  /// flags: whoever reads a digest could try what gives it.
  std::string meaning;
  /// The same as a version had it that took secrets along; empty: there are none.
  std::string meaning_with_secrets;
  schedule::Recurrence recurrence;  ///< of the job that it comes after, where it does
  std::string after;                ///< the job whose slots it has, when they have run; empty: none
  Command command;
  Overlap overlap = Overlap::skip;
  Catchup catchup = Catchup::latest;
  milliseconds timeout{};  ///< of one attempt; zero: none
  std::size_t retries = 0;
  milliseconds retry_delay{};  ///< grows with each attempt
  milliseconds jitter{};       ///< a slot begins up to so much later
  Hooks hooks;
};

}  // namespace sluice::jobs

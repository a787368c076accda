#include "jobs/lateness.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace sluice::jobs {
namespace {

/// A project that nobody has named may go on as another one, which has the same job.
const JobEntry* entry_of(const std::string& name, const Config& config,
                         const std::vector<JobEntry>& entries) {
  const JobEntry* only = nullptr;
  std::size_t count = 0;
  for (const JobEntry& entry : entries) {
    if (entry.name != name) continue;
    if (entry.project == config.project.name) return &entry;
    only = &entry;
    ++count;
  }
  return !config.project.is_given && count == 1 ? only : nullptr;
}

Instant last_slot_of(const JobEntry& entry) {
  return entry.last_run ? std::max(entry.seen, entry.last_run->id.slot) : entry.seen;
}

bool is_under_way(const std::optional<RunEntry>& run) {
  return run && (run->state == RunState::running || run->state == RunState::queued);
}

/// A job that comes after another one: that one has run, and it has not.
std::string late_after_job(const Job& job, const JobEntry& entry, const JobEntry* before,
                           milliseconds patience) {
  if (before == nullptr || !before->success_slot) return {};
  const bool is_taken = *before->success_slot <= last_slot_of(entry);
  const Instant ended{std::chrono::seconds(before->success_epoch)};
  if (is_taken || ended + patience >= before->now) return {};
  return job.after + " has run at " + schedule::format_utc(*before->success_slot) +
         ", and nobody has begun this one after it";
}

std::string lateness(const Job& job, const JobEntry* entry, const JobEntry* before,
                     const Config& config, milliseconds late_after) {
  if (entry == nullptr) return "no scheduler has run this configuration yet";
  if (is_under_way(entry->last_run) && entry->last_run->silent > config.lost_after) {
    return "its scheduler (" + entry->last_run->runner + ") is silent for " +
           format_duration(entry->last_run->silent);
  }
  const milliseconds patience = late_after + job.jitter;
  if (!job.after.empty()) return late_after_job(job, *entry, before, patience);
  // What has a clock that was ahead has recorded, says nothing.
  const Instant due = job.recurrence.next(std::min(last_slot_of(*entry), entry->now));
  if (due + patience >= entry->now) return {};
  return "due at " + schedule::format_utc(due) + ", and nobody has begun it";
}

}  // namespace

std::string JobStatus::state() const {
  if (!late.empty()) return "late";
  return entry != nullptr && entry->last_run ? std::string(name_of(entry->last_run->state)) : "new";
}

std::vector<JobStatus> status_of(const Config& config, const std::vector<JobEntry>& entries,
                                 milliseconds late_after) {
  std::vector<JobStatus> all;
  for (const Job& job : config.jobs) {
    const JobEntry* const entry = entry_of(job.name, config, entries);
    const JobEntry* const before =
        job.after.empty() ? nullptr : entry_of(job.after, config, entries);
    JobStatus status{.job = &job, .entry = entry, .next = {}, .late = {}};
    if (entry != nullptr) status.next = job.recurrence.next(entry->now);
    status.late = lateness(job, entry, before, config, late_after);
    all.push_back(status);
  }
  std::ranges::stable_partition(all, [](const JobStatus& one) { return !one.late.empty(); });
  return all;
}

nlohmann::ordered_json json_of(const JobStatus& status) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
  };
  const JobEntry* const entry = status.entry;
  nlohmann::ordered_json json{
      {"project", entry == nullptr ? status.job->project.name : entry->project},
      {"job", status.job->name},
      {"schedule", status.job->schedule},
      {"state", status.state()},
      {"late", or_null(status.late)},
      {"last_run", nullptr},
      {"last_success", nullptr},
      {"next_slot", nullptr}};
  if (entry != nullptr && entry->last_run) json["last_run"] = json_of(*entry->last_run);
  if (entry != nullptr && entry->success_slot)
    json["last_success"] = {{"slot", schedule::format_utc(*entry->success_slot)},
                            {"finished_at", entry->success_at}};
  if (status.next) json["next_slot"] = schedule::format_utc(*status.next);
  return json;
}

}  // namespace sluice::jobs

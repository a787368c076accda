#include "script/plan_back.hpp"

#include <algorithm>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

std::vector<const Entry*> newest_first(const History& history) {
  std::vector<const Entry*> versioned;
  for (const Entry& entry : history.entries)
    if (entry.versioned) versioned.push_back(&entry);
  std::ranges::sort(versioned, std::ranges::greater{},
                    [](const Entry* entry) { return entry->version; });
  return versioned;
}

void require_version(const std::vector<const Entry*>& entries, const Version& to) {
  const bool is_there = to == Version() || std::ranges::any_of(entries, [&](const Entry* entry) {
                          return entry->version == to && entry->state != Entry::State::reverting;
                        });
  if (is_there) return;
  throw Failure(FailureKind::usage, "--to " + to.text() +
                                        ": the history has no such version to go back to; pgsluice "
                                        "migrate status shows what it has, and 0 is none of them");
}

/// With its script. Throws Failure where it cannot be taken back.
Status judged(const Folder& folder, const Entry& entry) {
  const std::string version = entry.version.text();
  if (entry.state == Entry::State::baseline) {
    throw Failure(FailureKind::usage,
                  "version " + version +
                      " is the baseline: what was there before pgsluice came has no way back");
  }
  const auto script = std::ranges::find(folder.versioned, entry.version,
                                        [](const Script& s) { return s.name.version; });
  if (script == folder.versioned.end()) {
    throw Failure(
        FailureKind::changed,
        entry.file + ": was applied, and is not in the folder, so neither is its way back",
        "Use the folder of the release that has it.");
  }
  if (entry.state == Entry::State::failed || entry.state == Entry::State::running) {
    throw Failure(FailureKind::usage,
                  script->path +
                      ": has not ended: pgsluice migrate up goes on with it, or undo what "
                      "it has done by hand and say so: pgsluice migrate repair --forget " +
                      version);
  }
  if (script->back_path.empty()) {
    throw Failure(FailureKind::usage,
                  script->path +
                      ": has no way back: go forth with a new migration that undoes it, "
                      "or write one");
  }
  return {&*script, &entry, Status::State::applied};
}

}  // namespace

std::vector<Status> plan_back(const Folder& folder, const History& history, const BackWish& wish) {
  // A way back that has begun is gone on with here.
  std::vector<Drift> drift = make_plan(folder, history, std::nullopt).drift;
  std::erase_if(drift, [](const Drift& one) { return one.kind == Drift::Kind::half_reverted; });
  if (!drift.empty()) throw Failure(FailureKind::changed, describe(drift));
  const std::vector<const Entry*> entries = newest_first(history);
  if (wish.to) require_version(entries, *wish.to);
  std::vector<Status> plan;
  for (const Entry* entry : entries) {
    if (wish.to ? entry->version <= *wish.to : plan.size() == wish.steps) break;
    plan.push_back(judged(folder, *entry));
  }
  return plan;
}

}  // namespace sluice::script

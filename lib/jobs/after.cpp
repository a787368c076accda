#include "jobs/after.hpp"

#include <algorithm>

namespace sluice::jobs {
namespace {

bool is_under_way(const RunBefore& run) {
  return run.state == RunState::running || run.state == RunState::queued;
}

std::string words_of(RunState state) {
  switch (state) {
    case RunState::timed_out: return "timed out";
    case RunState::missed:
    case RunState::skipped:
    case RunState::interrupted:
    case RunState::lost: return "was " + std::string(name_of(state));
    default: break;
  }
  return std::string(name_of(state));
}

}  // namespace

AfterDue due_after(const std::string& predecessor, Catchup catchup,
                   const std::vector<RunBefore>& before, Instant seen) {
  AfterDue due{.run = {}, .left_out = {}, .seen = seen};
  const auto end = std::ranges::find_if(before, is_under_way);
  for (auto run = before.begin(); run != end; ++run) {
    due.seen = run->slot;
    if (run->state != RunState::ran) {
      due.left_out.push_back(
          {run->slot, RunState::skipped,
           "job \"" + predecessor + "\", which it comes after, " + words_of(run->state)});
    } else if (catchup == Catchup::none && run->is_late) {
      due.left_out.push_back({run->slot, RunState::missed, "nobody was there"});
    } else {
      if (catchup != Catchup::all && !due.run.empty()) {
        due.left_out.push_back({due.run.back(), RunState::missed, "a later slot took its place"});
        due.run.pop_back();
      }
      due.run.push_back(run->slot);
    }
  }
  std::ranges::sort(due.left_out, {}, &SlotLeftOut::slot);
  return due;
}

}  // namespace sluice::jobs

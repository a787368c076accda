#include "jobs/due.hpp"

#include <algorithm>
#include <deque>
#include <string>

#include "base/counted.hpp"
#include "base/limits.hpp"

namespace sluice::jobs {

namespace {

constexpr std::size_t kept_max = limits::missed_slots_max + 1;  // the newest may run

/// The newest slots between these two, of very many: from as late on as will do.
std::deque<Instant> newest_slots(const schedule::Recurrence& recurrence, Instant after,
                                 Instant now) {
  for (std::chrono::seconds back(kept_max);; back *= 2) {
    const Instant from = std::max(after, now - back);
    std::deque<Instant> slots;
    for (Instant slot = recurrence.next(from); slot <= now; slot = recurrence.next(slot)) {
      slots.push_back(slot);
      if (slots.size() > kept_max) slots.pop_front();
    }
    if (slots.size() == kept_max || from == after) return slots;
  }
}

}  // namespace

std::string Due::missed_text(std::uint64_t count) const {
  return (missed_more ? "more than " : "") + counted(count, "slot");
}

Due due_slots(const schedule::Recurrence& recurrence, Catchup catchup, Instant after, Instant now,
              std::chrono::seconds late_after) {
  Due due;
  std::deque<Instant> slots;
  for (Instant slot = recurrence.next(after); slot <= now; slot = recurrence.next(slot)) {
    slots.push_back(slot);
    if (catchup == Catchup::all) {
      if (slots.size() == limits::missed_slots_max) break;
    } else if (slots.size() > kept_max) {
      slots.pop_front();
      if (++due.missed_before < limits::missed_slots_counted_max) continue;
      due.missed_more = true;
      slots = newest_slots(recurrence, after, now);
      break;
    }
  }
  if (slots.empty()) return due;
  const Instant newest = slots.back();
  const bool newest_runs = catchup == Catchup::latest || now - newest <= late_after;
  if (catchup == Catchup::all) {
    due.run.assign(slots.begin(), slots.end());
  } else if (newest_runs) {
    slots.pop_back();
    due.run.push_back(newest);
  }
  if (catchup != Catchup::all) due.missed.assign(slots.begin(), slots.end());
  return due;
}

milliseconds jitter_of(const Job& job, Instant slot) {
  if (job.jitter <= milliseconds::zero()) return {};
  const std::string text = job.name + " " + std::to_string(slot.time_since_epoch().count());
  // FNV-1a: the standard library's hash may differ from host to host.
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return milliseconds(
      static_cast<std::int64_t>((hash >> 11) % static_cast<std::uint64_t>(job.jitter.count())));
}

}  // namespace sluice::jobs

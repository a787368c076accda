#include "jobs/due.hpp"

#include <string>

#include "base/limits.hpp"

namespace sluice::jobs {

Due due_slots(const schedule::Recurrence& recurrence, Catchup catchup, Instant after, Instant now,
              std::chrono::seconds late_after) {
  Due due;
  std::vector<Instant>& all = catchup == Catchup::all ? due.run : due.missed;
  for (Instant slot = recurrence.next(after); slot <= now; slot = recurrence.next(slot)) {
    all.push_back(slot);
    if (catchup == Catchup::all) continue;
    // One more than is kept: the newest may run.
    if (all.size() > limits::missed_slots_max + 1) {
      all.erase(all.begin());
      ++due.missed_before;
    }
  }
  if (catchup == Catchup::all || due.missed.empty()) return due;
  const Instant newest = due.missed.back();
  if (catchup == Catchup::latest || now - newest <= late_after) {
    due.missed.pop_back();
    due.run.push_back(newest);
  }
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

#include "migrate/stop.hpp"

#include <condition_variable>
#include <mutex>

#include "base/failure.hpp"

namespace sluice::migrate {

void Stop::sleep(std::chrono::milliseconds duration) const {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  never.wait_for(lock, soon, duration, [] { return false; });
  if (asked()) throw Failure(FailureKind::interrupted, "interrupted");
}

}  // namespace sluice::migrate

#include "async/semaphore.hpp"

namespace sluice::async {

asio::awaitable<Semaphore::Permit> Semaphore::acquire() {
  const auto place = line_.emplace(line_.end());
  std::exception_ptr cancelled;
  try {
    while (place != line_.begin() || !is_free()) co_await changed_.wait();
  } catch (const boost::system::system_error&) {
    cancelled = std::current_exception();
  }
  line_.erase(place);
  // Whoever is next may go too, or has moved to the front.
  if (!cancelled) ++taken_;
  changed_.notify();
  if (cancelled) std::rethrow_exception(cancelled);
  co_return Permit(*this);
}

void Semaphore::resize(std::size_t permits) {
  permits_ = permits;
  changed_.notify();
}

void Semaphore::give_back() {
  --taken_;
  changed_.notify();
}

}  // namespace sluice::async

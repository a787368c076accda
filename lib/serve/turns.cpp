#include "serve/turns.hpp"

#include <algorithm>
#include <limits>

#include "serve/counted.hpp"
#include "serve/while_there.hpp"

namespace sluice::serve {
namespace {

[[noreturn]] void send_away(const std::string& why) {
  throw Refused{503, why, {{"Retry-After", "5"}}};
}

constexpr std::size_t without_end = std::numeric_limits<std::size_t>::max();

}  // namespace

std::size_t Turns::owned_max() const {
  if (is_ending_) return without_end;
  return is_shared_ && limits_.running_max > 1 ? limits_.running_max - 1 : limits_.running_max;
}

void Turns::share(bool is_shared) {
  is_shared_ = is_shared;
  for (auto& [token, owner] : owners_) owner.turns.resize(owned_max());
}

Turns::Owner& Turns::owner_of(const std::string& token) {
  return owners_.try_emplace(token, executor_, owned_max()).first->second;
}

void Turns::require_room(const std::string& token) {
  if (is_ending_) send_away("this server is stopping");
  const Owner& owner = owner_of(token);
  if (all_.taken() < limits_.running_max && owner.turns.taken() < owned_max()) return;
  if (waiting_ >= limits_.waiting_max)
    send_away("as many uploads wait for their turn as may (--max-queue)");
  const std::size_t half = std::max<std::size_t>(1, limits_.waiting_max / 2);
  if (is_shared_ && owner.waiting >= half)
    send_away("as many uploads of this token wait for their turn as may (half of --max-queue)");
}

asio::awaitable<Turns::Turn> Turns::acquire(Owner& owner) {
  async::Semaphore::Permit own = co_await owner.turns.acquire();
  async::Semaphore::Permit all = co_await all_.acquire();
  co_return Turn{std::move(own), std::move(all)};
}

asio::awaitable<Turns::Turn> Turns::take(Exchange& exchange, const std::string& token) {
  require_room(token);
  Owner& owner = owner_of(token);
  const Counted one_of_all(waiting_);
  const Counted one_of_owner(owner.waiting);
  asio::awaitable<Turn> waiting = acquire(owner);
  Turn turn = co_await while_there(std::move(waiting), exchange);
  if (is_ending_) send_away("this server is stopping");
  co_return turn;
}

/// Those that wait have a turn, in which they see that it is too late.
void Turns::end() {
  is_ending_ = true;
  all_.resize(without_end);
  for (auto& [token, owner] : owners_) owner.turns.resize(without_end);
}

}  // namespace sluice::serve

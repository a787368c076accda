#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "async/semaphore.hpp"
#include "base/limits.hpp"
#include "serve/exchange.hpp"

namespace sluice::serve {

/// How many at once.
struct UploadLimits {
  std::size_t running_max = limits::serve_loads_default;
  std::size_t waiting_max = limits::serve_queue_default;
};

/// Whose upload is loaded next: in the order in which they came. Where several tokens share the
/// server, each leaves the others a turn and half of the places to wait, however slowly it sends.
/// One thread.
class Turns {
 public:
  struct Turn {
    async::Semaphore::Permit own;
    async::Semaphore::Permit all;
  };

  Turns(const asio::any_io_executor& executor, UploadLimits limits)
      : executor_(executor), limits_(limits), all_(executor, limits.running_max) {}

  /// Whether there are several tokens.
  void share(bool is_shared);

  /// Throws Refused where this token's next upload would have no place to wait, and has to.
  void require_room(const std::string& token);
  /// Throws Cut where whoever sends has gone meanwhile, and Refused.
  asio::awaitable<Turn> take(Exchange& exchange, const std::string& token);

  /// Those that wait are sent away, and whoever comes.
  void end();

  std::size_t waiting() const { return waiting_; }

 private:
  struct Owner {
    Owner(const asio::any_io_executor& executor, std::size_t most) : turns(executor, most) {}

    async::Semaphore turns;
    std::size_t waiting = 0;
  };
  Owner& owner_of(const std::string& token);
  asio::awaitable<Turn> acquire(Owner& owner);
  std::size_t owned_max() const;

  asio::any_io_executor executor_;
  UploadLimits limits_;
  async::Semaphore all_;
  std::map<std::string, Owner> owners_;
  std::size_t waiting_ = 0;
  bool is_shared_ = false;
  bool is_ending_ = false;
};

}  // namespace sluice::serve

#pragma once

#include <cstdint>
#include <map>

#include "async/event.hpp"
#include "tuple/batch.hpp"

namespace sluice::load {

/// Keeps chunks that have a key in common in the order of the file, whatever the number of
/// connections: what becomes of a key is then the same as with one.
///
/// A chunk that is about to be stored waits for the earlier ones that are under way and may have
/// one of its keys; all others go past each other. A chunk that is stored when another one is not
/// yet has no key in common with it, also after a crash: so a resumed load keeps the order too.
class KeyOrder {
 public:
  explicit KeyOrder(const asio::any_io_executor& executor) : left_(executor) {}

  /// Waits for the chunk's turn. `keys` must live until leave(). REQUIRES: called in the order of
  /// the file, before anything is waited for.
  asio::awaitable<void> enter(std::int64_t chunk, const tuple::KeySet& keys);

  /// The chunk is stored, or given up.
  void leave(std::int64_t chunk);

  static bool may_share_a_key(const tuple::KeySet& a, const tuple::KeySet& b);

 private:
  std::map<std::int64_t, const tuple::KeySet*> under_way_;
  async::Event left_;
};

}  // namespace sluice::load

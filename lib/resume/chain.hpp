#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "ledger/loads.hpp"
#include "pg/connection.hpp"

namespace sluice::resume {

/// A run of bytes whose digest is known (XXH3, 64 bits).
struct Range {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
  std::uint64_t digest = 0;

  std::uint64_t end() const { return begin + size; }
};

/// What loads have read of their source. A load that goes on behind another one has read what that
/// one has, and so on: such loads are a chain, of which each is asked for once.
class Chains {
 public:
  /// Both outlive it.
  Chains(pg::Connection& on, const ledger::NewLoad& now) : on_(on), now_(now) {}

  /// The chunks of a load, behind those of the loads that it goes on behind. Where it began with a
  /// record that was cut off before, two ranges have the beginning of that.
  asio::awaitable<std::vector<Range>> ranges_of(const ledger::KnownLoad& load);

 private:
  struct Link {
    std::vector<Range> ranges;
    std::optional<LoadId> behind;
    bool counts_mark = false;
  };

  asio::awaitable<const Link*> link_in_front(const Link& later);
  static Link link_of(const ledger::LoadEntry& load, ledger::StoredChunks chunks, bool counts_mark);

  pg::Connection& on_;
  const ledger::NewLoad& now_;
  std::map<std::int64_t, Link> links_;
};

}  // namespace sluice::resume

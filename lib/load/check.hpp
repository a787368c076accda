#pragma once

#include <optional>

#include "load/attempt.hpp"
#include "rejects/salvage.hpp"

namespace sluice::load {

/// Judges chunks by the real table and keeps nothing: all go into one transaction, in file order,
/// which is rolled back. So records that exclude each other are found wherever they stand, as a
/// load over one connection would find them. A lost connection ends the check.
class Checker {
 public:
  /// REQUIRES: the writer has no load, so that no chunk is claimed.
  explicit Checker(const Storing& with) : with_(with) {}

  /// Judges the next chunk, and tells its rejects to LoadOptions::on_reject.
  asio::awaitable<Stored> judge(const chunk::Chunk& chunk, const tuple::Batch& batch);

  /// Rolls back.
  asio::awaitable<void> end();

 private:
  asio::awaitable<rejects::Salvaged> salvage_naming_lines(
      const chunk::Chunk& chunk, const tuple::Batch& batch,
      std::function<bool(std::size_t)> may_go_on);
  void tell_rejects(const chunk::Chunk& chunk, const rejects::Refused& refused) const;

  const Storing& with_;
  std::optional<pg::Lease> connection_;
};

}  // namespace sluice::load

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledger/deferred_indexes.hpp"
#include "load/run.hpp"
#include "load/wide_keys.hpp"

namespace sluice::load {

/// The indexes that this load has dropped for the time of its rows (--defer-indexes), and those
/// that loads before it have left to it.
class MissingIndexes {
 public:
  /// Both outlive it.
  MissingIndexes(Run& run, const plan::Plan& plan) : run_(run), plan_(plan) {}

  /// What keeps records that one of them would refuse from going in before it is there; nullptr
  /// until watch(), and where the rows come into the table when the indexes are there again.
  WideKeys* wide_keys() { return wide_keys_.get(); }
  asio::awaitable<void> watch();

  /// Builds them again, unless another file of the command comes into the same table. Throws
  /// Failure(interrupted) where that is stopped.
  asio::awaitable<void> build();

  /// Throws Failure where one could not be built. Behind the end of a load: rows that are in do not
  /// become less so by an index that is missing.
  void require_built() const;

  /// Notes that there are some.
  asio::awaitable<void> tell();

 private:
  asio::awaitable<std::vector<ledger::DeferredIndex>> find();

  Run& run_;
  const plan::Plan& plan_;
  std::unique_ptr<WideKeys> wide_keys_;
  std::string unbuilt_;  ///< which could not be built again, and why
};

/// "1 index", "3 indexes"
std::string count_of_indexes(std::size_t count);

}  // namespace sluice::load

#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ledger/run_lock.hpp"
#include "ledger/segments.hpp"
#include "load/kept_rejects.hpp"
#include "load/run.hpp"
#include "load/shared.hpp"
#include "load/together.hpp"
#include "plan/options.hpp"
#include "resume/history.hpp"

namespace sluice::load {

class MissingIndexes;
class HeldTransactions;
class Reconciliation;
class ReplicaWatch;
class Road;
class WideKeys;

/// One run of one load: from the first question to the server to the reconciled end.
///
///   lock and make the plan -> enter the load in the ledger -> move the chunks -> reconcile
///
/// Used on the I/O thread only.
class Load {
 public:
  /// `shared` is what other loads of the command know too; nullptr: nothing. With a seat, it is
  /// stored together with others, or run() throws NotTogether. Both outlive it.
  Load(Resources on, plan::LoadOptions options, Shared* shared = nullptr,
       Together::Seat* seat = nullptr);
  ~Load();

  /// Runs to the end. Throws Failure or PgError; `report()` then says what is stored all the same.
  asio::awaitable<void> run();

  /// First Ctrl-C: reads no more and finishes what is in flight.
  void stop();
  /// Second Ctrl-C: asks the server to cancel what is in flight. Whoever runs run() cancels that
  /// coroutine too.
  void cancel();

  const LoadReport& report() const { return run_.report; }
  const Progress& progress() const { return run_.progress; }

 private:
  asio::awaitable<void> run_to_the_end();
  asio::awaitable<plan::Plan> prepare_to_run();
  asio::awaitable<bool> help();
  asio::awaitable<void> run_plan(plan::Plan& plan);
  asio::awaitable<void> run_check(plan::Plan& plan);
  bool may_run_at_once(const plan::Plan& plan) const;
  asio::awaitable<bool> run_at_once(plan::Plan& plan, const ledger::NewLoad& entry);
  asio::awaitable<std::optional<StoredAtOnce>> store_one_chunk(plan::Plan& plan,
                                                               const ledger::NewLoad& entry);
  asio::awaitable<void> run_with_ledger(plan::Plan& plan);
  asio::awaitable<void> run_without_ledger(plan::Plan& plan);
  asio::awaitable<void> move(plan::Plan& plan, ledger::StoredChunks stored, WideKeys* wide_keys);
  asio::awaitable<ledger::StoredChunks> stored_before(int round);
  asio::awaitable<bool> go_round(plan::Plan& plan, Reconciliation& end, MissingIndexes& indexes,
                                 async::Clock::time_point began, int round);
  asio::awaitable<void> take_stock(const plan::Plan& plan, double seconds);
  asio::awaitable<void> let_go();

  Run run_;
  plan::LoadOptions options_;
  Shared* shared_;
  Together::Seat* seat_;
  std::shared_ptr<source::Source> source_;  ///< its own, or options_.opened
  std::optional<ledger::RunLock> lock_;
  KeptRejects rejects_;
  std::optional<ledger::SegmentHolder> holder_;  ///< of segments of a load that another run has
  std::unique_ptr<HeldTransactions> held_;       ///< that the chunks are parts of
  std::unique_ptr<ReplicaWatch> replicas_;
  Road* road_ = nullptr;
  ledger::Read read_;              ///< by the last time over the road
  bool ends_within_line_ = false;  ///< as that one has found
};

}  // namespace sluice::load

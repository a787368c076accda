#pragma once

#include <cstdint>
#include <optional>

#include "ledger/loads.hpp"
#include "ledger/run_lock.hpp"
#include "load/held_transactions.hpp"
#include "load/kept_rejects.hpp"
#include "load/run.hpp"

namespace sluice::load {

/// Throws Failure where it has another stamp than then: what is stored may be neither its old nor
/// its new content.
void require_unchanged_source(const source::Source& source, const std::string& stamp);

/// The end of a load: success is reconciled, not assumed. What the ledger says of the chunks must
/// be what was read.
class Reconciliation {
 public:
  /// All outlive it; `entry` is that of the plan. `held` is nullptr where the chunks are
  /// transactions of their own.
  Reconciliation(Run& run, plan::Plan& plan, ledger::NewLoad& entry, KeptRejects& rejects,
                 std::optional<ledger::RunLock>& lock, HeldTransactions* held)
      : run_(run), plan_(plan), entry_(entry), rejects_(rejects), lock_(lock), held_(held) {}

  /// Finishes the load, and publishes it where it is all or nothing. False where chunks are to be
  /// sent once more (the ledger has lost some, or the publication has refused records): the source
  /// stands at its first record then. `round` counts from 0.
  asio::awaitable<bool> reconcile(const ledger::Read& read, double seconds, int round);

  /// All of the source comes once more: it stands at its first record then.
  asio::awaitable<void> begin_again();

 private:
  asio::awaitable<ledger::Finish> finish(const ledger::Read& read, double seconds);
  void refuse_from_now_on(tuple::KnownRefusals refused);
  asio::awaitable<void> require_crash(std::uint64_t lost);
  asio::awaitable<bool> was_finished_meanwhile(const ledger::Totals& stored,
                                               const ledger::Read& read);
  asio::awaitable<void> reread_touched();

  Run& run_;
  plan::Plan& plan_;
  ledger::NewLoad& entry_;
  KeptRejects& rejects_;
  std::optional<ledger::RunLock>& lock_;
  HeldTransactions* held_;
  bool has_refused_more_ = false;  ///< the publication has, and its chunks are to be sent again
};

}  // namespace sluice::load

#pragma once

#include <optional>
#include <string>

#include "ledger/begin_load.hpp"
#include "ledger/run_lock.hpp"
#include "load/kept_rejects.hpp"
#include "load/run.hpp"
#include "resume/history.hpp"

namespace sluice::load {

/// How a load is entered in the ledger, or found there again.
class Entrance {
 public:
  /// All outlive it; `entry` is that of the plan. A lock that is not held yet is taken where that
  /// needs a connection of its own.
  Entrance(Run& run, plan::Plan& plan, ledger::NewLoad& entry, KeptRejects& rejects,
           std::optional<ledger::RunLock>& lock)
      : run_(run), plan_(plan), entry_(entry), rejects_(rejects), lock_(lock) {}

  /// Asks the ledger about the source, and reads it where its content decides. False if there is
  /// nothing to do; else the report has the load, the plan begins where there is something to do,
  /// and the source stands there. Throws Failure where the load must not begin.
  asio::awaitable<bool> enter();

 private:
  asio::awaitable<void> prepare_ledger();
  asio::awaitable<void> make_ledger();
  asio::awaitable<void> conclude_prepared(pg::Connection& connection);
  asio::awaitable<ledger::KnownLoads> candidates(pg::Connection& connection);
  asio::awaitable<ledger::KnownLoads> known_loads(pg::Connection& connection);
  asio::awaitable<resume::Verdict> judge_source(pg::Connection& connection, Sql& before);
  asio::awaitable<void> read_again(const ledger::LoadEntry& like);
  void fit_way(const ledger::KnownLoad& load);
  asio::awaitable<void> resume(pg::Connection& connection, const ledger::KnownLoad& load,
                               Sql before);
  asio::awaitable<LoadId> begin_load(pg::Connection& connection,
                                     const ledger::BeginOptions& options);
  asio::awaitable<void> go_on_behind(pg::Connection& connection, const ledger::KnownLoad& load);

  Run& run_;
  plan::Plan& plan_;
  ledger::NewLoad& entry_;
  KeptRejects& rejects_;
  std::optional<ledger::RunLock>& lock_;
};

/// The report of a run whose source this finished load has brought.
void tell_nothing_to_do(Run& run, const ledger::LoadEntry& load);

}  // namespace sluice::load

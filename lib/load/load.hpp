#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ledger/run_lock.hpp"
#include "load/history.hpp"
#include "load/kept_rejects.hpp"
#include "load/options.hpp"
#include "load/run.hpp"

namespace sluice::load {

class Road;
class WideKeys;

/// One run of one load: from the first question to the server to the reconciled end.
///
///   lock and make the plan -> enter the load in the ledger -> move the chunks -> reconcile
///
/// Used on the I/O thread only.
class Load {
 public:
  Load(Resources on, LoadOptions options);
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
  asio::awaitable<Plan> prepare_to_run();
  asio::awaitable<void> run_plan(Plan& plan);
  asio::awaitable<void> run_check(Plan& plan);
  asio::awaitable<bool> run_at_once(Plan& plan);
  asio::awaitable<void> run_with_ledger(Plan& plan);
  asio::awaitable<void> run_without_ledger(Plan& plan);
  asio::awaitable<ledger::KnownLoads> known_loads(Plan& plan, pg::Connection& connection);
  asio::awaitable<Verdict> judge_source(Plan& plan, pg::Connection& connection,
                                        std::string& before);
  asio::awaitable<void> read_again(Plan& plan, const ledger::LoadEntry& like);
  asio::awaitable<bool> enter(Plan& plan);
  asio::awaitable<void> resume(Plan& plan, pg::Connection& connection,
                               const ledger::KnownLoad& load);
  asio::awaitable<void> go_on_behind(Plan& plan, pg::Connection& connection,
                                     const ledger::KnownLoad& load);
  asio::awaitable<void> move(Plan& plan, ledger::StoredChunks stored, WideKeys* wide_keys);
  asio::awaitable<void> prepare_to_stage(const Plan& plan);
  asio::awaitable<ledger::Finish> finish(Plan& plan, const ledger::Read& read, double seconds);
  void refuse_from_now_on(Plan& plan, tuple::KnownRefusals refused);
  asio::awaitable<void> require_crash(const Plan& plan, std::uint64_t lost);
  asio::awaitable<bool> reconcile(Plan& plan, double seconds, int round);
  asio::awaitable<ledger::StoredChunks> stored_before(int round);
  asio::awaitable<void> take_stock(const Plan& plan, double seconds);
  void nothing_to_do(const ledger::LoadEntry& load);
  void report(const ledger::Totals& totals);
  static void require_unchanged_source(const Plan& plan);
  asio::awaitable<void> reread_touched(Plan& plan);
  asio::awaitable<void> begin_again(Plan& plan);
  asio::awaitable<void> let_go();

  Run run_;
  LoadOptions options_;
  std::unique_ptr<source::Source> source_;
  std::optional<ledger::RunLock> lock_;
  KeptRejects rejects_;
  Road* road_ = nullptr;
  bool has_refused_more_ = false;  ///< the publication has, and its chunks are to be sent again
  std::uint64_t records_read_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t chunks_read_ = 0;
};

}  // namespace sluice::load

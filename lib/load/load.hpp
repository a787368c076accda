#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ledger/deferred_indexes.hpp"
#include "ledger/run_lock.hpp"
#include "load/history.hpp"
#include "load/options.hpp"
#include "load/plan.hpp"
#include "load/report.hpp"
#include "load/wide_keys.hpp"
#include "rejects/reject_file.hpp"

namespace sluice::load {

class Road;

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

  const LoadReport& report() const { return report_; }
  const Progress& progress() const { return progress_; }

 private:
  struct Findings;

  asio::awaitable<void> run_to_the_end();
  asio::awaitable<Plan> prepare_to_run();
  asio::awaitable<void> or_stop_reading(asio::awaitable<void> task);
  asio::awaitable<void> read_source(Findings& found);
  asio::awaitable<void> describe_target(Findings& found);
  asio::awaitable<void> lock(Findings& found);
  asio::awaitable<std::unique_ptr<pg::Connection>> connection_for_lock();
  void note_missing_lock();
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
  asio::awaitable<void> move(Plan& plan, ledger::StoredChunks stored);
  asio::awaitable<void> prepare_to_stage(const Plan& plan);
  asio::awaitable<ledger::Finish> finish(Plan& plan, const ledger::Read& read, double seconds);
  void refuse_from_now_on(Plan& plan, tuple::KnownRefusals refused);
  asio::awaitable<void> require_crash(const Plan& plan, std::uint64_t lost);
  asio::awaitable<bool> reconcile(Plan& plan, double seconds, int round);
  asio::awaitable<ledger::StoredChunks> stored_before(int round);
  asio::awaitable<void> choose_rejects(Plan& plan, std::string earlier_path);
  void open_rejects(const Plan& plan);
  asio::awaitable<void> settle_rejects(bool with_others);
  static std::function<bool(std::int64_t)> rejects_of(const ledger::StoredChunks& stored,
                                                      bool with_others);
  asio::awaitable<void> take_stock(const Plan& plan, double seconds);
  asio::awaitable<void> restore(const Plan& plan);
  asio::awaitable<void> watch_wide_keys(const Plan& plan);
  void require_indexes() const;
  asio::awaitable<void> tell_missing_indexes(const Plan& plan);
  asio::awaitable<std::vector<ledger::DeferredIndex>> missing_indexes(const Plan& plan);
  bool is_small() const;  ///< one chunk, and known to be
  void nothing_to_do(const ledger::LoadEntry& load);
  void report(const ledger::Totals& totals);
  static void require_unchanged_source(const Plan& plan);
  asio::awaitable<void> reread_touched(Plan& plan);
  asio::awaitable<void> begin_again(Plan& plan);
  asio::awaitable<void> let_go();

  Resources on_;
  LoadOptions options_;
  LoadReport report_;
  Progress progress_;
  std::unique_ptr<source::Source> source_;
  std::optional<ledger::RunLock> lock_;
  rejects::RejectBudget budget_;
  std::unique_ptr<rejects::RejectFile> rejects_;
  std::unique_ptr<WideKeys> wide_keys_;
  std::string unbuilt_;  ///< indexes that could not be built again, and why
  Road* road_ = nullptr;
  bool stop_requested_ = false;
  bool has_refused_more_ = false;  ///< the publication has, and its chunks are to be sent again
  std::size_t first_chunk_bytes_ = 0;
  std::uint64_t records_read_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t chunks_read_ = 0;
};

}  // namespace sluice::load

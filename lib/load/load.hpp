#pragma once

#include <memory>

#include "load/options.hpp"
#include "load/plan.hpp"
#include "load/report.hpp"

namespace sluice::load {

class Road;

/// One run of one load: from the first question to the server to the reconciled end.
///
///   make the plan -> lock -> ask the ledger -> move the chunks -> reconcile
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
  asio::awaitable<Plan> plan_with_connection();
  asio::awaitable<void> run_with_ledger(Plan& plan);
  asio::awaitable<void> run_without_ledger(Plan& plan);
  asio::awaitable<bool> prepare(Plan& plan);
  asio::awaitable<bool> has_same_chunks(Plan& plan, pg::Connection& connection,
                                        const ledger::LoadEntry& load);
  asio::awaitable<void> move(Plan& plan, ledger::StoredChunks stored);
  asio::awaitable<void> reconcile(Plan& plan);
  asio::awaitable<ledger::StoredChunks> stored_before();
  asio::awaitable<void> take_stock(double seconds);
  void nothing_to_do(const ledger::LoadEntry& load);
  void require_unchanged_source(const Plan& plan) const;

  Resources on_;
  LoadOptions options_;
  LoadReport report_;
  Progress progress_;
  std::unique_ptr<source::Source> source_;
  Road* road_ = nullptr;
  bool stop_requested_ = false;
  std::uint64_t records_read_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t chunks_read_ = 0;
};

}  // namespace sluice::load

#include "load/load.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "async/offload.hpp"
#include "async/run_beside.hpp"
#include "async/task_group.hpp"
#include "base/identifier.hpp"
#include "base/quantity.hpp"
#include "ledger/load_row.hpp"
#include "load/at_once.hpp"
#include "load/damage.hpp"
#include "load/enter.hpp"
#include "load/explain.hpp"
#include "load/finishing.hpp"
#include "load/foresee.hpp"
#include "load/held_transactions.hpp"
#include "load/help.hpp"
#include "load/jobs_watch.hpp"
#include "load/judge_sql.hpp"
#include "load/last_record.hpp"
#include "load/lock_keeper.hpp"
#include "load/make_table.hpp"
#include "load/missing_indexes.hpp"
#include "load/named_upload.hpp"
#include "load/plan_of.hpp"
#include "load/preview.hpp"
#include "load/reconcile.hpp"
#include "load/road.hpp"
#include "load/segments.hpp"
#include "load/session_watch.hpp"
#include "load/staging.hpp"
#include "load/survey.hpp"
#include "load/table_state.hpp"
#include "plan/values.hpp"
#include "resume/entry.hpp"
#include "source/fingerprint.hpp"
#include "writer/table_name.hpp"

namespace sluice::load {
namespace {

using async::Clock;

/// Which indexes are dropped, which are not, and why.
void note_indexes(const plan::Plan& plan, Run& run) {
  if (!plan.indexes.deferrable.empty()) {
    run.note(fmt::format("dropped {} of {} until the rows are in",
                         count_of_indexes(plan.indexes.deferrable.size()),
                         plan.target.table.full_name()));
  }
  if (!plan.indexes.kept.empty() && !plan.indexes.owner_elsewhere.empty()) {
    run.note(fmt::format(
        "--defer-indexes drops nothing: indexes belong to the owner of {}, which is {}, a role "
        "that this user is not and cannot become (grant {} to him, or load as it)",
        plan.target.table.full_name(), plan.indexes.owner_elsewhere,
        quote_identifier(plan.indexes.owner_elsewhere)));
  } else if (!plan.indexes.kept.empty()) {
    run.note(fmt::format(
        "kept {} of {}, which may refuse a record or cannot be built again by its owner: {}",
        count_of_indexes(plan.indexes.kept.size()), plan.target.table.full_name(),
        fmt::join(plan.indexes.kept, ", ")));
  }
}

/// For who asks later. The load is done, whether that can be said or not.
asio::awaitable<void> note_bottleneck(Run& run) {
  const Bottleneck& found = *run.report.bottleneck;
  const Sql note = ledger::limit_statement(*run.report.load, name_of(found.limit), found.share);
  try {
    pg::Lease connection = co_await run.on.pool.acquire();
    co_await connection->query(note);
  } catch (const pg::PgError&) {
    co_return;
  }
}

/// The staging table, and what a crash of the server has left in it.
asio::awaitable<void> prepare_to_stage(Run& run, plan::Plan& plan) {
  pg::Lease connection = co_await run.on.pool.acquire();
  const std::string lost = co_await prepare_staging(*connection, plan, *run.report.load);
  if (lost.empty()) co_return;
  if (plan.passed.chunks > 0) throw front_is_gone(plan);
  run.note(lost + ". All of the source is sent again");
}

}  // namespace

Load::Load(Resources on, plan::LoadOptions options, Shared* shared, Together::Seat* seat)
    : run_{on, {}, {}, false},
      options_(std::move(options)),
      shared_(shared),
      seat_(seat),
      rejects_(run_) {}
Load::~Load() = default;

asio::awaitable<void> Load::run() {
  Wanted wanted(options_);
  PackedFile packed(options_);
  std::exception_ptr failed;
  SessionWatch watch(run_, lock_);
  LockKeeper keeper(run_.on, lock_, options_.lease, [this] { stop(); });
  try {
    async::TaskGroup beside(co_await asio::this_coro::executor);
    beside.spawn(watch.run());
    beside.spawn(keeper.run());
    if (options_.lag_max.is_given()) {
      replicas_ = std::make_unique<ReplicaWatch>(run_, options_.lag_max);
      beside.spawn(replicas_->run());
    }
    asio::awaitable<void> run = run_to_the_end();
    co_await async::run_beside(std::move(run), beside);
  } catch (...) {
    failed = std::current_exception();
  }
  run_.report.lag_seconds = run_.progress.lag_seconds;
  run_.report.connections = run_.progress.connections;
  if (!failed) run_.report.bottleneck = watch.found();
  if (run_.report.bottleneck && run_.report.load) co_await note_bottleneck(run_);
  if (failed) failed = co_await keeper.explain(failed, run_.is_stopped);
  if (failed && !run_.is_stopped)
    failed = co_await tell_of_source(run_, source_.get(), std::move(packed), failed);
  if (failed && !run_.is_stopped)
    failed = co_await explain(run_.on.pool, std::move(wanted), failed);
  if (!failed && (options_.more_follows || run_.on.pool.is_kept())) co_await let_go();
  lock_.reset();
  rejects_.leave();
  if (failed) std::rethrow_exception(failed);
}

/// The lock's connection serves the next load.
asio::awaitable<void> Load::let_go() {
  if (!lock_) co_return;
  std::unique_ptr<pg::Connection> connection = std::move(*lock_).release();
  try {
    co_await connection->query("rollback");
    run_.on.pool.put(std::move(connection));
  } catch (const pg::PgError&) {
    // The load is done; the next one opens another.
  }
}

asio::awaitable<void> Load::run_to_the_end() {
  const auto began = Clock::now();
  run_.require_going_on();
  std::optional<plan::Plan> made;
  std::exception_ptr held;
  try {
    made = co_await prepare_to_run();
  } catch (const ledger::LoadIsHeld&) {
    if (!options_.joins() || options_.segment_bytes == 0 || options_.opened) throw;
    held = std::current_exception();
  }
  if (held && co_await help()) co_return;
  if (held) std::rethrow_exception(held);
  plan::Plan plan = std::move(*made);
  run_.report.plan = plan.summary();
  run_.progress.bytes_total = source_->told_length();
  if (const auto packed = source_->packed()) run_.progress.packed_total = packed->total;
  run_.progress.bytes_done = plan.preamble.start.byte_offset;
  run_.progress.bytes_before = run_.progress.bytes_done;

  async::TaskGroup ahead(co_await asio::this_coro::executor);
  // A distant server's connections take longer than asking its ledger.
  const bool is_one = is_one_chunk(*source_, plan.options);
  for (std::size_t i = 1; i < plan.writers() && !is_one && !plan.options.dry_run; ++i)
    ahead.spawn(run_.on.pool.open_ahead());
  std::exception_ptr failed;
  try {
    asio::awaitable<void> run = run_plan(plan);
    co_await async::run_beside(std::move(run), ahead);
  } catch (...) {
    failed = std::current_exception();
  }
  if (run_.on.pool.refusals() > 0) {
    run_.note(fmt::format(
        "the server had no room for {} connections, so there were fewer at times (see --jobs)",
        plan.writers()));
  }
  if (!failed) note_last_record(plan, ends_within_line_, run_.report);
  const bool is_stored = run_.report.status == LoadReport::Status::stored;
  if (!failed && (is_stored || plan.options.others_stored))
    co_await look_after_table(run_, plan, is_stored && shared_ == nullptr);
  run_.report.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  run_.report.retries = run_.progress.retries;
  if (failed) std::rethrow_exception(failed);
}

/// With a load that another run has, where there is something left of it to take. True where that
/// one has ended it: nobody need look whether what is in the table is this source.
asio::awaitable<bool> Load::help() {
  if (source_ == nullptr || source_->comes_once() || is_small(*source_, options_)) co_return false;
  run_.helps = true;
  plan::Plan plan = co_await prepare_to_run();
  holder_ = co_await help_with(run_, plan, rejects_, lock_);
  if (!holder_) co_return false;
  run_.progress.bytes_total = source_->told_length();
  const std::string stamp = source_->stamp();
  std::exception_ptr failed;
  try {
    co_await move(plan, {}, nullptr);
    // Who loads it may have moved it already.
    if (!source::is_only_touched(stamp, source_->stamp()))
      require_unchanged_source(*source_, stamp);
  } catch (const std::runtime_error&) {
    failed = std::current_exception();
  }
  const RowCounts own = run_.report.now;
  std::optional<ledger::LoadEntry> ended;
  if (!failed) {
    ended = co_await wait_for_end(run_, *holder_);
  } else if (!run_.is_stopped) {
    // One that was paused fails where others have loaded all meanwhile.
    ended = co_await find_ended(run_, *holder_);
  }
  if (failed && !ended) std::rethrow_exception(failed);
  if (!ended) co_return false;
  if (run_.report.segments > 0)
    run_.note(fmt::format("{} rows of load {} stored by this command (--join)",
                          format_count(own.rows()), ended->id.value));
  tell_nothing_to_do(run_, *ended);
  co_return true;
}

asio::awaitable<void> Load::run_plan(plan::Plan& plan) {
  const bool has_table = !plan.options.makes || plan.options.makes->made_by;
  if (plan.options.dry_run && !has_table) {
    run_.report.status = LoadReport::Status::dry_run;
  } else if (plan.options.dry_run) {
    co_await require_possible_end(run_.on.pool, plan);
    if (plan.options.use_ledger) co_await foresee(run_, plan);
    if (plan.selecting && plan.options.limit) co_await preview(run_, plan);
    run_.report.status = LoadReport::Status::dry_run;
  } else if (plan.options.check) {
    co_await run_check(plan);
  } else if (plan.options.use_ledger) {
    co_await run_with_ledger(plan);
  } else {
    co_await run_without_ledger(plan);
  }
}

asio::awaitable<plan::Plan> Load::prepare_to_run() {
  writer::require_table_name(options_.table);
  for (const std::string& text : options_.notes) run_.note(text);
  std::optional<source::Encoding> encoding;
  if (shared_ != nullptr && shared_->encoding) {
    encoding = *shared_->encoding;
  } else {
    encoding = co_await encoding_to_read(run_.on.pool, options_);
    if (shared_ != nullptr) shared_->encoding = encoding;
  }
  if (options_.opened) {
    source_ = options_.opened;
  } else {
    const auto open = [this, &encoding] {
      return source::open(options_.path, options_.unpack, encoding);
    };
    source_ = co_await async::offload(run_.on.reader, open);
  }
  if (shared_ != nullptr && !source_->length()) throw NotWhole(source_->name());
  // Each would ask for itself, by a connection of its own.
  if (seat_ != nullptr && !shared_->target) throw NotTogether(source_->name());
  run_.report.file = source_->file();
  if (options_.makes && !options_.makes->made_by) {
    plan::LoadOptions options = options_;
    plan::Plan plan = co_await make_table(run_, std::move(options), *source_);
    if (options_.dry_run) co_return plan;
  }
  Survey survey(run_, options_, *source_, shared_, co_await asio::this_coro::executor);
  plan::Findings found = co_await survey.make();
  lock_ = survey.take_lock();
  if (std::string odd = source_->oddity(); !odd.empty()) run_.note(std::move(odd));
  plan::Plan plan =
      co_await plan_of(run_, std::move(options_), *source_, std::move(found), shared_);
  if (plan.strategy.is_held()) co_await choose_way(run_, plan);
  if (!plan.condition.empty()) co_await judge_condition(run_.on.pool, plan);
  for (std::string& text : plan.strategy.notes) run_.note(std::move(text));
  run_.report.is_staged = plan.strategy.staged;
  // Loads side by side have one pool together, which none of them may narrow for itself.
  if (shared_ != nullptr && shared_->side_by_side > 1) plan.jobs_max = plan.jobs;
  // Beside transactions that are held something may be asked.
  const std::size_t connections = plan.writers() + (plan.strategy.is_held() ? 1 : 0);
  run_.on.pool.allow(std::max(connections, shared_ == nullptr ? 1 : shared_->side_by_side));
  co_return plan;
}

/// Nothing is kept, so nothing is locked, entered or resumed.
asio::awaitable<void> Load::run_check(plan::Plan& plan) {
  if (!plan.options.rejects_path.empty()) co_await rejects_.choose(plan, {});
  rejects_.open(plan);
  co_await move(plan, {}, nullptr);
  require_unchanged_source(*source_, source_->opening_stamp());
  run_.report.records_read = read_.records;
  run_.report.status = LoadReport::Status::checked;
}

asio::awaitable<void> Load::run_without_ledger(plan::Plan& plan) {
  if (plan.target.has_prepared) {
    run_.note(
        "loads have left prepared transactions, whose locks may be waited for: a load with the "
        "ledger ends them (pgsluice doctor names them)");
  }
  co_await rejects_.choose(plan, {});
  rejects_.open(plan);
  if (plan.options.truncate) {
    pg::Lease connection = co_await run_.on.pool.acquire();
    const Sql truncate =
        sql("{}{}commit", plan::truncate_statement(plan), plan.target.user_path_sql);
    if (lock_) {
      const Sql alone = sql("begin; {}", truncate);
      co_await connection->query(alone);
    } else {
      ledger::RunLockNames names = plan::lock_names(plan);
      names.fingerprint.clear();
      Sql settings = plan.target.settings_sql;
      Sql question = sql("select 1");
      co_await ledger::RunLock::begin_locked(*connection, std::move(settings), std::move(names),
                                             std::move(question));
      co_await connection->query(truncate);
    }
  }
  co_await move(plan, {}, nullptr);
  co_await rejects_.settle_all();
  require_unchanged_source(*source_, source_->opening_stamp());
  run_.report.records_read = read_.records;
  run_.report.total = run_.report.now;
  run_.report.status = LoadReport::Status::stored;
}

/// A source of one chunk, and no more to do than to store it.
bool Load::may_run_at_once(const plan::Plan& plan) const {
  const plan::LoadOptions& o = plan.options;
  return is_one_chunk(*source_, plan.options) && !lock_ && !run_.made_table && !replicas_ &&
         may_go_into_table(plan) && plan.target.ledger == ledger::State::complete && !o.truncate &&
         !o.defer_indexes && plan.strategy.is_plain(plan.target.table) &&
         !plan.target.has_prepared && !plan::asks_for_load(plan) && !ends_with_more(o) &&
         !o.upload && !(plan.selecting && plan.selecting->names_load()) && !plan.drift.any() &&
         // What a list says of the file is said by the statement.
         !(plan.selecting && seat_ != nullptr);
}

/// Nothing where something stands in the way; its source is at its first record again then, but for
/// a load that has a seat and ends here.
asio::awaitable<std::optional<StoredAtOnce>> Load::store_one_chunk(plan::Plan& plan,
                                                                   const ledger::NewLoad& entry) {
  const std::optional<OneChunk> one = co_await read_one_chunk(run_, plan, entry);
  // A source that was stopped looks like one that ended.
  run_.require_going_on();
  if (one) run_.progress.stage = Progress::Stage::loading;
  if (one && seat_ != nullptr) co_return co_await seat_->store(*one);
  if (one) {
    const std::vector<const OneChunk*> alone{&*one};
    ledger::Lengths own;
    ledger::Lengths& lengths = shared_ != nullptr ? shared_->lengths : own;
    auto stored = co_await store_at_once(run_.on, alone, lengths);
    if (stored) co_return std::move(stored->front());
    run_.require_going_on();
  }
  if (seat_ != nullptr) co_return std::nullopt;
  const auto read_again = [&plan] { plan::reread_preamble(plan); };
  co_await async::offload(run_.on.reader, read_again);
  co_return std::nullopt;
}

/// The short way, where there is one and nothing stands in it.
asio::awaitable<bool> Load::run_at_once(plan::Plan& plan, const ledger::NewLoad& entry) {
  std::optional<StoredAtOnce> stored;
  if (may_run_at_once(plan)) stored = co_await store_one_chunk(plan, entry);
  if (!stored && seat_ != nullptr) throw NotTogether(source_->name());
  if (!stored) run_.progress.stage = Progress::Stage::preparing;
  if (!stored) co_return false;
  note_long_record(plan, stored->long_record, run_.report);
  run_.report.load = stored->load;
  run_.take_over(stored->totals);
  run_.report.now = run_.report.total;
  run_.report.bytes = stored->totals.bytes;
  run_.progress.rows_stored = run_.report.total.rows_stored;
  run_.progress.bytes_done += stored->totals.bytes;
  run_.report.status = LoadReport::Status::stored;
  co_return true;
}

asio::awaitable<void> Load::run_with_ledger(plan::Plan& plan) {
  require_plain(plan);
  co_await require_possible_end(run_.on.pool, plan);
  ledger::NewLoad entry = resume::entry_of(plan);
  const bool is_done = co_await run_at_once(plan, entry);
  if (is_done) co_return;
  MissingIndexes indexes(run_, plan);
  Entrance entrance(run_, plan, entry, rejects_, lock_);
  if (!co_await entrance.enter()) {
    if (plan.options.defer_indexes) co_await indexes.build();  // that an earlier file has left
    indexes.require_built();
    co_return;
  }
  note_indexes(plan, run_);
  if (plan.strategy.prepared) co_await fit_to_room(run_, plan);
  // Behind the lock: whoever takes that ends all that have the mark.
  plan.target.settings_sql += ledger::RunLock::mark_statement(plan::lock_names(plan));

  const auto began = Clock::now();
  std::exception_ptr failed;
  bool is_over_budget = false;
  try {
    rejects_.open(plan);
    if (plan.strategy.staged) co_await prepare_to_stage(run_, plan);
    if (plan.strategy.is_held()) {
      held_ =
          std::make_unique<HeldTransactions>(run_, plan, entry, co_await asio::this_coro::executor);
    }
    run_.report.begins_again = plan.strategy.is_held();
    if (plan.options.defer_indexes || run_.report.resumed) co_await indexes.watch();
    Reconciliation end(run_, plan, entry, rejects_, lock_, held_.get());
    bool is_stored = false;
    for (int round = 0; !is_stored; ++round)
      is_stored = co_await go_round(plan, end, indexes, began, round);
  } catch (const Failure& failure) {
    failed = std::current_exception();
    is_over_budget = failure.kind() == FailureKind::budget;
  } catch (const pg::PgError&) {
    failed = std::current_exception();
  }
  if (held_) held_->give_up();
  if (!failed) {
    run_.report.status = LoadReport::Status::stored;
    indexes.require_built();
    co_return;
  }
  if (held_) run_.report.now = {};
  if (held_) run_.report.bytes = 0;
  try {
    const std::chrono::duration<double> seconds = Clock::now() - began;
    co_await take_stock(plan, seconds.count());
    if (plan.options.defer_indexes || run_.report.resumed) co_await indexes.tell();
    co_await rejects_.settle(is_over_budget);
  } catch (const std::runtime_error&) {
    // The first failure is the one to tell.
  }
  std::rethrow_exception(failed);
}

/// Over the road, and to the end. False where chunks are to be sent once more.
asio::awaitable<bool> Load::go_round(plan::Plan& plan, Reconciliation& end, MissingIndexes& indexes,
                                     Clock::time_point began, int round) {
  std::optional<pg::PgError> mishap;
  try {
    ledger::StoredChunks stored = co_await stored_before(round);
    if (plan.segment_bytes > 0) {
      pg::Lease connection = co_await run_.on.pool.acquire();
      const ledger::SegmentHolder lead = lead_of(plan, *run_.report.load);
      co_await ledger::prepare_segments(*connection, lead, plan.segments().count(),
                                        round > 0 || run_.report.resumed);
    }
    co_await move(plan, std::move(stored), indexes.wide_keys());
    if (plan.options.defer_indexes || run_.report.resumed) co_await indexes.build();
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    co_return co_await end.reconcile(read_, seconds, round);
  } catch (const pg::PgError& error) {
    if (!held_) throw;
    mishap = error;
  }
  const bool is_stored = co_await held_->recover(*mishap);
  if (!is_stored) co_await end.begin_again();
  co_return is_stored;
}

/// What earlier runs stored, and (behind a round that the server has lost a part of) this one.
asio::awaitable<ledger::StoredChunks> Load::stored_before(int round) {
  ledger::StoredChunks stored;
  if (held_) {
    stored = co_await held_->stored_chunks();
  } else if (run_.report.resumed || round > 0) {
    pg::Lease connection = co_await run_.on.pool.acquire();
    stored = co_await ledger::stored_chunks(*connection, *run_.report.load);
  }
  rejects_.count(stored);
  if (run_.report.resumed && round == 0) co_await rejects_.take_up(stored);
  co_return stored;
}

/// What the ledger says is stored by a run that did not reach the end.
asio::awaitable<void> Load::take_stock(const plan::Plan& plan, double seconds) {
  pg::Lease connection = co_await run_.on.pool.acquire();
  ledger::Totals totals = co_await ledger::end_run(*connection, *run_.report.load, seconds);
  const tuple::Table& table = plan.target.table;
  if (table.is_unlogged && !table.has_logged_part) {
    const bool is_there = co_await ledger::has_mark(*connection, *run_.report.load);
    if (!is_there) totals.counts = {};  // a crash of the server took them
  }
  run_.take_over(totals);
}

asio::awaitable<void> Load::move(plan::Plan& plan, ledger::StoredChunks stored,
                                 WideKeys* wide_keys) {
  run_.progress.stage = Progress::Stage::loading;
  const auto writer = plan::make_writer(plan, run_.report.load);
  if (held_) co_await held_->begin(*writer);
  Suspicion suspicion(plan);
  std::optional<Segments> segments;
  if (plan.segment_bytes > 0) {
    rejects_.count({});
    segments.emplace(run_, plan, rejects_.budget(),
                     holder_ ? *holder_ : lead_of(plan, *run_.report.load));
  }
  // A mishap in the middle of transactions that are held is the end of all of them.
  const std::chrono::milliseconds retry_for =
      held_ ? std::chrono::milliseconds(0) : plan.options.retry_for;
  Storing storing{.on = run_.on,
                  .plan = plan,
                  .writer = *writer,
                  .policy = {retry_for, retry_backoff, run_.report.load.has_value()},
                  .budget = rejects_.budget(),
                  .rejects = rejects_.file(),
                  .rejects_table = rejects_.table(),
                  .retries = run_.progress.retries,
                  .in = held_.get(),
                  .wide_keys = wide_keys,
                  .suspicion = suspicion,
                  .replicas = replicas_.get(),
                  .segments = segments ? &*segments : nullptr};
  Road road(storing, std::move(stored), run_.progress, co_await asio::this_coro::executor);
  std::exception_ptr failed;
  if (run_.is_stopped) road.stop();
  road_ = &road;
  try {
    async::TaskGroup beside(co_await asio::this_coro::executor);
    JobsWatch jobs(run_, plan, road);
    if (!plan.strategy.is_held() && !plan.options.check) beside.spawn(jobs.run());
    if (plan.strategy.prepared) beside.spawn(held_->watch());
    asio::awaitable<void> all = road.run();
    co_await async::run_beside(std::move(all), beside);
  } catch (...) {
    failed = std::current_exception();
  }
  road_ = nullptr;
  read_ = {road.chunks_read(), road.bytes_read(), road.records_read()};
  if (segments) run_.report.segments = segments->taken();
  ends_within_line_ = road.ends_within_line();
  note_long_record(plan, road.long_record(), run_.report);
  run_.report.now += road.counts();
  run_.report.rows_rejected += road.rows_rejected();
  run_.report.total.rows_skipped += road.counts().rows_skipped;
  run_.report.total.rows_filtered += road.counts().rows_filtered;
  run_.report.bytes += road.bytes_stored();
  rejects_.tell_path();
  run_.require_going_on();
  if (failed) std::rethrow_exception(failed);
  if (segments && !holder_) read_ = co_await segments->all_read();
}

void Load::stop() {
  run_.is_stopped = true;
  if (road_ != nullptr) {
    road_->stop();
  } else if (source_ != nullptr) {
    source_->stop();
  }
}

void Load::cancel() {
  stop();
  // A backend that waits for a lock does not notice that its client has gone.
  for (pg::Cancel& cancel : run_.on.pool.cancel_leased()) {
    const auto send = [cancel = std::make_shared<pg::Cancel>(std::move(cancel))] {
      cancel->send_blocking();
    };
    asio::post(run_.on.cpu, send);
  }
}

}  // namespace sluice::load

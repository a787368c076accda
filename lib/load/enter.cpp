#include "load/enter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "base/path_text.hpp"
#include "ledger/begin_load.hpp"
#include "ledger/places.hpp"
#include "ledger/prepared.hpp"
#include "ledger/segments.hpp"
#include "ledger/stages.hpp"
#include "ledger/stamp.hpp"
#include "ledger/uploads.hpp"
#include "load/behind.hpp"
#include "load/drift.hpp"
#include "load/make_table.hpp"
#include "load/named_upload.hpp"
#include "load/refusal.hpp"
#include "load/retry_policy.hpp"
#include "load/survey.hpp"
#include "plan/meaning.hpp"
#include "plan/values.hpp"
#include "resume/candidates.hpp"
#include "resume/compare.hpp"
#include "source/marked_source.hpp"
#include "source/remote.hpp"

namespace sluice::load {
namespace {

/// Drops what is to be built again later. `load` is SQL for the load's number.
Sql defer_statements(const plan::Plan& plan, const Sql& load) {
  Sql defer;
  for (const writer::Index& index : plan.indexes.deferrable)
    defer += ledger::defer_statements(load, plan.target.table.id, index);
  return defer.empty() ? defer : plan.target.settings_sql + defer;
}

/// An object that was put there once more, with the same content, is known by what a listing says
/// of it from now on. All that was read of it had this ETag. Who may not write that, or has lost
/// the connection, compares its content once more the next time.
asio::awaitable<void> keep_stamp(pg::Connection& connection, const ledger::NewLoad& now,
                                 const ledger::KnownLoad& load) {
  const bool is_new = !now.source_stamp.empty() && now.source_stamp != load.source_stamp;
  const bool is_of_it = now.source_path == load.source_path;
  if (!is_new || !is_of_it || !source::is_remote(now.source_path)) co_return;
  const Sql statement = ledger::stamp_statement(load.id, now);
  try {
    co_await connection.query(statement);
  } catch (const pg::PgError&) {
    co_return;
  }
}

/// A load by segments goes on where its source has them. Throws Failure.
void require_segments(const plan::Plan& plan, const ledger::KnownLoad& load) {
  const source::Source& source = *plan.source;
  const bool has_segments = source.told_length() && !source.comes_once() && !source.packed() &&
                            source.encoding() == nullptr;
  if (load.segment_bytes == 0 || has_segments) return;
  throw Failure(FailureKind::usage,
                fmt::format("load {} was begun by segments of its file (--join), and {} comes in "
                            "one piece",
                            load.id.value, source.name()),
                "The file itself, unpacked and no stream, is gone on with; --again loads this "
                "from the start, beside what is stored.");
}

}  // namespace

/// What runs that are gone have prepared is committed or rolled back: its rows would come later,
/// and its locks be waited for.
asio::awaitable<void> Entrance::conclude_prepared(pg::Connection& connection) {
  if (!plan_.target.has_prepared) co_return;
  std::string own;
  if (lock_) own = entry_.fingerprint;
  for (const LoadId load : co_await ledger::left_prepared(connection, std::move(own))) {
    const ledger::Concluded concluded = co_await ledger::conclude(connection, load);
    if (concluded.any()) run_.note(ledger::text_of(concluded, load));
  }
}

/// What this source may be, with what somebody has committed by hand.
asio::awaitable<ledger::KnownLoads> Entrance::candidates(pg::Connection& connection) {
  ledger::KnownLoads known =
      co_await resume::find_candidates(connection, entry_, plan_.preamble.beginning);
  bool has_accepted = false;
  for (const ledger::KnownLoad& load : known.loads) {
    if (load.state != "unfinished" || !load.is_undecided() || load.totals.chunks == 0) continue;
    co_await ledger::accept_what_is_there(connection, load.id);
    run_.note(
        fmt::format("prepared transactions of load {} were committed by hand: what of it is "
                    "in the table stays, and the rest is brought",
                    load.id.value));
    has_accepted = true;
  }
  if (has_accepted)
    known = co_await resume::find_candidates(connection, entry_, plan_.preamble.beginning);
  co_return known;
}

/// What the ledger knows of this source, with the lock held from here on.
asio::awaitable<ledger::KnownLoads> Entrance::known_loads(pg::Connection& connection) {
  ledger::KnownLoads known_loads;
  if (!lock_) {
    co_await conclude_prepared(connection);
    Sql question = ledger::has_loads_query(entry_);
    Sql settings = plan_.target.settings_sql;
    ledger::RunLockNames names = plan::lock_names(plan_);
    const pg::Result known = co_await ledger::RunLock::begin_locked(
        connection, std::move(settings), std::move(names), std::move(question));
    if (known.boolean(0, 0)) known_loads = co_await ledger::find_loads(connection, entry_);
    const bool is_fresh = !known.boolean(0, 0) || plan_.options.again;
    if (is_fresh && !known_loads.has_other_places) {
      // Whoever comes while the one chunk waits for the table is told so too.
      plan_.target.settings_sql +=
          sql("select {}; ", ledger::RunLock::try_expression(plan::lock_names(plan_)));
      co_return known_loads;
    }
    // There is more to ask than the beginning of a load: with a lock that lasts as long as that.
    co_await connection.query("rollback");
    std::unique_ptr<pg::Connection> guard = co_await connection_for_lock(run_, plan_.options);
    if (guard) {
      settings = plan_.target.settings_sql;
      names = plan::lock_names(plan_);
      lock_ =
          co_await ledger::RunLock::take(std::move(guard), std::move(settings), std::move(names));
    }
  }
  if (lock_) co_await conclude_prepared(connection);
  co_return co_await candidates(connection);
}

/// What is to be done about this source, which is read where its content decides that. Afterwards
/// it stands at its first record again, unless there is nothing to do. `before`: statements for
/// where a new load begins.
asio::awaitable<resume::Verdict> Entrance::judge_source(pg::Connection& connection, Sql& before) {
  ledger::KnownLoads known = co_await known_loads(connection);
  if (plan_.options.upload) {
    std::optional<resume::Verdict> of_name =
        co_await judge_upload(connection, plan_, entry_, before);
    if (of_name) co_return std::move(*of_name);
  }
  resume::History history = resume::history_of(plan_, entry_, std::move(known.loads));
  const bool is_asked = known.has_other_places || (!history.loads.empty() && !history.again);
  Sql is_empty;
  if (is_asked || known.has_rows) is_empty = co_await writer::seen_empty(connection, plan_.target);
  history.target_is_empty = !is_empty.empty();
  if (history.target_is_empty) {
    before += plan_.target.settings_sql + ledger::leave_name_statements(entry_) +
              ledger::void_if_empty_statement(entry_, is_empty);
  } else if (is_asked) {
    // The table may have been empty when they were asked for: a load beside this one has voided
    // them then, and it is its rows that are seen.
    known = co_await resume::find_candidates(connection, entry_, plan_.preamble.beginning);
    history = resume::history_of(plan_, entry_, std::move(known.loads));
  }
  if (!history.target_is_empty && known.has_other_places) {
    const Sql adopt = ledger::adopt_statements(entry_);
    co_await connection.query(adopt);
  }
  if (!history.again) co_await resume::find_running(connection, entry_, history.loads);
  resume::Verdict verdict = resume::judge(history, entry_);
  if (verdict.kind != resume::Verdict::Kind::compare) co_return verdict;

  run_.progress.stage = Progress::Stage::verifying;
  const std::function<bool()> stopped = [this] { return run_.is_stopped; };
  const resume::ComparisonOn on{run_.on.reader,           connection, *plan_.source, entry_,
                                plan_.preamble.beginning, stopped};
  verdict = co_await resume::judge_by_content(on, history);
  run_.require_going_on();
  const ledger::LoadEntry like = history.loads.front().load;
  using Kind = resume::Verdict::Kind;
  const bool must_be_read =
      verdict.kind == Kind::fresh || verdict.kind == Kind::append || verdict.kind == Kind::resume;
  if (must_be_read) co_await read_again(like);
  co_return verdict;
}

/// From its first record. Throws Failure where a stream has gone too far for that.
asio::awaitable<void> Entrance::read_again(const ledger::LoadEntry& like) {
  if (!plan_.source->rewind()) {
    throw Failure(
        FailureKind::changed,
        fmt::format(
            "{} begins like load {}, which is in {} already, and what follows may be there too",
            plan_.source->name(), like.id.value, plan_.target.table.full_name()),
        "A stream cannot be read twice: make it a file, and load that. --again loads all of "
        "the stream once more, also what that load has stored.");
  }
  const auto read = [this] { plan::reread_preamble(plan_); };
  co_await async::offload(run_.on.reader, read);
}

/// What is made is made in one transaction: after a lost connection it is there, or asked for
/// again.
asio::awaitable<void> Entrance::prepare_ledger() {
  if (plan_.target.ledger == ledger::State::complete) co_return;
  const RetryPolicy policy{plan_.options.retry_for, retry_backoff};
  const auto make = [this] { return make_ledger(); };
  const auto decide = [this, &policy](const std::exception_ptr& failure, std::size_t tries,
                                      std::chrono::milliseconds elapsed) {
    return run_.is_stopped ? std::nullopt : policy.next(failure, tries, elapsed);
  };
  co_await async::retry(make, decide);
}

asio::awaitable<void> Entrance::make_ledger() {
  pg::Lease connection = co_await run_.on.pool.acquire();
  const ledger::Use use =
      plan_.options.defer_indexes ? ledger::Use::load_deferring : ledger::Use::load;
  const ledger::State state = co_await ledger::ask(*connection, use);
  try {
    co_await ledger::ensure(*connection, state, use);
  } catch (const Failure& refused) {
    const std::string& advice = refused.advice();
    throw Failure(refused.kind(), refused.problem(),
                  (advice.empty() ? "" : advice + "\n  ") +
                      "Or load with --no-ledger: such a load cannot be resumed, and can be loaded "
                      "twice.");
  }
}

/// Asks the ledger about this source and enters the load or finds it again. False if there is
/// nothing to do.
asio::awaitable<bool> Entrance::enter() {
  using Kind = resume::Verdict::Kind;
  co_await prepare_ledger();
  pg::Lease lease = co_await run_.on.pool.acquire();
  pg::Connection& connection = *lease;
  ledger::BeginOptions begin;
  resume::Verdict verdict = co_await judge_source(connection, begin.before);
  switch (verdict.kind) {
    case Kind::nothing_to_do:
      co_await keep_stamp(connection, entry_, *verdict.load);
      tell_nothing_to_do(run_, *verdict.load);
      co_return false;
    case Kind::resume:
      co_await resume(connection, *verdict.load, std::move(begin.before));
      co_return true;
    case Kind::append:
      require_own_table(plan_);
      co_await go_on_behind(connection, *verdict.load);
      break;
    case Kind::fresh:
      require_own_table(plan_);
      tell_drift(run_, plan_);
      break;
    case Kind::refuse_grown: {
      const Failure refused =
          co_await refusal_of_grown(run_.on, connection, plan_, entry_, verdict);
      throw Failure(refused);
    }
    default: throw refusal(plan_, entry_, verdict);
  }
  if (!verdict.note.empty()) run_.note(verdict.note);
  co_await rejects_.choose(plan_, {}, &connection);
  entry_.rejects_path = rejects_.path();
  for (const LoadId id : verdict.void_loads)
    begin.before += sql("{}; ", ledger::void_load_statement(id));
  // A load that is all or nothing empties the table when it publishes.
  if (plan_.options.truncate && !plan_.strategy.is_all_or_nothing())
    begin.before += ledger::empties_table_statement(entry_) + plan::truncate_statement(plan_);
  if (!begin.before.empty()) begin.before += ledger::drop_stale_stages_statement();
  begin.behind = defer_statements(plan_, ledger::this_load);
  begin.behind += rejects_.frame_statement(ledger::this_load);
  if (plan_.segment_bytes > 0)
    begin.behind += ledger::make_segments_statement(ledger::this_load, plan_.segments().count());
  if (plan_.target.table.is_unlogged) begin.behind += ledger::mark_statement(ledger::this_load);
  // Of a load of one chunk, the entry is on disk with that.
  begin.durable =
      !is_one_chunk(*plan_.source, plan_.options) || !begin.before.empty() || !begin.behind.empty();
  run_.report.load = co_await begin_load(connection, begin);
  plan::fill_in_load(plan_, *run_.report.load);
  co_return true;
}

/// Another host may be at work on an upload of that name.
asio::awaitable<LoadId> Entrance::begin_load(pg::Connection& connection,
                                             const ledger::BeginOptions& options) {
  try {
    co_return co_await ledger::begin_load(connection, entry_, options);
  } catch (const pg::PgError& error) {
    const bool is_named =
        error.state == sql_state::unique_violation && error.constraint == "loads_upload_key_idx";
    if (!is_named) throw;
  }
  throw ledger::LoadIsHeld("another run has just begun with the upload of this name");
}

/// What is there of a load that is all or nothing says how it is gone on with.
void Entrance::fit_way(const ledger::KnownLoad& load) {
  if (load.is_decided() && plan_.strategy.is_all_or_nothing()) {
    plan::bring_rest(plan_.strategy, plan_.encoder);
  } else if (plan_.strategy.is_held() && load.totals.chunks > 0) {
    plan::stage_instead(plan_.strategy, plan_.encoder, "a part of it waits there already");
  } else {
    return;
  }
  run_.report.is_staged = plan_.strategy.staged;
  run_.on.pool.allow(plan_.jobs);
}

/// `before`: as a new load has it, since a table that was emptied is so for the other loads too.
asio::awaitable<void> Entrance::resume(pg::Connection& connection, const ledger::KnownLoad& load,
                                       Sql before) {
  require_segments(plan_, load);
  run_.report.load = load.id;
  const bool is_just_begun = run_.made_table == load.id;
  run_.report.resumed = !is_just_begun;
  fit_way(load);
  const bool has_grown =
      load.source_bytes && entry_.source_bytes && *load.source_bytes != *entry_.source_bytes;
  const bool begins_again = plan_.strategy.is_held() && load.totals.chunks == 0;
  if (!is_just_begun && !begins_again) {
    run_.note(fmt::format("resuming load {} of {}, with {} rows {} already{}", load.id.value,
                          load.started_at, load.totals.counts.rows(),
                          plan_.strategy.is_all_or_nothing() ? "staged" : "stored",
                          has_grown ? ": the file has grown since" : ""));
  }
  if (plan_.options.upload && plan_.options.upload->offset > 0) {
    co_await go_on_at_offset(run_, connection, plan_, load.id);
  } else if (load.behind_load) {
    plan_.begins_at = plan::beginning_of(load.options);
    if (plan_.source->length()) {
      const auto read = [this] { plan::reread_preamble(plan_); };
      co_await async::offload(run_.on.reader, read);
    } else {
      co_await read_past_front(run_.on, connection, plan_, entry_, load);
      run_.require_going_on();
    }
  }
  entry_.behind_load = load.behind_load;
  co_await rejects_.choose(plan_, path_of_text(load.rejects_path), &connection);
  plan::take_over_words(plan_, load.options);
  plan::fill_in_load(plan_, load.id);
  // What decides where chunks end stays; how large a record may be does not.
  plan_.options.chunk_bytes = load.chunk_bytes;
  plan_.segment_bytes = load.segment_bytes;
  run_.report.plan = plan_.summary();
  const Sql number = sql("{}", load.id.value);
  Sql more = std::move(before) + defer_statements(plan_, number) + rejects_.frame_statement(number);
  if (load.counts_mark)
    more += ledger::leave_mark_out_statements(load, entry_, source::utf8_mark.size());
  more += ledger::name_upload_statement(load.id, entry_);
  if (load.is_undecided() && !plan_.strategy.prepared)
    more += ledger::not_prepared_statement(load.id);
  // What finishes it is decided when that is done.
  more += ledger::end_otherwise_statement(load.id, entry_);
  if (has_grown) more += ledger::grow_statement(load.id, entry_);
  co_await ledger::resume_load(connection, load.id, rejects_.path(), more);
}

/// Makes the plan one of what is behind the content of a finished load.
asio::awaitable<void> Entrance::go_on_behind(pg::Connection& connection,
                                             const ledger::KnownLoad& load) {
  const Behind behind = co_await behind_load(run_.on, connection, plan_, load);
  if (behind.why_not) throw Failure(*behind.why_not);
  plan_.begins_at = behind.place;
  entry_.behind_load = load.id;
  entry_.options = plan::with_beginning(entry_.options, behind.place);
  // What is behind it is one command's.
  plan_.segment_bytes = entry_.segment_bytes = 0;
  const auto read = [this] { plan::reread_preamble(plan_); };
  co_await async::offload(run_.on.reader, read);
  run_.note(fmt::format("goes on behind load {}, at line {}{}", load.id.value, behind.place.line,
                        behind.has_rejected ? ", with the record that was cut off there then, and "
                                              "rejected"
                                            : ""));
}

void tell_nothing_to_do(Run& run, const ledger::LoadEntry& load) {
  run.report.status = LoadReport::Status::nothing_to_do;
  run.report.load = load.id;
  run.report.finished_before = load.finished_at;
  run.take_over(load.totals);
  if (load.totals.rows_rejected > 0) run.report.rejects_path = path_of_text(load.rejects_path);
}

}  // namespace sluice::load

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "base/path_text.hpp"
#include "ledger/damaged.hpp"
#include "ledger/places.hpp"
#include "load/compare.hpp"
#include "load/history.hpp"
#include "load/load.hpp"
#include "load/meaning.hpp"
#include "load/sound_entry.hpp"
#include "load/staging.hpp"
#include "load/survey.hpp"
#include "source/fingerprint.hpp"

/// How a load is entered in the ledger, or found there again.
namespace sluice::load {
namespace {

/// Drops what is to be built again later. `load` is SQL for the load's number.
std::string defer_statements(const Plan& plan, const std::string& load) {
  std::string sql;
  for (const writer::Index& index : plan.deferred_indexes)
    sql += ledger::defer_statements(load, plan.target.table.id, index);
  return sql.empty() ? sql : plan.target.settings_sql + sql;
}

/// Whether these records end within quotes, where a line end ends no record.
bool ends_in_quotes(const csv::Dialect& dialect, std::string_view bytes) {
  bool is_open = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool escapes = is_open && bytes[i] == dialect.escape && dialect.escape != dialect.quote &&
                         i + 1 < bytes.size() &&
                         (bytes[i + 1] == dialect.quote || bytes[i + 1] == dialect.escape);
    if (escapes) {
      ++i;
    } else if (bytes[i] == dialect.quote) {
      is_open = !is_open;
    }
  }
  return is_open;
}

/// Where what is behind a finished load's last chunk begins; nothing where its last record was not
/// ended. Blocking.
std::optional<Position> place_behind(Plan& plan, const ledger::ChunkEntry& last) {
  if (!plan.source->seek(last.start.byte_offset)) return std::nullopt;
  std::string bytes(last.byte_count, '\0');
  bytes.resize(plan.source->read(bytes.data(), bytes.size()));
  const char end = plan.preamble.line_end == csv::LineEnd::cr ? '\r' : '\n';
  if (bytes.size() != last.byte_count || !bytes.ends_with(end)) return std::nullopt;
  if (ends_in_quotes(plan.options.dialect, bytes)) return std::nullopt;
  return Position{last.start.byte_offset + last.byte_count,
                  last.start.line + static_cast<std::uint64_t>(std::ranges::count(bytes, end)),
                  last.start.record + last.records_read};
}

Failure refusal(const Plan& plan, const Verdict& verdict) {
  using Kind = Verdict::Kind;
  const ledger::KnownLoad& load = *verdict.load;
  const std::string table = plan.target.table.full_name();
  const std::string& source = plan.source->name();
  const std::string from_the_start = "--again loads all of it";
  const std::string emptied = fmt::format("with --truncate {} is emptied first", table);
  const auto difference = [&] {
    return difference_of_options(load.options, plan.identity.options, !load.finished());
  };
  switch (verdict.kind) {
    case Kind::refuse_changed:
      return {
          FailureKind::changed,
          fmt::format("{} has changed since load {} stored {} rows of it in {}: it had {} bytes "
                      "then and has {} now, and its beginning or end differs\n"
                      "  {}; {}.",
                      source, load.id.value, load.totals.rows_stored, table,
                      load.source_bytes.value_or(0), plan.identity.source_bytes.value_or(0),
                      from_the_start, emptied)};
    case Kind::refuse_options:
      return {FailureKind::changed,
              fmt::format("load {} of {} is unfinished and was begun with other options ({})\n"
                          "  Go on with the options of then. {}; {}.",
                          load.id.value, source, difference(), from_the_start, emptied)};
    case Kind::refuse_other_options:
      return {FailureKind::changed,
              fmt::format("{} is in {} already, by load {} with other options ({})\n"
                          "  {} once more; {}.",
                          source, table, load.id.value, difference(), from_the_start, emptied)};
    case Kind::refuse_same_content:
      return {FailureKind::changed,
              fmt::format("{} has the same content as {}, which load {} brought into {}\n"
                          "  --same-content load loads it too, --same-content skip leaves it out.",
                          source, load.source, load.id.value, table)};
    case Kind::refuse_part_gone: {
      const std::string what =
          load.part_gone ? "another load with --truncate has emptied a part of " + table
                         : "a crash of the server has emptied the unlogged part of " + table;
      return {
          FailureKind::changed,
          fmt::format("{}, and with it some of the {} rows that load {} brought of {}\n"
                      "  --again --truncate empties all of it first, and loads {} from the start.",
                      what, load.totals.rows(), load.id.value, source, source)};
    }
    case Kind::refuse_other_table: {
      const char* const left_out =
          verdict.may_be_left_out ? "; --same-content skip leaves them out" : "";
      return {
          FailureKind::changed,
          fmt::format("load {} brought rows of {} into another table, which was {} then and was "
                      "dropped, renamed or replaced since; whether the {} of now has them (by a "
                      "copy, or restored from a dump) is not known\n"
                      "  --same-content load loads {} all the same{}; {}.",
                      load.id.value, load.source, table, table, source, left_out, emptied)};
    }
    case Kind::refuse_grown:
      return {
          FailureKind::changed,
          fmt::format("{} begins with all that load {} has read of {} ({} bytes), and has grown\n"
                      "  --grown append loads what is behind that, --grown load all of it.",
                      source, load.id.value, load.source, load.content_end)};
    default: break;
  }
  return {FailureKind::failed, source + ": no verdict"};
}

}  // namespace

/// What the ledger knows of this source, with the lock held from here on.
asio::awaitable<ledger::KnownLoads> Load::known_loads(Plan& plan, pg::Connection& connection) {
  ledger::KnownLoads known_loads;
  if (!lock_) {
    std::string question = ledger::has_loads_query(plan.identity);
    std::string settings = plan.target.settings_sql;
    ledger::RunLockNames names = lock_names(plan);
    const pg::Result known = co_await ledger::RunLock::begin_locked(
        connection, std::move(settings), std::move(names), std::move(question));
    if (known.boolean(0, 0)) known_loads = co_await ledger::find_loads(connection, plan.identity);
    const bool is_fresh = !known.boolean(0, 0) || plan.options.again;
    if (is_fresh && !known_loads.has_other_places) {
      // Whoever comes while the one chunk waits for the table is told so too.
      plan.target.settings_sql +=
          "select " + ledger::RunLock::try_expression(lock_names(plan)) + "; ";
      co_return known_loads;
    }
    // There is more to ask than the beginning of a load: with a lock that lasts as long as that.
    co_await connection.query("rollback");
    std::unique_ptr<pg::Connection> guard = co_await connection_for_lock(run_, plan.options);
    if (guard) {
      settings = plan.target.settings_sql;
      names = lock_names(plan);
      lock_ =
          co_await ledger::RunLock::take(std::move(guard), std::move(settings), std::move(names));
    }
  }
  if (!plan.identity.source_bytes) {
    const std::vector<std::uint64_t> lengths =
        co_await ledger::short_lengths(connection, plan.identity);
    for (const std::uint64_t length : lengths) {
      plan.identity.short_heads.push_back(
          source::head_digest(std::string_view(plan.preamble.beginning).substr(0, length)));
    }
  }
  known_loads = co_await ledger::find_loads(connection, plan.identity);
  co_return known_loads;
}

/// What is to be done about this source, which is read where its content decides that. Afterwards
/// it stands at its first record again, unless there is nothing to do. `before`: statements for
/// where a new load begins.
asio::awaitable<Verdict> Load::judge_source(Plan& plan, pg::Connection& connection,
                                            std::string& before) {
  const LoadOptions& o = plan.options;
  History history;
  history.again = o.again;
  history.truncate = o.truncate;
  history.same_content = o.same_content;
  history.grown = o.grown;
  history.target_is_unlogged = plan.target.table.is_unlogged;
  history.target_has_logged_part = plan.target.table.has_logged_part;
  ledger::KnownLoads known = co_await known_loads(plan, connection);
  for (ledger::KnownLoad& load : known.loads) {
    if (!history.again) require_sound(load);
    history.loads.emplace_back();
    history.loads.back().load = std::move(load);
  }
  const bool is_asked = known.has_other_places || (!history.loads.empty() && !history.again);
  std::string is_empty;
  if (is_asked || known.has_rows)
    is_empty = co_await writer::seen_empty(connection, plan.target, !is_asked);
  history.target_is_empty = !is_empty.empty();
  if (history.target_is_empty) {
    before += plan.target.settings_sql + ledger::leave_name_statements(plan.identity) +
              ledger::void_if_empty_statement(plan.identity, is_empty);
  } else if (known.has_other_places) {
    std::string adopt = ledger::adopt_statements(plan.identity);
    co_await connection.query(std::move(adopt));
  }
  Verdict verdict = judge(history, plan.identity);
  if (verdict.kind != Verdict::Kind::compare) co_return verdict;

  run_.progress.stage = Progress::Stage::verifying;
  const std::function<bool()> stopped = [this] { return run_.is_stopped; };
  const ComparisonOn on{run_.on.reader, connection, *plan.source, plan.identity, stopped};
  std::vector<std::size_t> which = std::move(verdict.compare);
  co_await compare(on, history.loads, std::move(which));
  run_.require_going_on();
  const ledger::LoadEntry like = history.loads.front().load;
  verdict = judge(history, plan.identity);
  const bool must_be_read =
      verdict.kind == Verdict::Kind::fresh || verdict.kind == Verdict::Kind::append;
  if (must_be_read) co_await read_again(plan, like);
  co_return verdict;
}

/// From its first record. Throws Failure where a stream has gone too far for that.
asio::awaitable<void> Load::read_again(Plan& plan, const ledger::LoadEntry& like) {
  if (!plan.source->rewind()) {
    throw Failure(
        FailureKind::changed,
        fmt::format(
            "{} begins like load {}, which is in {} already, but is not the same\n"
            "  A stream cannot be read twice: send it again with --again to load all of it.",
            plan.source->name(), like.id.value, plan.target.table.full_name()));
  }
  const auto read = [&plan] { reread_preamble(plan); };
  co_await async::offload(run_.on.reader, read);
}

/// Asks the ledger about this source and enters the load or finds it again. False if there is
/// nothing to do.
asio::awaitable<bool> Load::enter(Plan& plan) {
  using Kind = Verdict::Kind;
  pg::Lease lease = co_await run_.on.pool.acquire();
  pg::Connection& connection = *lease;
  try {
    co_await ledger::ensure(connection, plan.target.ledger);
  } catch (const Failure& refused) {
    throw Failure(refused.kind(),
                  std::string(refused.what()) +
                      "\n  Or load with --no-ledger: such a load cannot be resumed, and can be "
                      "loaded twice.");
  }
  ledger::BeginOptions begin;
  Verdict verdict = co_await judge_source(plan, connection, begin.before);
  switch (verdict.kind) {
    case Kind::nothing_to_do: nothing_to_do(*verdict.load); co_return false;
    case Kind::resume: co_await resume(plan, connection, *verdict.load); co_return true;
    case Kind::append: co_await go_on_behind(plan, connection, *verdict.load); break;
    case Kind::fresh: break;
    default: throw refusal(plan, verdict);
  }
  if (!verdict.note.empty()) run_.note(verdict.note);
  co_await rejects_.choose(plan, {});
  for (const LoadId id : verdict.void_loads) begin.before += ledger::void_load_statement(id) + "; ";
  // A load that is all or nothing empties the table when it publishes.
  if (plan.options.truncate && !plan.strategy.staged)
    begin.before += ledger::empties_table_statement(plan.identity) + truncate_statement(plan);
  if (!begin.before.empty()) begin.before += drop_stale_staging_statement();
  begin.behind = defer_statements(plan, ledger::this_load);
  if (plan.target.table.is_unlogged) begin.behind += ledger::mark_statement(ledger::this_load);
  // Of a load of one chunk, the entry is on disk with that.
  begin.durable =
      !is_small(*plan.source, plan.options) || !begin.before.empty() || !begin.behind.empty();
  run_.report.load = co_await ledger::begin_load(connection, plan.identity, begin);
  co_return true;
}

asio::awaitable<void> Load::resume(Plan& plan, pg::Connection& connection,
                                   const ledger::KnownLoad& load) {
  run_.report.load = load.id;
  run_.report.resumed = true;
  run_.note(fmt::format("resuming load {} of {}, with {} rows {} already", load.id.value,
                        load.started_at, load.totals.rows(),
                        plan.strategy.staged ? "staged" : "stored"));
  if (load.behind_load) {
    plan.begins_at = beginning_of(load.options);
    const auto read = [&plan] { reread_preamble(plan); };
    co_await async::offload(run_.on.reader, read);
  }
  plan.identity.behind_load = load.behind_load;
  co_await rejects_.choose(plan, path_of_text(load.rejects_path));
  // What decides where chunks end stays; how large a record may be does not.
  plan.identity.chunk_bytes = load.chunk_bytes;
  run_.report.plan.chunk_bytes = plan.identity.chunk_bytes;
  co_await ledger::resume_load(connection, load.id, plan.identity.rejects_path,
                               defer_statements(plan, std::to_string(load.id.value)));
}

/// Makes the plan one of what is behind the content of a finished load.
asio::awaitable<void> Load::go_on_behind(Plan& plan, pg::Connection& connection,
                                         const ledger::KnownLoad& load) {
  const ledger::StoredChunks chunks = co_await ledger::stored_chunks(connection, load.id);
  if (chunks.empty()) throw ledger::damaged(load.id, "it has no chunks");
  const ledger::ChunkEntry& last = chunks.rbegin()->second;
  std::optional<Position> place;
  const auto find = [&] { place = place_behind(plan, last); };
  co_await async::offload(run_.on.reader, find);
  if (!place) {
    throw Failure(FailureKind::changed,
                  fmt::format("{} has grown since load {}, but the last record of then had no line "
                              "end: it may have been cut\n  --grown load loads all of it; that "
                              "record is in {} already (see also --truncate).",
                              plan.source->name(), load.id.value, plan.target.table.full_name()));
  }
  plan.begins_at = place;
  plan.identity.behind_load = load.id;
  plan.identity.options = with_beginning(plan.identity.options, *place);
  const auto read = [&plan] { reread_preamble(plan); };
  co_await async::offload(run_.on.reader, read);
  run_.note(fmt::format("goes on behind load {}, at line {}", load.id.value, place->line));
}

void Load::nothing_to_do(const ledger::LoadEntry& load) {
  run_.report.status = LoadReport::Status::nothing_to_do;
  run_.report.load = load.id;
  run_.report.finished_before = load.finished_at;
  report(load.totals);
  if (load.totals.rows_rejected > 0) run_.report.rejects_path = path_of_text(load.rejects_path);
}

}  // namespace sluice::load

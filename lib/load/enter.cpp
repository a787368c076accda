#include <fmt/format.h>

#include "async/offload.hpp"
#include "load/history.hpp"
#include "load/load.hpp"
#include "load/reject_file.hpp"
#include "load/staging.hpp"

/// How a load is entered in the ledger, or found there again.
namespace sluice::load {
namespace {

/// Drops what is to be built again later. `load` is SQL for the load's number.
std::string defer_statements(const Plan& plan, const std::string& load) {
  std::string sql;
  for (const writer::Index& index : plan.deferred_indexes)
    sql += ledger::defer_statements(load, plan.target.table.id, index.name, index.definition);
  return sql.empty() ? sql : plan.target.settings_sql + sql;
}

}  // namespace

/// What the ledger knows of this source, with the lock held from here on.
asio::awaitable<std::vector<ledger::LoadEntry>> Load::known_loads(Plan& plan,
                                                                  pg::Connection& connection) {
  std::vector<ledger::LoadEntry> loads;
  if (!lock_) {
    std::string settings = writer::set_local(plan.options.settings);
    std::string name = lock_name(plan.options.table, plan.identity.fingerprint);
    std::string question = ledger::has_loads_query(plan.identity);
    const pg::Result known =
        co_await ledger::RunLock::begin_locked(connection, settings, name, std::move(question));
    if (known.boolean(0, 0)) loads = co_await ledger::find_loads(connection, plan.identity);
    if (loads.empty() || plan.options.again) {
      // Whoever comes while the one chunk waits for the table is told so too.
      plan.target.settings_sql += ledger::RunLock::try_statement(name);
      co_return loads;
    }
    // There is more to ask than the beginning of a load: with a lock that lasts as long as that.
    co_await connection.query("rollback");
    std::unique_ptr<pg::Connection> guard = co_await connection_for_lock();
    if (guard) {
      lock_ =
          co_await ledger::RunLock::take(std::move(guard), std::move(settings), std::move(name));
    }
  }
  loads = co_await ledger::find_loads(connection, plan.identity);
  co_return loads;
}

/// Asks the ledger about this source and enters the load or finds it again. False if there is
/// nothing to do.
asio::awaitable<bool> Load::enter(Plan& plan) {
  using Kind = Verdict::Kind;
  pg::Lease lease = co_await on_.pool.acquire();
  pg::Connection& connection = *lease;
  try {
    co_await ledger::ensure(connection, plan.target.ledger);
  } catch (const Failure& refused) {
    throw Failure(refused.kind(),
                  std::string(refused.what()) +
                      "\n  Or load with --no-ledger: such a load cannot be resumed, and can be "
                      "loaded twice.");
  }
  const std::string table = plan.target.table.full_name();
  const std::string& source = plan.source->name();
  // GCC 12 destroys a braced temporary twice when a co_await stands inside it, so this is filled
  // step by step.
  History history;
  history.again = plan.options.again;
  history.is_file = plan.identity.source_bytes.has_value();
  history.loads = co_await known_loads(plan, connection);
  if (!history.loads.empty() && !history.again)
    history.target_is_empty = co_await writer::is_empty(connection, plan.target.table);
  Verdict verdict = judge(history, plan.identity);
  if (verdict.kind == Kind::verify) {
    const ledger::LoadEntry load = *verdict.load;
    if (co_await has_same_chunks(plan, connection, load)) {
      nothing_to_do(load);
      co_return false;
    }
    verdict = {};
  }
  switch (verdict.kind) {
    case Kind::nothing_to_do: nothing_to_do(*verdict.load); co_return false;
    case Kind::refuse_changed:
      throw Failure(
          FailureKind::changed,
          fmt::format(
              "{} has changed since load {} stored {} rows of it in {}: it had {} bytes then and "
              "has {} now, "
              "and its beginning or end differs\n"
              "  Load it from the start with --again; add --truncate to empty the table first.",
              source, verdict.load->id.value, verdict.load->totals.rows_stored, table,
              verdict.load->source_bytes.value_or(0), plan.identity.source_bytes.value_or(0)));
    case Kind::refuse_options:
      throw Failure(
          FailureKind::changed,
          fmt::format("load {} of {} is unfinished and was begun with other options ({})\n"
                      "  Go on with the options of then, or load it from the start with --again; "
                      "add --truncate "
                      "to empty {} first.",
                      verdict.load->id.value, source,
                      difference_of_options(verdict.load->options, plan.identity.options), table));
    case Kind::resume: {
      report_.load = verdict.load->id;
      report_.resumed = true;
      report_.notes.push_back(fmt::format("resuming load {} of {}, with {} rows {} already",
                                          verdict.load->id.value, verdict.load->started_at,
                                          verdict.load->totals.rows(),
                                          plan.strategy.staged ? "staged" : "stored"));
      plan.identity.rejects_path = verdict.load->rejects_path;
      choose_rejects_path(plan);
      plan.identity.chunk_bytes = verdict.load->chunk_bytes;
      plan.identity.record_bytes_max = verdict.load->record_bytes_max;
      report_.plan.chunk_bytes = plan.identity.chunk_bytes;
      co_await ledger::resume_load(connection, *report_.load, plan.identity.rejects_path,
                                   defer_statements(plan, std::to_string(verdict.load->id.value)));
      co_return true;
    }
    case Kind::fresh:
    case Kind::verify: break;
  }
  if (!verdict.note.empty()) report_.notes.push_back(verdict.note);
  choose_rejects_path(plan);
  ledger::BeginOptions begin;
  for (const LoadId id : verdict.void_loads) begin.before += ledger::void_load_statement(id) + "; ";
  // A load that is all or nothing empties the table when it publishes.
  if (plan.options.truncate && !plan.strategy.staged) {
    begin.before +=
        ledger::void_loads_of_statement(plan.target.table.id) + "; " + truncate_statement(plan);
  }
  if (!begin.before.empty()) begin.before += drop_stale_staging_statement();
  begin.behind = defer_statements(plan, ledger::this_load);
  // Of a load of one chunk, the entry is on disk with that.
  begin.durable = !is_small() || !begin.before.empty() || !begin.behind.empty();
  report_.load = co_await ledger::begin_load(connection, plan.identity, begin);
  co_return true;
}

/// Where rejects go, unless an earlier run of this load has chosen.
void Load::choose_rejects_path(Plan& plan) const {
  if (!plan.options.rejects.allow_any() || !plan.identity.rejects_path.empty()) return;
  plan.identity.rejects_path = RejectFile::free_path(rejects_path_of(plan));
}

void Load::nothing_to_do(const ledger::LoadEntry& load) {
  report_.status = LoadReport::Status::nothing_to_do;
  report_.load = load.id;
  report_.finished_before = load.finished_at;
  report(load.totals);
}

/// Reads the whole source and compares it with a finished load, chunk by chunk.
asio::awaitable<bool> Load::has_same_chunks(Plan& plan, pg::Connection& connection,
                                            const ledger::LoadEntry& load) {
  progress_.stage = Progress::Stage::verifying;
  const ledger::StoredChunks stored = co_await ledger::stored_chunks(connection, load.id);
  source::ChunkerOptions options = plan.chunker_options();
  options.chunk_bytes = load.chunk_bytes;
  options.record_bytes_max = load.record_bytes_max;
  source::Chunker chunker(*plan.source, plan.preamble, options);
  source::Chunk chunk;
  std::size_t same = 0;
  const auto compare_next = [&chunker, &chunk, &stored, &same] {
    if (!chunker.next(chunk)) return false;
    const auto found = stored.find(chunk.number);
    if (found == stored.end() || found->second.digest != chunk.digest ||
        found->second.byte_count != chunk.size) {
      same = stored.size() + 1;
      return false;
    }
    ++same;
    return true;
  };
  while (co_await async::offload(on_.reader, compare_next)) {
    if (stop_requested_) throw interrupted(report_);
  }
  if (same == stored.size()) co_return true;
  if (!plan.source->rewind()) {
    throw Failure(
        FailureKind::changed,
        fmt::format(
            "{} begins like load {}, which is in {} already, but is not the same\n"
            "  A stream cannot be read twice: send it again with --again to load all of it.",
            plan.source->name(), load.id.value, plan.target.table.full_name()));
  }
  const auto read = [&plan] { reread_preamble(plan); };
  co_await async::offload(on_.reader, read);
  co_return false;
}

}  // namespace sluice::load

#include "load/help.hpp"

#include <random>

#include "async/time.hpp"
#include "base/limits.hpp"
#include "base/path_text.hpp"
#include "load/survey.hpp"
#include "plan/values.hpp"
#include "resume/entry.hpp"
#include "resume/history.hpp"
#include "script/history.hpp"
#include "source/fingerprint.hpp"

namespace sluice::load {
namespace {

/// What a file's stamp says that is the same on every host that sees it: "host device:inode length
/// modified changed"; of an object all of it.
std::string_view version_of(std::string_view stamp) {
  if (source::file_of_stamp(stamp).empty()) return stamp;
  const std::size_t length = stamp.find(' ', stamp.find(' ') + 1);
  const std::size_t modified = stamp.find(' ', length + 1);
  return stamp.substr(length, stamp.find(' ', modified + 1) - length);
}

/// Two hosts may have copies that begin and end alike.
bool is_same_version(std::string_view one, std::string_view other) {
  return version_of(one) == version_of(other);
}

/// The load is one that was begun with the same wishes, by segments.
std::optional<ledger::KnownLoad> find_shared(std::vector<ledger::KnownLoad> loads,
                                             const ledger::NewLoad& entry) {
  for (ledger::KnownLoad& load : loads) {
    const bool is_shared = load.state == "unfinished" && load.segment_bytes > 0 &&
                           !load.behind_load && load.damage.empty();
    const bool is_of_this = load.fingerprint == entry.fingerprint &&
                            load.target_oid == entry.target_oid && !load.of_other_table &&
                            load.source_bytes == entry.source_bytes &&
                            is_same_version(load.source_stamp, entry.source_stamp);
    if (is_shared && is_of_this && resume::same_options(load.options, entry.options))
      return std::move(load);
  }
  return std::nullopt;
}

std::string new_id() {
  std::random_device random;
  return std::to_string(random()) + "-" + std::to_string(random());
}

}  // namespace

ledger::SegmentHolder lead_of(const plan::Plan& plan, LoadId load) {
  ledger::RunLockNames names = plan::lock_names(plan);
  // Also one command alone that goes on with the load waits for those who helped with it.
  if (!plan.options.joins()) names.lease = limits::join_lease;
  return {load, std::move(names), {}, script::runner_name()};
}

asio::awaitable<std::optional<ledger::SegmentHolder>> help_with(
    Run& run, plan::Plan& plan, KeptRejects& rejects, std::optional<ledger::RunLock>& lock) {
  if (plan.segment_bytes == 0 || plan.target.ledger != ledger::State::complete)
    co_return std::nullopt;
  const ledger::NewLoad entry = resume::entry_of(plan);
  std::optional<ledger::KnownLoad> load;
  {
    pg::Lease connection = co_await run.on.pool.acquire();
    ledger::KnownLoads known = co_await ledger::find_loads(*connection, entry);
    load = find_shared(std::move(known.loads), entry);
    if (!load) co_return std::nullopt;
    plan::take_over_words(plan, load->options);
    plan::fill_in_load(plan, load->id);
    plan.options.chunk_bytes = load->chunk_bytes;
    plan.segment_bytes = load->segment_bytes;
    co_await rejects.choose(plan, path_of_text(load->rejects_path), &*connection);
  }
  ledger::SegmentHolder holder = lead_of(plan, load->id);
  holder.id = new_id();
  std::unique_ptr<pg::Connection> guard = co_await connection_for_lock(run, plan.options);
  if (!guard) co_return std::nullopt;
  Sql settings = plan.target.settings_sql;
  ledger::RunLockNames names = names_of(holder);
  const Sql mark = ledger::RunLock::mark_statement(names);
  lock = co_await ledger::RunLock::take(std::move(guard), std::move(settings), std::move(names));
  plan.target.settings_sql += mark;
  run.report.load = load->id;
  run.report.plan = plan.summary();
  rejects.open(plan);
  co_return holder;
}

asio::awaitable<std::optional<ledger::LoadEntry>> wait_for_end(
    Run& run, const ledger::SegmentHolder& holder) {
  while (!run.is_stopped) {
    {
      pg::Lease connection = co_await run.on.pool.acquire();
      const std::vector<std::int64_t> none;
      const ledger::SegmentsState state =
          co_await ledger::segments_state(*connection, holder, none, none);
      std::optional<ledger::LoadEntry> load = co_await ledger::show_load(*connection, holder.load);
      if (load && load->finished()) co_return load;
      if (!load || load->state != "unfinished" || !state.has_lead || state.unfinished > 0)
        co_return std::nullopt;
      ledger::RunLockNames lead = holder.lock;
      co_await ledger::RunLock::end_where_silent(*connection, std::move(lead));
    }
    co_await async::sleep_for(limits::segment_poll);
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<ledger::LoadEntry>> find_ended(Run& run,
                                                             const ledger::SegmentHolder& holder) {
  std::optional<ledger::LoadEntry> load;
  try {
    pg::Lease connection = co_await run.on.pool.acquire();
    load = co_await ledger::show_load(*connection, holder.load);
  } catch (const pg::PgError&) {
    co_return std::nullopt;
  }
  if (load && !load->finished()) load.reset();
  co_return load;
}

}  // namespace sluice::load

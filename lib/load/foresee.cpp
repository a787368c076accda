#include "load/foresee.hpp"

#include <fmt/format.h>

#include "base/quantity.hpp"
#include "load/behind.hpp"
#include "load/drift.hpp"
#include "load/make_table.hpp"
#include "load/refusal.hpp"
#include "resume/candidates.hpp"
#include "resume/compare.hpp"
#include "resume/entry.hpp"
#include "writer/catalog.hpp"

namespace sluice::load {
namespace {

std::string words_for(const plan::Plan& plan, const resume::Verdict& verdict) {
  using Kind = resume::Verdict::Kind;
  if (verdict.kind == Kind::fresh) return verdict.note;
  const ledger::KnownLoad& load = *verdict.load;
  if (verdict.kind == Kind::nothing_to_do) {
    return fmt::format(
        "there would be nothing to do: this file is already in {} (load {}, {}). --again would "
        "load "
        "it once more",
        plan.target.table.full_name(), load.id.value, load.finished_at);
  }
  if (verdict.kind == Kind::append)
    return fmt::format("it would be loaded from behind what load {} has brought", load.id.value);
  return fmt::format("it would go on with load {} of {}, with {} rows {} already", load.id.value,
                     load.started_at, format_count(load.totals.counts.rows()),
                     plan.strategy.staged ? "staged" : "stored");
}

}  // namespace

asio::awaitable<void> foresee(Run& run, plan::Plan& plan) {
  using Kind = resume::Verdict::Kind;
  if (plan.target.ledger != ledger::State::complete) co_return;
  pg::Lease connection = co_await run.on.pool.acquire();
  ledger::NewLoad entry = resume::entry_of(plan);
  ledger::KnownLoads known =
      co_await resume::find_candidates(*connection, entry, plan.preamble.beginning);
  resume::History history = resume::history_of(plan, entry, std::move(known.loads));
  if (!history.loads.empty() && !history.again) {
    const Sql is_empty = co_await writer::seen_empty(*connection, plan.target);
    history.target_is_empty = !is_empty.empty();
    co_await resume::find_running(*connection, entry, history.loads);
  }
  const std::function<bool()> stopped = [&run] { return run.is_stopped; };
  const resume::ComparisonOn on{run.on.reader,           *connection, *plan.source, entry,
                                plan.preamble.beginning, stopped};
  const resume::Verdict verdict = co_await resume::judge_by_content(on, history);
  run.require_going_on();
  switch (verdict.kind) {
    case Kind::fresh:
      require_own_table(plan);
      tell_drift(run, plan);
      break;
    case Kind::append: require_own_table(plan); break;
    case Kind::resume:
      plan.options.chunk_bytes = verdict.load->chunk_bytes;
      run.report.plan = plan.summary();
      break;
    case Kind::nothing_to_do: break;
    case Kind::refuse_grown: {
      const Failure refused = co_await refusal_of_grown(run.on, *connection, plan, entry, verdict);
      throw Failure(refused);
    }
    default: throw refusal(plan, entry, verdict);
  }
  std::string note = words_for(plan, verdict);
  if (!note.empty()) run.note(std::move(note));
}

}  // namespace sluice::load

#include "load/plan_of.hpp"

#include "load/drift.hpp"
#include "load/judge_sql.hpp"
#include "plan/data_encoding.hpp"

namespace sluice::load {
namespace {

asio::awaitable<plan::Plan> bring_together(Run& run, plan::LoadOptions options,
                                           source::Source& source, plan::Findings found) {
  if (!options.select.empty())
    found.selecting =
        co_await judge_list(run.on.pool, options, found.target, found.beginning.preamble);
  co_return plan::make_plan(std::move(options), source, std::move(found));
}

}  // namespace

asio::awaitable<plan::Plan> plan_of(Run& run, plan::LoadOptions options, source::Source& source,
                                    plan::Findings found, Shared* shared) {
  plan::settle(options, source, found);
  co_await plan::bring_together(run.on.pool, found.target.data_encoding, found.beginning, options);
  if (!asks_for_drift(options, found.target)) {
    co_return co_await bring_together(run, std::move(options), source, std::move(found));
  }
  const std::shared_ptr<const Former> former =
      co_await former_of(run, source, found.target, shared);
  const std::vector<plan::SourceColumn> likely =
      plan::likely_columns(names_of(options, found.beginning.preamble), found.target.table);
  std::optional<Failure> refused;
  try {
    plan::Plan plan = co_await bring_together(run, std::move(options), source, std::move(found));
    if (former) plan.drift = drift_from(*former, plan);
    co_return plan;
  } catch (const Failure& failure) {
    refused = failure;
  }
  throw former ? with_drift(run, *refused, *former, likely) : *refused;
}

}  // namespace sluice::load

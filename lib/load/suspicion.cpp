#include "load/suspicion.hpp"

#include "writer/conditions.hpp"

namespace sluice::load {
namespace {

/// Whether the table judges a record as it was sent: a trigger may change it before, and what is
/// merged or selected is judged behind that.
bool judges_as_sent(const plan::Plan& plan) {
  return !plan.selecting && !plan.target.table.has_row_trigger &&
         (plan.strategy.staged || plan.strategy.is_plain(plan.target.table));
}

}  // namespace

asio::awaitable<void> Suspicion::learn(pg::Connection& on, const writer::Refusal& refusal) {
  if (has_asked_ || !(refusal.state == sql_state::check_violation) || !judges_as_sent(plan_))
    co_return;
  has_asked_ = true;
  const std::vector<std::string> conditions =
      co_await writer::check_conditions(on, plan_.target.table.id);
  std::vector<tuple::Check> checks =
      tuple::checks_of(conditions, plan_.target.table, plan_.encoder.column_names());
  if (checks.empty()) co_return;
  auto sharper = std::make_unique<tuple::EncoderPlan>(plan_.encoder);
  sharper->checks = std::make_shared<const std::vector<tuple::Check>>(std::move(checks));
  sharper_ = std::move(sharper);
}

}  // namespace sluice::load

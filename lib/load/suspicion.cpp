#include "load/suspicion.hpp"

#include <algorithm>

#include "writer/conditions.hpp"
#include "writer/judges_whole.hpp"

namespace sluice::load {
namespace {

/// Whether the table judges a record as it was sent: a trigger may change it before, and what is
/// merged or selected is judged behind that.
bool judges_as_sent(const plan::Plan& plan) {
  return !plan.selecting && !plan.target.table.has_row_trigger &&
         (plan.strategy.staged || plan.strategy.is_plain(plan.target.table));
}

/// Whether its tuples may be put into the table one by one, to see what it says.
bool puts_as_sent(const plan::Plan& plan) {
  const tuple::Table& table = plan.target.table;
  return judges_as_sent(plan) && !plan.strategy.staged &&
         plan.strategy.kind == plan::Strategy::Kind::copy && !table.is_foreign &&
         plan.encoder.fast_lane;
}

bool is_of_keys(const SqlState& state) {
  return state == sql_state::unique_violation || state == sql_state::foreign_key_violation;
}

/// Of the keys' columns alone, with the record's number; nothing where the client cannot encode
/// them. `columns` are brought into the order of the fields.
std::unique_ptr<const tuple::EncoderPlan> encoder_of_keys(const tuple::EncoderPlan& all,
                                                          std::vector<std::string>& columns) {
  auto keys = std::make_unique<tuple::EncoderPlan>(all);
  const std::vector<std::string> wanted = std::exchange(columns, {});
  for (tuple::EncodedField& field : keys->fields) {
    field.ignored = field.ignored || std::ranges::find(wanted, field.column) == wanted.end();
    if (field.ignored) continue;
    if (field.encode == nullptr) return nullptr;
    columns.push_back(field.column);
  }
  if (columns.size() != wanted.size()) return nullptr;
  keys->columns = columns.size();
  keys->number_records = true;
  keys->checks = nullptr;
  keys->key = {};
  return keys;
}

}  // namespace

Suspicion::Suspicion(const plan::Plan& plan) : plan_(plan) {}
Suspicion::~Suspicion() = default;

asio::awaitable<void> Suspicion::learn(pg::Connection& on, const writer::Refusal& refusal) {
  if (!judges_as_sent(plan_)) co_return;
  if (refusal.state == sql_state::check_violation && !has_asked_for_checks_)
    co_await learn_checks(on);
  if (is_of_keys(refusal.state)) {
    keys_refuse_ = true;
    note_missed();
  }
  const bool has_suspects = is_of_keys(refusal.state) || sharper_;
  if (has_suspects && !has_prepared_ && puts_as_sent(plan_)) co_await prepare_trials(on);
}

asio::awaitable<void> Suspicion::learn_checks(pg::Connection& on) {
  has_asked_for_checks_ = true;
  const std::vector<std::string> conditions =
      co_await writer::check_conditions(on, plan_.target.table.id);
  std::vector<tuple::Check> checks =
      tuple::checks_of(conditions, plan_.target.table, plan_.encoder.column_names());
  if (checks.empty()) co_return;
  auto sharper = std::make_unique<tuple::EncoderPlan>(plan_.encoder);
  sharper->checks = std::make_shared<const std::vector<tuple::Check>>(std::move(checks));
  sharper_ = std::move(sharper);
}

/// Once for whatever is refused, as what the keys say is asked with it.
asio::awaitable<void> Suspicion::prepare_trials(pg::Connection& on) {
  has_prepared_ = true;
  // A transaction that has touched a temporary table cannot be prepared.
  if (plan_.strategy.prepared) co_return;
  const std::string reason = co_await writer::judges_whole(on, plan_.target.table.id);
  if (!reason.empty()) co_return;
  const std::vector<std::string> columns = plan_.encoder.column_names();
  writer::KeyJudges judges = co_await writer::key_judges(on, plan_.target.table, columns);
  if (!judges.empty()) keys_encoder_ = encoder_of_keys(plan_.encoder, judges.columns);
  if (!keys_encoder_) judges = {};
  asked_.assign(judges.judges.size(), true);
  trial_ = std::make_unique<writer::Trial>(plan_.target, columns, std::move(judges),
                                           plan_.strategy.in_one);
}

void Suspicion::note_found(std::vector<bool> found_by) {
  keys_refuse_ = std::ranges::find(found_by, true) != found_by.end();
  asked_ = std::move(found_by);
  if (!keys_refuse_) note_missed();
}

bool Suspicion::wants_trial(const tuple::Batch& batch) const {
  const bool has_suspects = batch.suspects >= limits::trial_suspects_min;
  return trial_ && tries_ && (has_suspects || keys_encoder() != nullptr);
}

}  // namespace sluice::load

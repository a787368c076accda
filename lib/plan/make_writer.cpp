#include "plan/plan.hpp"
#include "writer/copy_writer.hpp"
#include "writer/insert_writer.hpp"
#include "writer/merge_writer.hpp"
#include "writer/select_merge_writer.hpp"

namespace sluice::plan {
namespace {

/// What :load is; of a check, which keeps nothing, any number.
std::optional<LoadId> number_of(const Plan& plan, std::optional<LoadId> load) {
  return plan.options.check ? LoadId{0} : load;
}

std::unique_ptr<writer::Writer> make_selecting_writer(const Plan& plan,
                                                      std::optional<LoadId> load) {
  const Strategy& strategy = plan.strategy;
  const SqlWordValues values{plan.words, number_of(plan, load), field_of_record(plan)};
  const writer::Selection selection = plan.selecting->filled(values);
  const std::size_t rows = plan.options.batch_rows;
  if (strategy.staged) {
    const writer::Target stage = staging_target(plan.target, strategy, plan.encoder);
    return std::make_unique<writer::InsertWriter>(stage, plan.encoder, selection,
                                                  strategy.merge.record_column, load, rows);
  }
  if (strategy.kind == Strategy::Kind::merge)
    return std::make_unique<writer::SelectMergeWriter>(plan.target, plan.encoder, selection, load,
                                                       rows, strategy.merge);
  return std::make_unique<writer::InsertWriter>(plan.target, plan.encoder, selection, "", load,
                                                rows);
}

}  // namespace

Sql field_of_record(const Plan& plan) {
  return writer::tuple_field(plan.encoder.column_names().size() + 1);
}

std::unique_ptr<writer::Writer> make_writer(const Plan& plan, std::optional<LoadId> load) {
  if (plan.selecting) return make_selecting_writer(plan, load);
  const Strategy& strategy = plan.strategy;
  const SqlWordValues values{plan.words, number_of(plan, load), {}};
  Sql condition = plan.condition.filled(fill_of(plan.condition, values));
  std::vector<std::string> columns = plan.encoder.column_names();
  if (strategy.staged) {
    if (plan.encoder.number_records) columns.push_back(strategy.merge.record_column);
    return std::make_unique<writer::CopyWriter>(staging_target(plan.target, strategy, plan.encoder),
                                                columns, load, condition);
  }
  switch (strategy.kind) {
    case Strategy::Kind::copy: break;
    case Strategy::Kind::insert:
      return std::make_unique<writer::InsertWriter>(plan.target, plan.encoder, load,
                                                    plan.options.batch_rows);
    case Strategy::Kind::merge:
      return std::make_unique<writer::MergeWriter>(plan.target, std::move(columns), load,
                                                   strategy.merge, std::move(condition));
  }
  return std::make_unique<writer::CopyWriter>(plan.target, columns, load, condition);
}

}  // namespace sluice::plan

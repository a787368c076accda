#include "plan/fit_to_list.hpp"

#include <algorithm>

#include "pg/encoding.hpp"

namespace sluice::plan {
namespace {

/// The table's columns that the list leaves out.
void name_missing_columns(Plan& plan) {
  const std::vector<std::string>& outputs = plan.selecting->outputs();
  for (const tuple::Column& column : plan.target.table.columns)
    if (!column.generated && std::ranges::find(outputs, column.name) == outputs.end())
      plan.mapping.missing.push_back(column.name);
}

/// The key of what comes out is not known here: a record may have that of any other one.
void fit_encoder_to_list(Plan& plan) {
  if (plan.selecting->numbers_records()) plan.encoder.number_records = true;
  if (!plan.strategy.keeps_key_order()) return;
  plan.encoder.key = {};
  plan.encoder.key.fields.push_back({.field = 0, .form = tuple::KeyForm::unknown});
  plan.encoder.key.anything_goes = true;
}

/// Rules for numbers, dates and booleans act on columns of such types alone: on those that the list
/// passes on.
void note_texts_of_list(Plan& plan) {
  const tuple::ValueWishes& values = plan.options.values;
  if (values.decimal.empty() && values.booleans.empty() && values.date_formats.empty()) return;
  std::string names;
  for (const auto& target : plan.mapping.targets) {
    if (!target) continue;
    const tuple::Column& column = plan.fed_table().columns[*target];
    if (column.base_type.id == tuple::oid::text) names += (names.empty() ? "" : ", ") + column.name;
  }
  if (names.empty()) return;
  plan.strategy.notes.push_back(
      "--decimal, --booleans and --date-format do not act on what the list has as the file's "
      "text: " +
      names);
}

/// Statements with parameters are read in the encoding of the data.
void require_ascii_sql(const Plan& plan) {
  if (plan.target.data_encoding == pg::utf8) return;
  std::string text = plan.options.select + plan.options.where + plan.target.table.quoted_name;
  for (const tuple::Column& column : plan.fed_table().columns) text += column.name;
  for (const std::string& name : plan.selecting->outputs()) text += name;
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; })) return;
  throw Failure(FailureKind::usage,
                "--select: its text, and the names of the columns, must be ASCII where the file is "
                "read as the database's encoding, " +
                    plan.target.data_encoding + ", has it");
}

}  // namespace

void fit_to_list(Plan& plan) {
  name_missing_columns(plan);
  fit_encoder_to_list(plan);
  note_texts_of_list(plan);
  require_ascii_sql(plan);
}

}  // namespace sluice::plan

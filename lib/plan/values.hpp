#pragma once

#include <string>

#include "plan/plan.hpp"

namespace sluice::plan {

/// The rules for the values of the plan's columns, in a source of this dialect. Throws
/// Failure(usage) for those that do not fit.
tuple::ValueRules value_rules(const Plan& plan, const csv::Dialect& dialect);

/// What the words of --add stand for in a load that begins; kept in what the ledger will know of
/// it.
void fill_in_words(Plan& plan);
/// The same of its number, once it has one.
void fill_in_load(Plan& plan, LoadId load);
/// The same of a load that goes on, as the ledger has its options.
void take_over_words(Plan& plan, const std::string& options);

/// Whether one of these words is said at all.
bool has_words(const Plan& plan);
/// Whether the number of the load is a value of its records.
bool asks_for_load(const Plan& plan);

}  // namespace sluice::plan

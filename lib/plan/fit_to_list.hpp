#pragma once

#include "plan/plan.hpp"

namespace sluice::plan {

/// Makes the plan one of a load with --select: its encoder feeds the list, not the table. Throws
/// Failure(usage) where the list cannot be sent. REQUIRES: plan.selecting.
void fit_to_list(Plan& plan);

}  // namespace sluice::plan

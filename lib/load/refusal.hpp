#pragma once

#include "base/failure.hpp"
#include "load/history.hpp"
#include "load/plan.hpp"

namespace sluice::load {

/// Why a load does not begin, and what the user can do. REQUIRES: a verdict that refuses.
Failure refusal(const Plan& plan, const Verdict& verdict);

}  // namespace sluice::load

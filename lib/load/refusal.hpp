#pragma once

#include "base/failure.hpp"
#include "plan/plan.hpp"
#include "resume/history.hpp"

namespace sluice::load {

/// Why a load does not begin, and what the user can do. REQUIRES: a verdict that refuses.
Failure refusal(const plan::Plan& plan, const ledger::NewLoad& now, const resume::Verdict& verdict);

}  // namespace sluice::load

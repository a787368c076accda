#pragma once

#include "load/run.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// What earlier loads would mean for this one, as notes of the report: nothing to do, or where it
/// would go on. Writes nothing and takes no lock; reads the source where its content decides.
/// Throws the Failure with which the load would be refused.
asio::awaitable<void> foresee(Run& run, plan::Plan& plan);

}  // namespace sluice::load

#pragma once

#include "load/survey.hpp"

namespace sluice::load {

/// The plan, of what was found out about the source and the table. Throws Failure where they do not
/// fit. The source outlives it; `shared` is what other loads of the command know too (may be
/// nullptr).
asio::awaitable<plan::Plan> plan_of(Run& run, plan::LoadOptions options, source::Source& source,
                                    plan::Findings found, Shared* shared = nullptr);

}  // namespace sluice::load

#pragma once

#include <cstdint>
#include <optional>

#include "plan/plan.hpp"
#include "tuple/reject.hpp"

namespace sluice::load {

/// Reads a source that has been read once more, to say where a record stands in it; `record` counts
/// from 1. Nothing where the source can be read only once, or has no such record any more.
/// Blocking; the source is of no use for anything else afterwards.
std::optional<tuple::Reject> find_record(const plan::Plan& plan, std::uint64_t record);

}  // namespace sluice::load

#pragma once

#include <cstddef>

#include "base/limits.hpp"

namespace sluice::limits {

/// A longer line of what a job says is told in parts.
inline constexpr std::size_t job_line_bytes = 8 * KiB;

}  // namespace sluice::limits

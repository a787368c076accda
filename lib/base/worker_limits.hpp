#pragma once

#include "base/limits.hpp"

/// Of workers: processes of `pgsluice serve` that load one upload after the other.
namespace sluice::limits {

/// One that has had nothing to do for so long ends.
inline constexpr std::chrono::milliseconds worker_idle_max = 10s;
/// How long one that is let go may take to end by itself.
inline constexpr std::chrono::milliseconds worker_end_max = 5s;
/// Whatever a load may leave behind in memory is bounded by that: behind so many it ends, and
/// behind one that has left it larger than this.
inline constexpr std::size_t worker_calls_max = 500;
inline constexpr std::size_t worker_resident_max = 64 * MiB;
/// Sessions that are kept between two loads, for how long, and how old they may become: a role that
/// was taken away from its user, or a setting that was changed, counts from then on.
inline constexpr std::size_t kept_sessions_max = 4;
inline constexpr std::chrono::milliseconds kept_session_idle_max = 3s;
inline constexpr std::chrono::milliseconds kept_session_age_max = 60s;
/// How long the server may take to reset them; then they are closed.
inline constexpr std::chrono::milliseconds session_reset_max = 2s;

}  // namespace sluice::limits

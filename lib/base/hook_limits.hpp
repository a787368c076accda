#pragma once

#include <chrono>
#include <cstddef>

#include "base/limits.hpp"

/// What is told of jobs, and how long it may take.
namespace sluice::limits {

/// How long after its slot a job that nobody has begun is called late.
inline constexpr std::chrono::milliseconds job_late_after = 5min;
/// How often the metrics of jobs are written to a file.
inline constexpr std::chrono::milliseconds job_metrics_every = 15s;
/// A program that is told how a run ended (a hook): how long it may take, how long after SIGTERM it
/// is killed, how long what it said is waited for when it has ended, and how much it may say.
inline constexpr std::chrono::milliseconds hook_time_max = 30s;
inline constexpr std::chrono::milliseconds program_kill_after = 2s;
inline constexpr std::chrono::milliseconds program_last_words = 200ms;
inline constexpr std::size_t program_said_bytes = MiB;
/// Lines of it that are logged for each run.
inline constexpr std::size_t hook_lines_max = 20;
/// A URL that is told: how long one answer is waited for, how often it is asked, and the pauses.
inline constexpr std::chrono::milliseconds hook_answer_max = 10s;
inline constexpr std::size_t hook_posts_max = 5;
inline constexpr std::chrono::milliseconds hook_pause_min = 1s;
inline constexpr std::chrono::milliseconds hook_pause_max = 15s;
/// So many are told at the same time; of one job one after the other, and so many wait at most.
inline constexpr std::size_t hooks_at_once = 4;
inline constexpr std::size_t hooks_waiting_max = 100;

}  // namespace sluice::limits

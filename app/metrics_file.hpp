#pragma once

#include <chrono>
#include <string>

#include "jobs/config.hpp"
#include "jobs/history.hpp"
#include "pg/pool.hpp"

/// --metrics-file: what node_exporter's textfile collector reads of the jobs.
namespace sluice::app {

/// Throws Failure{usage} for a name that cannot be one.
void require_metrics_file(const std::string& path);

/// In place of what was there, at once: whoever reads it sees the one or the other. Throws Failure.
void write_metrics_file(const std::string& path, const std::string& text);

/// The jobs of the configuration, as the database knows them now.
asio::awaitable<std::string> job_metrics(pg::Pool& pool, const jobs::Config& config,
                                         std::chrono::milliseconds late_after);

/// The same of what is known already.
std::string job_metrics(const jobs::Config& config, const std::vector<jobs::JobEntry>& entries,
                        std::chrono::milliseconds late_after);

}  // namespace sluice::app

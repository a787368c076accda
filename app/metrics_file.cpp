#include "app/metrics_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "app/whole_file.hpp"
#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "jobs/lateness.hpp"
#include "ledger/ledger.hpp"
#include "serve/database_metrics.hpp"
#include "serve/metrics.hpp"

namespace sluice::app {
namespace {

namespace fs = std::filesystem;

}  // namespace

void require_metrics_file(const std::string& path) {
  std::error_code unknown;
  const fs::file_status status = fs::symlink_status(path, unknown);
  const fs::path folder = fs::path(path).parent_path();
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw Failure(FailureKind::usage, "--metrics-file: " + path + ": it is there, and no file");
  if (fs::path(path).extension() != ".prom") {
    throw Failure(FailureKind::usage, "--metrics-file: " + path +
                                          ": node_exporter reads files named *.prom: write one");
  }
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0) {
    throw Failure(FailureKind::usage, "--metrics-file: no file can be made in " +
                                          (folder.empty() ? "." : folder.string()) + ": " +
                                          errno_message(errno));
  }
}

/// The collector does not read what is written beside it: its name does not end with .prom.
void write_metrics_file(const std::string& path, const std::string& text) {
  write_whole_file(path, text, "--metrics-file: ");
}

std::string job_metrics(const jobs::Config& config, const std::vector<jobs::JobEntry>& entries,
                        std::chrono::milliseconds late_after) {
  constexpr const char* late = "pgsluice_job_late";
  std::vector<jobs::JobEntry> known;
  std::string lines;
  for (const jobs::JobStatus& status : jobs::status_of(config, entries, late_after)) {
    if (status.entry != nullptr) known.push_back(*status.entry);
    const std::string& project =
        status.entry == nullptr ? config.project.name : status.entry->project;
    lines += std::string(late) + "{project=\"" + serve::label_value(project) + "\",job=\"" +
             serve::label_value(status.job->name) + "\"} " + (status.late.empty() ? "0" : "1") +
             "\n";
  }
  return serve::family_head(late, "gauge", "1 for a job with a slot that nobody has begun.") +
         lines + serve::text_of_jobs(known);
}

asio::awaitable<std::string> job_metrics(pg::Pool& pool, const jobs::Config& config,
                                         std::chrono::milliseconds late_after) {
  const pg::Lease connection = co_await pool.acquire();
  std::vector<jobs::JobEntry> entries;
  if (co_await ledger::is_readable(*connection, ledger::Use::read_jobs))
    entries = co_await jobs::list_jobs(*connection, "");
  co_return job_metrics(config, entries, late_after);
}

}  // namespace sluice::app

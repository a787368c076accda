#include "app/schedule_status.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/metrics_file.hpp"
#include "app/output.hpp"
#include "app/runtime.hpp"
#include "app/terminal_width.hpp"
#include "base/counted.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "jobs/lateness.hpp"
#include "ledger/ledger.hpp"
#include "report/table.hpp"

namespace sluice::app {
namespace {

using Row = std::array<std::string, 6>;

Row row_of(const jobs::JobStatus& status, bool has_several) {
  const jobs::JobEntry* const entry = status.entry;
  const auto* const run = entry != nullptr && entry->last_run ? &*entry->last_run : nullptr;
  std::string note = status.late;
  if (note.empty() && run != nullptr) note = jobs::gist(run->state, run->message);
  const std::string project = has_several && entry != nullptr ? entry->project + "/" : "";
  return {cell(project + status.job->name),
          status.state(),
          run == nullptr ? "-" : schedule::format_utc(run->id.slot),
          run == nullptr || run->seconds.empty() || run->attempts == 0 ? "-" : run->seconds + " s",
          status.next ? schedule::format_utc(*status.next) : "-",
          cell(note)};
}

void print_status(const std::vector<jobs::JobStatus>& all, std::size_t late) {
  const bool has_several = std::ranges::any_of(all, [&all](const jobs::JobStatus& one) {
    return one.entry != nullptr && one.entry->project != all.front().job->project.name;
  });
  std::vector<report::Column> columns{{.head = "job"},       {.head = "state"},
                                      {.head = "last slot"}, {.head = "took", .gives_way = 1},
                                      {.head = "next slot"}, {}};
  for (const jobs::JobStatus& status : all) {
    Row row = row_of(status, has_several);
    for (std::size_t i = 0; i < row.size(); ++i) columns[i].cells.push_back(std::move(row.at(i)));
  }
  print_result(report::table_of(std::move(columns), terminal_width(STDOUT_FILENO)) +
               counted(all.size(), "job") + ", " +
               (late == 0 ? "none late" : std::to_string(late) + " late") + "\n");
}

asio::awaitable<void> read_entries(pg::Pool& pool, std::vector<jobs::JobEntry>& entries) {
  const pg::Lease connection = co_await pool.acquire();
  if (co_await ledger::is_readable(*connection, ledger::Use::read_jobs))
    entries = co_await jobs::list_jobs(*connection, "");
}

}  // namespace

int schedule_status(const ScheduleFlags& flags) {
  const jobs::Config config = read_jobs(flags.config, flags.project, jobs::ConfigUse::look);
  if (!flags.metrics_file.empty()) require_metrics_file(flags.metrics_file);
  Runtime runtime(connection_of(flags, config.dbname));
  std::vector<jobs::JobEntry> entries;
  runtime.end_on_signal();
  try {
    runtime.run(read_entries(runtime.pool(), entries));
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    print_error("interrupted");
    return exit_code_of(FailureKind::interrupted, runtime.signal());
  }
  const auto all = jobs::status_of(config, entries, flags.late_after);
  const auto late = static_cast<std::size_t>(
      std::ranges::count_if(all, [](const jobs::JobStatus& one) { return !one.late.empty(); }));
  if (!flags.metrics_file.empty())
    write_metrics_file(flags.metrics_file, job_metrics(config, entries, flags.late_after));
  const int exit_code = late == 0 ? exit_ok : exit_failed;
  if (flags.common.output == OutputFormat::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const jobs::JobStatus& status : all) list.push_back(json_of(status));
    print_json(
        {{"command", "schedule status"}, {"exit_code", exit_code}, {"late", late}, {"jobs", list}});
  } else {
    print_status(all, late);
  }
  return exit_code;
}

}  // namespace sluice::app

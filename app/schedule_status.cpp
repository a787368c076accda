#include "app/schedule_status.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "app/metrics_file.hpp"
#include "app/output.hpp"
#include "app/runtime.hpp"
#include "base/characters.hpp"
#include "base/counted.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "jobs/lateness.hpp"
#include "ledger/ledger.hpp"

namespace sluice::app {
namespace {

constexpr std::size_t columns_count = 6;
using Row = std::array<std::string, columns_count>;

/// Nothing: it is read by a program.
std::optional<std::size_t> width_of_terminal() {
  if (::isatty(STDOUT_FILENO) == 0) return std::nullopt;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

/// Each column as wide as what stands in it; at a terminal a line ends where that does.
std::string table_of(const std::vector<Row>& rows) {
  std::array<std::size_t, columns_count> widths{};
  for (const Row& row : rows)
    for (std::size_t i = 0; i < columns_count; ++i)
      widths.at(i) = std::max(widths.at(i), count_characters(row.at(i)));
  const auto width = width_of_terminal();
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < columns_count; ++i) {
      if (widths.at(i) == 0) continue;
      line += row.at(i) + std::string(widths.at(i) - count_characters(row.at(i)) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    if (width && count_characters(line) > *width)
      line = line.substr(0, byte_of_character(line, *width - 1)) + "\u2026";
    text += line + "\n";
  }
  return text;
}

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
  std::vector<Row> rows{{"job", "state", "last slot", "took", "next slot", ""}};
  for (const jobs::JobStatus& status : all) rows.push_back(row_of(status, has_several));
  print_result(table_of(rows) + counted(all.size(), "job") + ", " +
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

#include "report/several.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/exit_code.hpp"
#include "base/path_text.hpp"
#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "report/count_columns.hpp"

namespace sluice::report {
namespace {

struct Totals {
  RowCounts rows;  ///< by this run
  std::size_t ended_well = 0;
  std::size_t failed = 0;
  std::size_t taken = 0;
  std::size_t not_begun = 0;
  std::uint64_t rows_rejected = 0;  ///< of loads of this run
  double seconds = 0;
};

bool is_old(const Ending& ending) {
  return ending.report.status == load::LoadReport::Status::nothing_to_do;
}

bool is_well(const Ending& ending) {
  return ending.exit_code == exit_ok || ending.exit_code == exit_rejected;
}

Totals totals_of(const Several& several) {
  Totals totals;
  for (const Ending& ending : several.endings) {
    ++(is_well(ending) ? totals.ended_well : totals.failed);
    totals.rows += ending.report.now;
    if (!is_old(ending)) totals.rows_rejected += ending.report.rows_rejected;
    totals.seconds += ending.report.seconds;
  }
  totals.taken = several.taken.size();
  const std::size_t over = several.endings.size() + totals.taken;
  totals.not_begun = several.files.size() - std::min(over, several.files.size());
  return totals;
}

/// More files than that are a count, of which nothing else is to be said than that they are in.
constexpr std::ptrdiff_t old_shown_max = 20;

bool is_just_old(const Ending& ending) {
  return is_old(ending) && ending.exit_code == exit_ok && ending.report.rows_rejected == 0;
}

std::string state_of(const Ending& ending) {
  if (!is_well(ending)) return "exit " + std::to_string(ending.exit_code);
  if (is_old(ending)) return "nothing to do";
  return ending.report.status == load::LoadReport::Status::dry_run ? "dry run" : "stored";
}

}  // namespace

std::string text_of(const Several& several) {
  const Totals totals = totals_of(several);
  std::vector<CountColumn> counts;
  show_counts(totals.rows, counts);
  const auto line = [](std::string_view result, std::string_view stored, std::string_view others,
                       std::string_view rejected, std::string_view what) {
    return fmt::format("{:<14}  {:>15}  {}{:>10}  {}\n", result, stored, others, rejected, what);
  };
  std::string text = line("result", "rows stored", heads_of(counts), "rejected", "file");
  const std::ptrdiff_t old = std::ranges::count_if(several.endings, is_just_old);
  const bool counts_old = old > old_shown_max;
  auto ending = several.endings.begin();
  for (const std::string& path : several.files) {
    const std::string file = printable_line(path == "-" ? "stdin" : path);
    if (ending == several.endings.end() || ending->path != path) {
      const bool is_taken = std::ranges::find(several.taken, path) != several.taken.end();
      text += line(is_taken ? "left to others" : "not begun", "-", dashes_of(counts), "-", file);
      continue;
    }
    const load::LoadReport& r = ending->report;
    if (counts_old && is_just_old(*ending)) {
      ++ending;
      continue;
    }
    text += line(state_of(*ending), format_count(r.now.rows_stored), cells_of(counts, r.now),
                 format_count(r.rows_rejected), file);
    ++ending;
  }
  if (counts_old)
    text += line(
        "nothing to do", "0", cells_of(counts, {}), "0",
        fmt::format("{} files that are in already", format_count(static_cast<std::uint64_t>(old))));
  return text + line("in all", format_count(totals.rows.rows_stored), cells_of(counts, totals.rows),
                     format_count(totals.rows_rejected),
                     fmt::format("{} of {} files", totals.ended_well, several.files.size()));
}

nlohmann::ordered_json json_of_totals(const Several& several) {
  const Totals totals = totals_of(several);
  return {{"files", several.endings.size() + totals.taken + totals.not_begun},
          {"ended_well", totals.ended_well},
          {"failed", totals.failed},
          {"not_begun", totals.not_begun},
          {"left_to_others", totals.taken},
          {"rows_stored", totals.rows.rows_stored},
          {"rows_updated", totals.rows.rows_updated},
          {"rows_unchanged", totals.rows.rows_unchanged},
          {"rows_skipped", totals.rows.rows_skipped},
          {"rows_filtered", totals.rows.rows_filtered},
          {"rows_rejected", totals.rows_rejected},
          {"seconds", totals.seconds}};
}

}  // namespace sluice::report

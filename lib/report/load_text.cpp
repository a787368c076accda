#include "report/load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/exit_code.hpp"
#include "base/printable.hpp"
#include "base/quantity.hpp"
#include "report/count_columns.hpp"
#include "report/table.hpp"

namespace sluice::report {
namespace {

using load::LoadReport;

std::string speed(std::uint64_t rows, std::uint64_t bytes, double seconds) {
  const double safe = std::max(seconds, 0.001);
  return fmt::format(
      "in {} ({}, {}/s)", format_duration(std::chrono::duration<double>(seconds)),
      format_rate(static_cast<double>(rows) / safe),
      format_decimal_bytes(static_cast<std::uint64_t>(static_cast<double>(bytes) / safe)));
}

std::string rows(std::uint64_t count) {
  return format_count(count) + (count == 1 ? " row" : " rows");
}

std::string records(std::uint64_t count) {
  return format_count(count) + (count == 1 ? " record" : " records");
}

/// As one would type it here.
std::string shown_path(const LoadReport& r) {
  std::error_code unknown;  // the working folder may be gone
  const std::string shorter = std::filesystem::proximate(r.rejects_path, unknown).string();
  if (unknown) return printable_line(r.rejects_path);
  return printable_line(shorter.size() < r.rejects_path.size() ? shorter : r.rejects_path);
}

/// ", rejected 3 -> trips.rejects.csv"
std::string rejected_of(const LoadReport& r) {
  const std::string where = r.rejects_path.empty() ? "" : " -> " + shown_path(r);
  return ", rejected " + format_count(r.rows_rejected) + where;
}

std::string rejects_so_far(const LoadReport& r) {
  return r.rejects_path.empty() ? "" : ", rejects are in " + shown_path(r);
}

std::string shown_state(const ledger::LoadEntry& l) {
  return l.damage.empty() ? std::string(name_of(ledger::state_of(l))) : "damaged";
}

/// What a state means, and what can be done; empty for a finished load.
std::string meaning_of(const ledger::LoadEntry& l) {
  using State = ledger::LoadsFilter::State;
  const std::string goes_on = std::string("no run is at work on it. The same command ") +
                              (l.is_undecided() ? "begins again" : "goes on where it stopped") +
                              ", pgsluice loads forget ID gives it up";
  const std::string begin = shown_state(l) + ": ";
  switch (ledger::state_of(l)) {
    case State::running: return begin + "a run is at work on it";
    case State::given_up:
      return begin +
             "it was not finished, and nothing goes on with it; its file would be loaded from the "
             "start";
    case State::is_void:
      if (l.rows_undone > 0)
        return begin + "its rows were taken out of the table; its file would be loaded again";
      return begin +
             "its table was emptied since, or its rows no longer count; its file would be loaded "
             "again";
    case State::undoing:
      return begin +
             "its rows are being taken out of the table, and some may be gone; pgsluice "
             "loads show ID says how that goes on";
    case State::staged: return begin + "its rows wait to be published; " + goes_on;
    case State::unfinished: return begin + goes_on;
    case State::finished:
    case State::any: break;
  }
  return {};
}

/// A run that was killed has told no time: what is known of several runs is less than they took.
bool has_rate(const ledger::LoadEntry& l) { return l.seconds > 0 && l.runs == 1 && l.finished(); }

std::string rate_of(const ledger::LoadEntry& l) {
  if (!has_rate(l)) return "-";
  const double rate = static_cast<double>(l.totals.counts.rows_stored) / l.seconds;
  return format_count(static_cast<std::uint64_t>(rate));
}

/// A count of it, where its row in the ledger says one.
std::string count_of(const ledger::LoadEntry& l, std::uint64_t count) {
  return l.damage.empty() ? format_count(count) : "-";
}

std::string cells(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable_line(name);
  return text;
}

/// A value as one of CSV, on one line.
std::string csv_cell(const std::optional<std::string>& value) {
  if (!value) return "";
  std::string shown = printable_line(*value);
  if (!shown.empty() && shown.find_first_of(",\"") == std::string::npos) return shown;
  std::string quoted = "\"";
  for (const char c : shown) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// The table that a dry run has not made.
std::string text_of_table(const LoadReport& r) {
  if (r.create_statement.empty()) return {};
  std::string text = "  makes\n    ";
  for (const char c : printable(r.create_statement)) {
    text += c;
    if (c == '\n') text += "    ";
  }
  return text + ";\n";
}

/// What a dry run ends with.
std::string text_of_preview(const LoadReport& r) {
  constexpr const char* end = "dry run: nothing was stored\n";
  if (r.preview_columns.empty()) return end;
  std::string text = "  rows\n    ";
  for (std::size_t i = 0; i < r.preview_columns.size(); ++i)
    text += (i == 0 ? "" : ",") + csv_cell(r.preview_columns[i]);
  for (const auto& row : r.preview_rows) {
    text += "\n    ";
    for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ",") + csv_cell(row[i]);
  }
  return text + "\n" + end;
}

/// What a load that ended has done.
std::string text_of_stored(const LoadReport& r) {
  std::string text =
      fmt::format("stored {} {}", rows(r.now.rows_stored), speed(r.now.rows(), r.bytes, r.seconds));
  if (r.resumed && r.total.rows_stored != r.now.rows_stored)
    text += fmt::format(", {} in all", rows(r.total.rows_stored));
  if (r.total.rows_updated > 0)
    text += fmt::format(", updated {}", format_count(r.total.rows_updated));
  if (r.total.rows_unchanged > 0)
    text += fmt::format(", {} unchanged", format_count(r.total.rows_unchanged));
  if (r.rows_deleted > 0) text += fmt::format(", deleted {}", format_count(r.rows_deleted));
  if (r.total.rows_skipped > 0) {
    text += fmt::format(", {} skipped ({})", rows(r.total.rows_skipped),
                        r.plan.is_upsert ? "a row, or another record, has their key"
                                         : "blank lines, or dropped by a trigger of the table");
  }
  if (r.total.rows_filtered > 0)
    text += fmt::format(", {} filtered", format_count(r.total.rows_filtered));
  if (r.rows_rejected > 0) text += rejected_of(r);
  if (r.retries > 0) text += fmt::format(", {} retries", r.retries);
  if (r.lag_seconds > 0)
    text += fmt::format(", waited {} for replicas",
                        format_duration(std::chrono::duration<double>(r.lag_seconds)));
  const auto& used = r.connections;
  if (used.least < used.most) text += fmt::format(", {} to {} connections", used.least, used.most);
  return text;
}

/// Those that say least go first where a terminal is narrow.
std::vector<Column> columns_of(const std::vector<ledger::LoadEntry>& loads) {
  const auto column = [&loads](std::string head, const auto& cell_of) {
    Column column{.head = std::move(head)};
    for (const ledger::LoadEntry& l : loads) column.cells.push_back(cell_of(l));
    return column;
  };
  const auto number = [&column](std::string head, const auto& cell_of) {
    Column made = column(std::move(head), cell_of);
    made.is_number = true;
    return made;
  };
  using Load = ledger::LoadEntry;
  std::vector<Column> columns{
      number("load", [](const Load& l) { return std::to_string(l.id.value); }),
      column("state", shown_state),
      column("started", [](const Load& l) { return l.started_at.substr(0, 19); }),
      number("rows stored",
             [](const Load& l) { return count_of(l, l.totals.counts.rows_stored); })};
  columns[2].gives_way = 2;
  std::vector<CountColumn> counts;
  for (const Load& l : loads) show_counts(l.totals.counts, counts);
  for (const CountColumn& count : counts) {
    columns.push_back(number(count.head, [&count](const Load& l) {
      return format_count(l.totals.counts.*count.count);
    }));
    columns.back().gives_way = 3;
  }
  columns.push_back(
      number("rejected", [](const Load& l) { return count_of(l, l.totals.rows_rejected); }));
  columns.push_back(number("rows/s", rate_of));
  columns.back().gives_way = 1;
  columns.push_back(column("table", [](const Load& l) { return printable_line(l.target); }));
  columns.push_back(column("source", [](const Load& l) { return printable_line(l.source); }));
  return columns;
}

}  // namespace

std::string text_of_plan(const plan::PlanSummary& p) {
  std::string text = fmt::format("{} -> {}\n", printable_line(p.source), printable_line(p.table));
  text += fmt::format("  writer       {}\n  connections  {}", p.writer, p.jobs);
  if (p.jobs_max > p.jobs) text += fmt::format(", then what is best, up to {}", p.jobs_max);
  text += fmt::format("\n  chunks       {}\n", format_bytes(p.chunk_bytes));
  text += fmt::format(
      "  buffers      about {} for values of eight bytes, whatever the size of the source\n",
      format_bytes(p.memory_bytes_max));
  text += fmt::format("  line ends    {}\n  scanner      {}\n  columns\n", p.line_end, p.scanner);
  for (const std::string& column : p.columns) text += "    " + printable_line(column) + "\n";
  if (!p.ignored_columns.empty())
    text += fmt::format("  ignored      {}\n", cells(p.ignored_columns));
  if (!p.deferred_indexes.empty())
    text += fmt::format("  built later  {}\n", cells(p.deferred_indexes));
  if (!p.deletes.empty()) text += fmt::format("  deletes      {}\n", printable_line(p.deletes));
  if (!p.missing_columns.empty())
    text += fmt::format("  default for  {}\n", cells(p.missing_columns));
  return text;
}

std::string text_of(const Ending& e) {
  const LoadReport& r = e.report;
  const std::string number = r.load ? fmt::format(" (load {})", r.load->value) : "";
  // Of a source that is another one by now the message says what is left to do.
  const bool is_over = r.is_over || e.exit_code == exit_changed;
  const std::string goes_on = is_over ? "" : "; " + load::how_to_go_on(r);
  switch (r.status) {
    case LoadReport::Status::dry_run:
      return text_of_plan(r.plan) + text_of_table(r) + text_of_preview(r);
    case LoadReport::Status::nothing_to_do:
      return fmt::format(
          "nothing to do: this file is already in {} (load {}, {}, {}{}). {}.\n",
          printable_line(r.plan.table), r.load->value, r.finished_before, rows(r.total.rows_stored),
          r.rows_rejected == 0 ? "" : rejected_of(r),
          r.plan.truncates ? "Nothing was emptied: --again with --truncate does that, and loads it "
                             "once more"
                           : "Use --again to load it once more");
    case LoadReport::Status::stored:
      return text_of_stored(r) + number + "\n" +
             (r.bottleneck ? "  " + load::text_of(*r.bottleneck) + "\n" : "");
    case LoadReport::Status::checked:
      return fmt::format("checked {} of {}: {}{}\n", records(r.records_read),
                         printable_line(r.plan.source),
                         r.rows_rejected == 0 ? "all good" : format_count(r.rows_rejected) + " bad",
                         r.rejects_path.empty() ? "" : " -> " + shown_path(r));
    case LoadReport::Status::interrupted:
    case LoadReport::Status::failed:
      if (!r.load) {
        if (r.now.rows() == 0) return "";
        return fmt::format(
            "stored {} of it, in no known order: without a ledger this load cannot be resumed\n",
            rows(r.now.rows_stored));
      }
      if (r.is_prepared) {
        return fmt::format(
            "all of it was prepared{}, and some of it may be in the table: the same "
            "command brings it to an end\n",
            number);
      }
      // One that helped with another command's load knows what it has stored itself.
      if (r.segments > 0 && r.total.rows() == 0 && r.now.rows() > 0)
        return fmt::format("this command stored {}{}{}{}\n", rows(r.now.rows_stored), number,
                           rejects_so_far(r), goes_on);
      if (r.total.rows() == 0)
        return fmt::format("stored nothing{}{}\n", number, rejects_so_far(r));
      if (r.is_staged) {
        return fmt::format("stored nothing{}{}; {} wait to be published{}\n", number,
                           rejects_so_far(r), rows(r.total.rows_stored), goes_on);
      }
      return fmt::format("stored {} so far{}{}{}\n", rows(r.total.rows_stored), number,
                         rejects_so_far(r), goes_on);
  }
  return "";
}

std::string text_of(const std::vector<ledger::LoadEntry>& loads, std::optional<std::size_t> width) {
  if (loads.empty()) return "no loads yet\n";
  std::set<std::string> meanings;
  std::string damages;
  for (const ledger::LoadEntry& l : loads) {
    if (!l.damage.empty()) damages += printable(l.damage) + "\n";
    const std::string meaning = l.damage.empty() ? meaning_of(l) : "";
    if (!meaning.empty()) meanings.insert(meaning);
  }
  std::string text = table_of(columns_of(loads), width);
  for (const std::string& meaning : meanings) text += "  " + meaning + ".\n";
  return text + damages;
}

std::string text_of(const ledger::SegmentsShown& segments) {
  if (segments.all == 0) return {};
  std::string text = fmt::format("  {:<14} {} of {} are stored\n", "segments",
                                 format_count(static_cast<std::uint64_t>(segments.stored)),
                                 format_count(static_cast<std::uint64_t>(segments.all)));
  for (const ledger::SegmentsShown::Held& held : segments.held)
    text += fmt::format("  {:<14} {} by {}\n", "", held.count, printable_line(held.by));
  return text;
}

std::string text_of(const ledger::LoadEntry& l) {
  std::string text = fmt::format("load {}: {}\n", l.id.value, shown_state(l));
  const auto add = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("  {:<14} {}\n", name, printable_line(value));
  };
  add("source", l.source);
  if (l.source_path != l.source) add("path", l.source_path);
  if (l.source_bytes) add("bytes", format_count(*l.source_bytes));
  add("table", l.target);
  add("started", l.started_at);
  if (!l.finished_at.empty()) add("finished", l.finished_at);
  add("runs", std::to_string(l.runs));
  if (has_rate(l)) {
    add("time", speed(l.totals.counts.rows_stored, l.totals.bytes, l.seconds).substr(3));
  } else if (l.seconds > 0) {
    add("time", format_duration(std::chrono::duration<double>(l.seconds)) +
                    (l.runs > 1 ? ", without runs that were killed" : ""));
  }
  if (!l.limited_by.empty())
    add("limited by", fmt::format("{}, {:.0f} % of the time", l.limited_by, 100 * l.limited_share));
  add("chunks",
      fmt::format("{} of {}", format_count(l.totals.chunks), format_bytes(l.chunk_bytes)));
  add("records read", format_count(l.totals.records_read));
  add(l.staged && !l.finished() ? "rows waiting" : "rows stored",
      format_count(l.totals.counts.rows_stored));
  if (l.totals.counts.rows_updated > 0) add("updated", format_count(l.totals.counts.rows_updated));
  if (l.totals.counts.rows_unchanged > 0)
    add("unchanged", format_count(l.totals.counts.rows_unchanged));
  if (l.totals.rows_deleted > 0) add("deleted", format_count(l.totals.rows_deleted));
  if (l.rows_undone > 0) add("taken out", format_count(l.rows_undone));
  if (l.prepared > 0) {
    add("prepared", fmt::format("{} transactions with rows and locks, to be {} by the same command",
                                l.prepared, l.is_decided() ? "committed" : "rolled back"));
  }
  add("rejected", format_count(l.totals.rows_rejected));
  if (l.totals.rows_rejected > 0 && !l.rejects_path.empty()) add("rejects in", l.rejects_path);
  add("skipped", format_count(l.totals.counts.rows_skipped));
  if (l.totals.counts.rows_filtered > 0)
    add("filtered", format_count(l.totals.counts.rows_filtered));
  add("options", l.options);
  if (const std::string meaning = meaning_of(l); !meaning.empty()) text += "  " + meaning + ".\n";
  return text;
}

}  // namespace sluice::report

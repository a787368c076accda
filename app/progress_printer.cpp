#include "app/progress_printer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/output.hpp"
#include "app/progress_bar.hpp"
#include "app/terminal_width.hpp"
#include "base/quantity.hpp"
#include "report/load.hpp"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;

Rates rates_of(const load::Progress& p, async::Clock::time_point began) {
  Rates r{};
  r.seconds = std::chrono::duration<double>(async::Clock::now() - began).count();
  const double safe = std::max(r.seconds, 0.001);
  const auto bytes_now = static_cast<double>(p.bytes_done - p.bytes_before);
  const Way way = way_of(p);
  r.rows = static_cast<double>(p.rows_stored) / safe;
  r.bytes = bytes_now / safe;
  if (way.total && *way.total > 0) {
    const std::uint64_t done = std::min(way.done, *way.total);
    r.fraction = static_cast<double>(done) / static_cast<double>(*way.total);
    const auto now = static_cast<double>(way.done - way.before);
    if (now > 0) r.seconds_left = static_cast<double>(*way.total - done) / now * safe;
  }
  return r;
}

}  // namespace

ProgressPrinter::ProgressPrinter(ProgressMode mode, bool quiet, bool verbose)
    : mode_(mode), quiet_(quiet), verbose_(verbose), began_(async::Clock::now()) {
  if (mode_ == ProgressMode::automatic)
    mode_ = ::isatty(STDERR_FILENO) != 0 ? ProgressMode::bar : ProgressMode::plain;
  // A bar is for eyes.
  if (mode_ == ProgressMode::bar && log_format() == LogFormat::json) mode_ = ProgressMode::plain;
  if (quiet_ && mode_ != ProgressMode::json) mode_ = ProgressMode::none;
}

std::chrono::milliseconds ProgressPrinter::period() const {
  return mode_ == ProgressMode::bar ? 100ms : mode_ == ProgressMode::json ? 1000ms : 5000ms;
}

void ProgressPrinter::print(const load::Progress& progress) {
  switch (mode_) {
    case ProgressMode::bar: print_bar(progress); break;
    case ProgressMode::plain:
      if (log_format() == LogFormat::json) return print_json(progress);
      return print_plain(progress);
    case ProgressMode::json: print_json(progress); break;
    case ProgressMode::automatic:
    case ProgressMode::none: break;
  }
}

asio::awaitable<void> ProgressPrinter::follow(const load::Load& load) {
  auto next = async::Clock::now() + period();
  for (;;) {
    co_await async::sleep_for(50ms);
    announce(load, false);
    print_notes(load);
    note_load(load);
    if (async::Clock::now() < next) continue;
    next += period();
    print(load.progress());
  }
}

asio::awaitable<void> ProgressPrinter::follow_several(std::function<load::Progress()> progress) {
  announced_ = true;
  for (;;) {
    co_await async::sleep_for(period());
    print(progress());
  }
}

void ProgressPrinter::finish_several(const load::Progress& progress) {
  erase_bar();
  if (mode_ == ProgressMode::json) print_json(progress);
}

/// A program that follows hears of the load's number as soon as there is one.
void ProgressPrinter::note_load(const load::Load& load) {
  if (load_ || !load.report().load) return;
  load_ = load.report().load;
  if (mode_ == ProgressMode::json) print_json(load.progress());
}

void ProgressPrinter::finish(const load::Load& load) {
  if (!load_) load_ = load.report().load;
  announce(load, true);
  print_notes(load);
  erase_bar();
  if (mode_ == ProgressMode::json) print_json(load.progress());
}

/// "trips.csv -> public.trips     4 connections, COPY binary, 8 MiB chunks". A load that goes on
/// keeps the chunks it began with: until that is decided they are not said.
void ProgressPrinter::announce(const load::Load& load, bool has_ended) {
  using Stage = load::Progress::Stage;
  const plan::PlanSummary& plan = load.report().plan;
  if (announced_ || plan.table.empty()) return;
  const Stage stage = load.progress().stage;
  const bool is_loading = stage != Stage::preparing && stage != Stage::verifying;
  const bool is_decided = has_ended || (is_loading && (!is_entered_ || load.report().load));
  if (!is_decided && (verbose_ || async::Clock::now() - began_ < 2s)) return;
  announced_ = true;
  began_ = async::Clock::now();
  if (quiet_ || mode_ == ProgressMode::json) return;
  if (verbose_) {
    print_log(report::text_of_plan(plan));
    return;
  }
  const std::string chunks =
      is_decided ? ", " + format_bytes(plan.chunk_bytes) + " chunks" : std::string();
  print_log(fmt::format("{} -> {}     {} connection{}, {}{}\n", cell(plan.source), cell(plan.table),
                        plan.jobs, plan.jobs == 1 ? "" : "s", plan.writer, chunks));
}

void ProgressPrinter::print_notes(const load::Load& load) {
  const auto& notes = load.report().notes;
  for (; notes_printed_ < notes.size(); ++notes_printed_) {
    if (quiet_ || (mode_ == ProgressMode::json && log_format() == LogFormat::text)) continue;
    erase_bar();
    print_note(notes[notes_printed_]);
  }
}

void ProgressPrinter::print_bar(const load::Progress& p) {
  if (!announced_) return;
  const std::size_t width = terminal_width(STDERR_FILENO).value_or(80);
  print_raw("\r\x1b[K" + bar_line(p, rates_of(p, began_), width - 1));
  bar_shown_ = true;
}

void ProgressPrinter::print_plain(const load::Progress& p) {
  const Rates r = rates_of(p, began_);
  std::string line = std::string(stage_name(p.stage)) + ":";
  if (r.fraction) line += fmt::format(" {:.0f}%,", *r.fraction * 100);
  line +=
      fmt::format(" {} rows, {}, {}/s", format_count(p.rows_before + p.rows_stored),
                  format_rate(r.rows), format_decimal_bytes(static_cast<std::uint64_t>(r.bytes)));
  if (p.files_total > 0)
    line +=
        fmt::format(", {} of {} files", format_count(p.files_done), format_count(p.files_total));
  if (r.seconds_left) line += ", " + clock_of(*r.seconds_left) + " left";
  if (p.waits_for_replica) line += ", a replica is behind";
  if (p.rows_rejected > 0) line += fmt::format(", {} rejected", format_count(p.rows_rejected));
  if (p.retries > 0) line += fmt::format(", {} retries", p.retries);
  print_log(line + "\n");
}

void ProgressPrinter::print_json(const load::Progress& p) {
  const Rates r = rates_of(p, began_);
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (log_format() == LogFormat::json) json = log_entry("progress");
  json.update({{"stage", stage_name(p.stage)},
               {"bytes_done", p.bytes_done},
               {"rows_stored", p.rows_before + p.rows_stored},
               {"rows_rejected", p.rows_rejected},
               {"rows_per_second", r.rows},
               {"bytes_per_second", r.bytes},
               {"retries", p.retries},
               {"seconds", r.seconds}});
  if (load_) json["load"] = load_->value;
  if (p.files_total > 0) {
    json["files_done"] = p.files_done;
    json["files_total"] = p.files_total;
  }
  if (p.bytes_total) json["bytes_total"] = *p.bytes_total;
  if (p.packed_total) {
    json["packed_bytes_done"] = p.packed_done;
    json["packed_bytes_total"] = *p.packed_total;
  }
  if (r.seconds_left) json["seconds_left"] = *r.seconds_left;
  print_log_entry(json);
}

void ProgressPrinter::erase_bar() {
  if (bar_shown_) print_raw("\r\x1b[K");
  bar_shown_ = false;
}

}  // namespace sluice::app

#include <iostream>
#include <nlohmann/json.hpp>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "base/failure.hpp"
#include "schedule/recurrence.hpp"

namespace sluice::app {
namespace {

using schedule::Instant;

struct NextFlags {
  std::string expression;
  std::size_t count = 5;
  std::string zone = "UTC";
  std::string from;
  OutputFormat output = OutputFormat::text;
};

template <class T>
T value_of(std::expected<T, std::string> parsed, const std::string& flag) {
  if (!parsed) throw Failure(FailureKind::usage, flag + parsed.error());
  return std::move(*parsed);
}

void print_next(const NextFlags& flags) {
  const auto zone = value_of(schedule::TimeZone::find(flags.zone), "--tz: ");
  const auto utc = value_of(schedule::TimeZone::find("UTC"), "");
  const auto recurrence = value_of(schedule::Recurrence::parse(flags.expression, zone), "");
  Instant at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (!flags.from.empty()) at = value_of(zone.parse(flags.from), "--from: ");
  nlohmann::ordered_json slots = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < flags.count; ++i) {
    at = recurrence.next(at);
    const std::string local = zone.format(at);
    const std::string universal = utc.format(at).substr(0, 19) + "Z";
    if (flags.output == OutputFormat::json) {
      slots.push_back({{"slot", universal}, {"local", local}});
    } else {
      std::cout << universal << "  " << local << "\n";
    }
  }
  if (flags.output == OutputFormat::json) std::cout << slots.dump(2) << "\n";
  std::cout << std::flush;
}

int run_next(const NextFlags& flags) {
  try {
    print_next(flags);
  } catch (const Failure& failure) {
    std::cerr << "pgsluice: " << failure.what() << "\n";
    return exit_code_of(failure.kind(), 0);
  }
  return exit_ok;
}

}  // namespace

Run add_schedule_command(CLI::App& app) {
  auto flags = std::make_shared<NextFlags>();
  CLI::App& c = *app.add_subcommand("schedule", "when a cron expression is due");
  c.set_help_flag("--help", "print this help and exit");
  c.require_subcommand(1);
  CLI::App& next =
      *c.add_subcommand("next", "the next slots of an expression, in UTC and in a zone");
  next.set_help_flag("--help", "print this help and exit");
  next.add_option("EXPR", flags->expression,
                  "five cron fields in one argument (\"0 3 * * mon-fri\"), @daily and the like, or "
                  "\"@every 90s\"")
      ->required();
  next.add_option("--count", flags->count, "how many (default: 5)")
      ->check(CLI::Range(std::size_t{1}, std::size_t{10'000'000}))
      ->option_text("N");
  next.add_option("--tz", flags->zone, "time zone, an IANA name (default: UTC)")
      ->option_text("ZONE");
  next.add_option("--from", flags->from,
                  "later than this (default: now): 2026-03-29T01:00:00Z, or a time of the zone")
      ->option_text("TIME");
  add_output_format(next, flags->output, "text, or json: an array of slots");
  return [flags] { return run_next(*flags); };
}

}  // namespace sluice::app

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/cli.hpp"
#include "app/output.hpp"
#include "app/runtime.hpp"
#include "app/schedule_run.hpp"
#include "app/schedule_status.hpp"
#include "app/server_wait.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "jobs/config.hpp"
#include "jobs/history.hpp"
#include "ledger/ledger.hpp"
#include "script/secret_arguments.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

using schedule::Instant;

struct NextFlags {
  std::vector<std::string> expression;  ///< of several parts: it was not quoted
  std::size_t count = 5;
  std::optional<std::string> zone;
  std::string from;
  OutputFormat output = OutputFormat::text;
};

template <class T>
T value_of(std::expected<T, std::string> parsed, const std::string& flag) {
  if (!parsed) throw Failure(FailureKind::usage, flag + parsed.error());
  return std::move(*parsed);
}

/// The shell makes files' names of a lone *, and parts of a text.
const std::string& expression_of(const NextFlags& flags) {
  if (flags.expression.size() == 1) return flags.expression.front();
  throw Failure(FailureKind::usage,
                "the expression is one argument, and here are " +
                    std::to_string(flags.expression.size()) +
                    ": put it in quotes, as the shell puts file names where * stands: pgsluice "
                    "schedule next \"0 3 * * *\"");
}

void print_next(const NextFlags& flags) {
  if (flags.zone) value_of(schedule::TimeZone::find(*flags.zone), "--tz: ");
  const auto [recurrence, zone, expression, zone_name] =
      value_of(schedule::read_recurrence(expression_of(flags), flags.zone, "--tz"), "");
  Instant at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (!flags.from.empty()) at = value_of(zone.parse(flags.from), "--from: ");
  if (at > schedule::last_instant || at < Instant{})
    throw Failure(FailureKind::usage, "--from: write a time between 1970 and 9999");
  nlohmann::ordered_json slots = nlohmann::ordered_json::array();
  std::string lines;
  for (std::size_t i = 0; i < flags.count; ++i) {
    at = recurrence.next(at);
    if (at > schedule::last_instant) {
      print_note("no slot behind the year 9999 is shown");
      break;
    }
    const std::string local = zone.format(at);
    const std::string universal = schedule::format_utc(at);
    if (flags.output == OutputFormat::json) {
      slots.push_back({{"slot", universal}, {"local", local}});
    } else {
      lines += universal + "  " + local + "\n";
    }
    if (lines.size() < limits::MiB) continue;
    print_result(lines);
    lines.clear();
  }
  print_result(lines);
  if (flags.output == OutputFormat::json) print_json(slots);
}

/// Reads the configuration, and says when each job is due next.
int check(const ScheduleFlags& flags) {
  const jobs::Config config = read_jobs(flags.config, flags.project);
  std::string text;
  for (const jobs::Job& job : config.jobs) {
    std::string command = "pgsluice";
    for (const std::string& argument : script::without_secrets(job.command.arguments))
      command += " " + argument;
    const jobs::Command& does = job.command;
    if (!does.files.empty() || does.is_of_names()) command += " --";
    for (const std::string& file : job.command.files) command += " " + file;
    for (const std::string& pattern : does.patterns) command += " " + pattern;
    for (const std::string& url : does.remotes) command += " " + source::shown_remote(url);
    for (const std::string& list : does.lists) command += " " + list;
    text += cell(job.name + "  " + job.schedule) + "\n  " + cell(command) + "\n  next:";
    Instant at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    for (int i = 0; i < 3; ++i) {
      at = job.recurrence.next(at);
      text += " " + schedule::format_utc(at);
    }
    text += "\n";
    for (const auto& [kind, name] : names_of(jobs::HookKind())) {
      const jobs::Hook& hook = jobs::Hooks::of(job.hooks, kind);
      if (hook.is_given()) text += "  " + std::string(name) + ": " + cell(hook.shown()) + "\n";
    }
  }
  print_result(text + cell(flags.config) + ": " + std::to_string(config.jobs.size()) +
               (config.jobs.size() == 1 ? " job\n" : " jobs\n"));
  return exit_ok;
}

asio::awaitable<void> read_runs(pg::Pool& pool, const ScheduleFlags& flags,
                                std::vector<jobs::RunEntry>& entries) {
  pg::Lease connection = co_await pool.acquire();
  if (!co_await ledger::is_readable(*connection, ledger::Use::read_runs)) co_return;
  jobs::RunsFilter filter{
      .project = flags.project.value_or(""), .job = flags.job, .count = flags.count};
  entries = co_await jobs::list_runs(*connection, std::move(filter));
}

int history(const ScheduleFlags& flags) {
  require_utf8("JOB", flags.job);
  require_utf8("--project", flags.project.value_or(""));
  // The connection of the configuration is used where there is one.
  std::string dbname;
  if (std::ifstream(flags.config).good())
    dbname =
        jobs::read_config(flags.config, jobs::process_environment(), jobs::ConfigUse::look).dbname;
  Runtime runtime(connection_of(flags, dbname));
  std::vector<jobs::RunEntry> entries;
  runtime.end_on_signal();
  try {
    runtime.run(read_runs(runtime.pool(), flags, entries));
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    print_error("interrupted");
    return exit_code_of(FailureKind::interrupted, runtime.signal());
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::untranslatable_character)) throw;
    throw Failure(FailureKind::usage,
                  "the database's encoding cannot hold this name of a job or --project, so that it "
                  "has none: " +
                      error.message);
  }
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text;
  const bool several = std::ranges::any_of(entries, [&entries](const jobs::RunEntry& entry) {
    return entry.id.project != entries.front().id.project;
  });
  for (const jobs::RunEntry& entry : entries) {
    if (flags.common.output == OutputFormat::json) {
      json.push_back(json_of(entry));
      continue;
    }
    std::string line =
        schedule::format_utc(entry.id.slot) + "  " + std::string(name_of(entry.state));
    line.resize(std::max<std::size_t>(line.size(), 35), ' ');
    line += (several ? entry.id.project + "/" : "") + entry.id.job;
    if (entry.attempts > 0 && !entry.seconds.empty()) line += "  " + entry.seconds + " s";
    const std::string gist = jobs::gist(entry.state, entry.message);
    if (!gist.empty()) line += "  " + gist;
    if (!entry.hooks_message.empty()) line += "  (not told: " + entry.hooks_message + ")";
    text += cell(line) + "\n";
  }
  if (flags.common.output == OutputFormat::json) {
    print_json(json);
  } else {
    print_result(text);
  }
  return exit_ok;
}

/// `path` is "pgsluice schedule run".
int guarded(const std::string& path, OutputFormat output, const std::function<int()>& command) {
  const auto fail = [&](int exit_code, const std::string& message) {
    if (output == OutputFormat::json) {
      print_json(json_of_failure(path, exit_code, message));
    } else {
      print_error(message);
    }
    return exit_code;
  };
  try {
    return command();
  } catch (const Failure& failure) {
    return fail(exit_code_of(failure.kind(), 0), failure.what());
  } catch (const pg::PgError& error) {
    return fail(error.phase == pg::Phase::connect ? exit_connect : exit_failed, error.full());
  }
}

CLI::App& add(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App& c = *parent.add_subcommand(name, help);
  c.set_help_flag("--help", "print this help and exit");
  return c;
}

void add_config(CLI::App& c, const std::shared_ptr<ScheduleFlags>& flags) {
  c.add_option("--config", flags->config, "the configuration (default: pgsluice.toml)")
      ->option_text("FILE");
}

void add_project(CLI::App& c, const std::shared_ptr<ScheduleFlags>& flags,
                 const std::string& help) {
  c.add_option("--project", flags->project, help)->option_text("NAME");
}

void add_metrics_file(CLI::App& c, const std::shared_ptr<ScheduleFlags>& flags) {
  c.add_option("--metrics-file", flags->metrics_file,
               "write what Prometheus wants to know of the jobs to this file, for node_exporter's "
               "textfile collector: *.prom")
      ->option_text("FILE");
  add_duration_option(c, "--late-after", flags->late_after,
                      "a job is late whose slot nobody has begun for so long (default: 5m)");
}

void add_status(CLI::App& parent, const std::shared_ptr<ScheduleFlags>& flags,
                const std::string& whose) {
  CLI::App& status = add(parent, "status",
                         "next and last run of each job, late ones first, for a monitoring check");
  add_config(status, flags);
  add_project(status, flags, whose);
  add_metrics_file(status, flags);
  add_connection_options(status, flags->common);
  add_output_format(status, flags->common.output, "text, or json: one object, also on failure");
  status.footer(
      "Exit codes: 0 none is late, 1 a job is late, 2 wrong configuration, 4 cannot connect.");
}

void add_history(CLI::App& parent, const std::shared_ptr<ScheduleFlags>& flags) {
  CLI::App& c = add(parent, "history", "what became of each slot, newest first");
  c.add_option("JOB", flags->job, "of this job only");
  c.add_option("-n,--count", flags->count, "how many (default: 20)")->option_text("N");
  add_config(c, flags);
  add_project(c, flags, "of this project only");
  add_connection_options(c, flags->common);
  add_output_format(c, flags->common.output, "text, or json: an array of runs");
}

void add_next(CLI::App& parent, const std::shared_ptr<NextFlags>& flags) {
  CLI::App& next = add(parent, "next", "the next slots of an expression, in UTC and in a zone");
  next.add_option("EXPR", flags->expression,
                  "five cron fields in one argument (\"0 3 * * mon-fri\"), six with the second in "
                  "front, @daily and the like, or \"@every 90s\"; TZ=ZONE may stand in front")
      ->required();
  const auto count = [flags](const std::uint64_t& number) { flags->count = number; };
  add_number_option(next, "--count", {1, 10'000'000}, count, "how many (default: 5)");
  next.add_option("--tz", flags->zone, "time zone, an IANA name (default: UTC)")
      ->option_text("ZONE");
  next.add_option("--from", flags->from,
                  "later than this (default: now): 2026-03-29T01:00:00Z, or a time of the zone")
      ->option_text("TIME");
  add_output_format(next, flags->output, "text, or json: an array of slots");
}

}  // namespace

Run add_schedule_command(CLI::App& app) {
  auto next_flags = std::make_shared<NextFlags>();
  auto flags = std::make_shared<ScheduleFlags>();
  auto command = std::make_shared<std::function<int()>>();
  CLI::App& c =
      *app.add_subcommand("schedule", "run jobs (loads, migrations, SQL) when they are due");
  c.set_help_flag("--help", "print this help and exit");
  c.require_subcommand(1);
  const std::string whose =
      "whose jobs these are, where several applications share a database (default: what the "
      "configuration says, or its place in its repository)";

  CLI::App& run = add(c, "run", "run the jobs of a configuration when they are due");
  add_config(run, flags);
  run.add_flag("--once", flags->once,
               "run what is due now, and end: for cron, systemd timers and Kubernetes CronJobs");
  add_log_option(run, "stderr, with a line an event");
  add_project(run, flags, whose);
  add_metrics_file(run, flags);
  add_connection_options(run, flags->common);
  add_wait_option(run, flags->wait, "60s");
  run.footer(
      "SIGTERM and SIGINT: no new slot, and the grace period for what runs; again: at once. SIGHUP "
      "reads the configuration again.\nExit codes: 0 ended well, 1 (--once) a job failed, 2 wrong "
      "configuration, 4 cannot connect, 130/143 a job was interrupted.");
  run.callback([command, flags] { *command = [flags] { return run_schedule(*flags); }; });

  CLI::App& check_command =
      add(c, "check", "read a configuration, and say what it runs and when; asks no database");
  add_config(check_command, flags);
  add_project(check_command, flags, whose);
  add_log_option(check_command, "stderr");
  check_command.callback([command, flags] { *command = [flags] { return check(*flags); }; });

  add_status(c, flags, whose);
  c.get_subcommand("status")->callback(
      [command, flags] { *command = [flags] { return schedule_status(*flags); }; });

  add_history(c, flags);
  c.get_subcommand("history")->callback(
      [command, flags] { *command = [flags] { return history(*flags); }; });

  add_next(c, next_flags);
  c.get_subcommand("next")->callback([command, next_flags] {
    *command = [next_flags] {
      print_next(*next_flags);
      return static_cast<int>(exit_ok);
    };
  });
  return [command, flags, next_flags, &c] {
    const std::string name = c.get_subcommands().front()->get_name();
    const OutputFormat output = name == "next" ? next_flags->output : flags->common.output;
    return guarded("pgsluice schedule " + name, output, *command);
  };
}

}  // namespace sluice::app

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "app/lint_command.hpp"
#include "app/migrate_cli.hpp"
#include "app/migrate_flags.hpp"
#include "app/migrate_status.hpp"
#include "app/migrate_steps.hpp"
#include "app/migrate_tenants.hpp"
#include "app/output.hpp"
#include "app/server_wait.hpp"
#include "app/signals.hpp"
#include "app/trace_command.hpp"
#include "base/exit_code.hpp"
#include "base/quantity.hpp"
#include "migrate/migrate.hpp"
#include "migrate/sql_error.hpp"

namespace sluice::app {
namespace {

using nlohmann::ordered_json;

using Outcome = MigrateOutcome;
using Command = MigrateStep;

/// The file that runs, which the thread of the signals names.
class UnderWay {
 public:
  void begin(const std::string& path) {
    const std::lock_guard lock(mutex_);
    path_ = path;
  }
  void tell_stop(std::chrono::milliseconds stop_after) {
    const std::lock_guard lock(mutex_);
    if (path_.empty()) return;
    print_note("stopping: " + path_ + " is cancelled if it has not ended within " +
               format_duration(stop_after) + " (--stop-after), or at a second signal");
  }

 private:
  std::mutex mutex_;
  std::string path_;
};

void print_end(const MigrateFlags& flags, const Outcome& outcome) {
  if (flags.common.output == OutputFormat::json) {
    ordered_json json{{"command", "migrate " + flags.name}, {"exit_code", outcome.exit_code}};
    if (!outcome.message.empty()) json["error"] = {{"message", outcome.message}};
    json.update(outcome.json);
    print_json(json);
  }
  if (!outcome.message.empty()) print_error(outcome.message);
}

int run(const MigrateFlags& flags, const Command& command) {
  const std::chrono::milliseconds stop_after = stop_after_of(flags);
  // What is to stop now and cannot has a part of the time too.
  const auto patience = std::min(limits::migration_cancel_patience, stop_after / 2);
  UnderWay under_way;
  const auto tell_stop = [&under_way, stop_after] { under_way.tell_stop(stop_after); };
  const SignalThread signals(tell_stop, stop_after - patience);
  const migrate::Stop stop{signals.soon(), signals.now(), patience};
  Outcome outcome;
  ordered_json applied = ordered_json::array();
  ordered_json taken_back = ordered_json::array();
  const migrate::Listener listener{
      [&flags](const std::string& note) {
        if (!flags.common.quiet) print_note(note);
      },
      [&](const script::Script& script, std::chrono::duration<double> duration) {
        applied.push_back({{"file", script.path}, {"seconds", duration.count()}});
        if (prints_text(flags)) {
          print_result((flags.options.dry_run ? "would apply " : "applied ") + cell(script.path) +
                       " in " + format_duration(duration) + "\n");
        }
      },
      [&](const script::Script& way, std::chrono::duration<double> duration) {
        taken_back.push_back({{"file", way.path}, {"seconds", duration.count()}});
        if (prints_text(flags)) {
          print_result("took back " + cell(way.path) + " in " + format_duration(duration) + "\n");
        }
      },
      [&under_way](const std::string& path) { under_way.begin(path); }};
  const auto fail = [&outcome](int exit_code, const std::string& message) {
    outcome.exit_code = exit_code;
    outcome.message = message;
  };
  try {
    const migrate::Options options = options_of(flags);
    if (flags.connects) {
      await_server(connection_of(flags),
                   {.patience = wait_of_command(flags.wait), .say = listener.note}, stop.soon);
    }
    outcome = command(flags, options, listener, stop);
  } catch (const Failure& failure) {
    fail(exit_code_of(failure.kind(), signals.number()), failure.what());
  } catch (const migrate::SqlError& error) {
    fail(stop.asked() ? exit_code_of(FailureKind::interrupted, signals.number()) : exit_failed,
         stop.asked() ? "interrupted" : error.primary());
  } catch (const pg::PgError& error) {
    fail(exit_connect, error.full());
  }
  if (!taken_back.empty()) outcome.json["taken_back"] = taken_back;
  const bool is_told = outcome.json.contains("applied");
  const bool is_of_up = flags.name == "up" && outcome.exit_code == exit_ok && !is_told;
  if (is_of_up || !applied.empty()) outcome.json["applied"] = applied;
  print_end(flags, outcome);
  return outcome.exit_code;
}

bool has_files(const script::Folder& folder) {
  return !folder.versioned.empty() || !folder.repeatable.empty() || !folder.before.empty() ||
         !folder.after.empty();
}

Outcome up(const MigrateFlags& flags, const TenantFlags& tenants, const migrate::Options& given,
           const migrate::Listener& listener, const migrate::Stop& stop) {
  if (!tenants.like && (tenants.jobs || tenants.trusts_owners))
    throw Failure(FailureKind::usage, "--jobs and --trust-schema-owners want --schemas");
  const script::Folder folder = script::read_folder(flags.folder);
  for (const std::string& note : folder.notes) listener.note(note);
  migrate::Options options = given;
  take_variables(folder, options);
  if (tenants.like) return up_in_schemas(flags, tenants, folder, options, listener, stop);
  const migrate::Report report = migrate::up(folder, options, listener, stop);
  for (const std::string& path : report.not_tried)
    listener.note(path + ": not tried, as it cannot be rolled back (no-transaction)");
  if (prints_text(flags)) {
    if (options.dry_run) {
      print_result("dry run: all is rolled back\n");
    } else if (report.applied == 0) {
      print_result(has_files(folder)
                       ? "nothing to do: all files of " + cell(flags.folder) + " are applied\n"
                       : "nothing to do: " + cell(flags.folder) + " has no migration\n");
    }
  }
  Outcome outcome;
  if (options.dry_run) outcome.json["not_tried"] = report.not_tried;
  return outcome;
}

void tell(const script::Folder& folder, const migrate::Found& found,
          const migrate::Listener& listener) {
  for (const std::string& note : folder.notes) listener.note(note);
  if (!found.choice.note.empty()) listener.note(found.choice.note);
}

Outcome status(const MigrateFlags& flags, const migrate::Options& options,
               const migrate::Listener& listener, const migrate::Stop& stop) {
  const script::Folder folder = script::read_folder(flags.folder);
  const migrate::Found found = migrate::find_history(folder, options, stop);
  const script::Plan plan =
      script::make_plan(folder, found.history(), std::nullopt, options.strict);
  tell(folder, found, listener);
  for (const std::string& note : plan.notes) listener.note(note);
  Outcome outcome;
  outcome.json["project"] = found.choice.project;
  outcome.json["migrations"] = ordered_json::array();
  for (const script::Status& one : plan.all) {
    if (prints_text(flags)) print_status(one);
    if (flags.common.output == OutputFormat::json)
      outcome.json["migrations"].push_back(json_of(one));
  }
  for (const script::Script& script : folder.scheduled)
    listener.note(script.path + ": runs on its schedule (pgsluice schedule run)");
  if (prints_text(flags)) {
    const auto done = std::ranges::count_if(plan.all, [](const script::Status& one) {
      return one.state == script::Status::State::applied ||
             one.state == script::Status::State::baseline;
    });
    print_result(std::to_string(plan.pending.size()) + " pending, " + std::to_string(done) +
                 " applied\n");
  }
  outcome.json["pending"] = plan.pending.size();
  outcome.exit_code = plan.pending.empty() ? exit_ok : exit_pending;
  if (!plan.drift.empty()) {
    outcome.exit_code = exit_changed;
    outcome.message = script::describe(plan.drift);
  }
  return outcome;
}

/// What plan looks at beside the history.
struct PlanLooks {
  LintFlags lint;
  TraceFlags trace;
};

Outcome plan(const MigrateFlags& flags, const PlanLooks& looks, const migrate::Options& options,
             const migrate::Listener& listener, const migrate::Stop& stop) {
  const script::Folder folder = script::read_folder(flags.folder);
  const migrate::Found found = migrate::find_history(folder, options, stop);
  const script::Plan plan = script::make_plan(folder, found.history(), options.to, options.strict);
  tell(folder, found, listener);
  if (!plan.drift.empty()) throw Failure(FailureKind::changed, script::describe(plan.drift));
  for (const std::string& note : plan.notes) listener.note(note);
  Outcome outcome;
  outcome.json["plan"] = ordered_json::array();
  for (const script::Status& one : plan.pending) {
    const bool whole = one.script->directives.in_transaction;
    const std::size_t done = one.entry == nullptr ? 0 : one.entry->statements_done;
    outcome.json["plan"].push_back(
        {{"file", one.script->path}, {"in_transaction", whole}, {"statements_done", done}});
    if (!prints_text(flags)) continue;
    print_result(cell(one.script->path) +
                 (whole ? "  in one transaction" : "  statement by statement") +
                 (done > 0 ? ", behind statement " + std::to_string(done) : "") + "\n");
  }
  if (prints_text(flags))
    print_result(plan.pending.empty() ? "nothing to do\n" : "pgsluice migrate up runs these\n");
  lint_pending(flags, looks.lint, plan, outcome);
  trace_pending(flags, looks.trace, options, plan, listener, stop, outcome);
  return outcome;
}

Outcome say(const MigrateFlags& flags, const std::string& sentence) {
  if (prints_text(flags)) print_result(cell(sentence) + "\n");
  Outcome outcome;
  outcome.json["done"] = sentence;
  return outcome;
}

Outcome make_new(const MigrateFlags& flags, const migrate::Options&, const migrate::Listener&,
                 const migrate::Stop&) {
  const std::vector<std::string> made = migrate::new_script(
      flags.folder, flags.argument, flags.style, std::chrono::system_clock::now());
  std::string all;
  for (const std::string& path : made) all += (all.empty() ? "" : ", ") + path;
  return say(flags, all);
}

Outcome repair(const MigrateFlags& flags, const migrate::Options& options, const migrate::Listener&,
               const migrate::Stop& stop) {
  const int given =
      !flags.accept.empty() + !flags.forget.empty() + static_cast<int>(flags.accept_search_path);
  if (given != 1) {
    throw Failure(FailureKind::usage,
                  "repair takes one of --accept VERSION, --forget VERSION and "
                  "--accept-search-path");
  }
  if (!flags.forget.empty()) {
    return say(flags, migrate::forget(folder_if_any(flags.folder), options, flags.forget, stop));
  }
  if (flags.accept_search_path) {
    return say(flags, migrate::accept_search_path(folder_if_any(flags.folder), options, stop));
  }
  return say(flags,
             migrate::accept(script::read_folder(flags.folder), options, flags.accept, stop));
}

Outcome baseline(const MigrateFlags& flags, const migrate::Options& options,
                 const migrate::Listener&, const migrate::Stop& stop) {
  return say(flags, migrate::baseline(folder_if_any(flags.folder), options,
                                      version_of("VERSION", flags.version), stop));
}

Outcome run_file(const MigrateFlags& flags, const migrate::Options& given,
                 const migrate::Listener& listener, const migrate::Stop& stop) {
  const script::Script script = script::read_script(flags.argument);
  migrate::Options options = given;
  take_variables(script, options);
  const auto began = std::chrono::steady_clock::now();
  migrate::run_file(script, options, listener, stop);
  return say(flags, "ran " + script.path + " in " +
                        format_duration(std::chrono::steady_clock::now() - began));
}

void add_applying(const MigrateCli& cli) {
  const auto& flags = cli.flags;
  CLI::App& up_command = add_migrate_subcommand(cli.parent, "up", "apply what is pending", flags);
  add_folder(up_command, flags);
  add_to(up_command, flags);
  add_strict(up_command, flags);
  add_running(up_command, flags);
  add_safe(up_command, flags);
  add_lock_wait(up_command, flags);
  up_command.add_flag("--dry-run", flags->options.dry_run,
                      "run what can be rolled back, and roll it back");
  const auto tenants = std::make_shared<TenantFlags>();
  add_tenants(up_command, tenants);
  cli.choose(up_command, [tenants](const MigrateFlags& given, const migrate::Options& options,
                                   const migrate::Listener& listener, const migrate::Stop& stop) {
    return up(given, *tenants, options, listener, stop);
  });

  CLI::App& status_command =
      add_migrate_subcommand(cli.parent, "status", "what is applied and what is pending", flags);
  add_folder(status_command, flags);
  add_strict(status_command, flags);
  cli.choose(status_command, status);

  CLI::App& plan_command =
      add_migrate_subcommand(cli.parent, "plan", "what up would run, in order", flags);
  add_folder(plan_command, flags);
  add_to(plan_command, flags);
  add_strict(plan_command, flags);
  add_running(plan_command, flags);
  const auto looks = std::make_shared<PlanLooks>();
  add_plan_lint(plan_command, {looks, &looks->lint});
  add_plan_trace(plan_command, {looks, &looks->trace});
  cli.choose(plan_command, [looks](const MigrateFlags& given, const migrate::Options& options,
                                   const migrate::Listener& listener, const migrate::Stop& stop) {
    return plan(given, *looks, options, listener, stop);
  });
}

void add_lint(const MigrateCli& cli) {
  const auto lint = std::make_shared<LintFlags>();
  CLI::App& lint_command = add_lint_subcommand(cli.parent, cli.flags, lint);
  lint_command.callback([command = cli.command, flags = cli.flags, lint] {
    flags->connects = false;
    if (lint->format == LintFormat::json) flags->common.output = OutputFormat::json;
    *command = [lint](const MigrateFlags& given, const migrate::Options&, const migrate::Listener&,
                      const migrate::Stop&) { return run_lint(given, *lint); };
  });
}

void add_back(const MigrateCli& cli) {
  const auto& flags = cli.flags;
  CLI::App& down_command = add_migrate_subcommand(
      cli.parent, "down", "take back what was applied last, by its way back", flags);
  add_folder(down_command, flags);
  down_command.add_option("--to", flags->to, "the last version that stays; 0: none")
      ->option_text("VERSION");
  const auto take_steps = [flags](const std::uint64_t& steps) { flags->steps = steps; };
  add_number_option(down_command, "--steps", {.min = 1}, take_steps, "how many (default: 1)");
  CLI::App& redo_command = add_migrate_subcommand(
      cli.parent, "redo", "take back what was applied last, and apply it again", flags);
  add_folder(redo_command, flags);
  for (CLI::App* const command : {&down_command, &redo_command}) {
    command->add_flag("--yes", flags->yes, "do not ask");
    command->add_flag("--no-transaction", flags->no_transaction,
                      "also ways back that are no transaction");
    add_running(*command, flags);
    add_lock_wait(*command, flags);
  }
  cli.choose(down_command, down_step);
  cli.choose(redo_command, redo_step);
}

void add_new(const MigrateCli& cli) {
  const auto& flags = cli.flags;
  CLI::App& new_command = *cli.parent.add_subcommand("new", "make an empty migration");
  new_command.set_help_flag("--help", "print this help and exit");
  new_command.add_option("NAME", flags->argument, "what it does, in a few words")->required();
  add_folder(new_command, flags);
  const Take<migrate::NewStyle> take_style = [flags](const migrate::NewStyle& style) {
    flags->style = style;
  };
  add_choice_option(
      new_command, "--style", take_style,
      "whose way of writing files it is in (default: that of the folder's last file)");
  add_migrate_output(new_command, flags);
  new_command.callback([command = cli.command, flags] {
    flags->connects = false;
    *command = make_new;
  });
}

void add_mending(const MigrateCli& cli) {
  const auto& flags = cli.flags;
  CLI::App& repair_command =
      add_migrate_subcommand(cli.parent, "repair", "say that a difference is meant", flags);
  add_folder(repair_command, flags);
  add_lock_wait(repair_command, flags);
  repair_command
      .add_option("--accept", flags->accept,
                  "a version, or the name of a repeatable file: what it says now, or that it is "
                  "gone, is right")
      ->option_text("VERSION");
  repair_command
      .add_option("--forget", flags->forget,
                  "a version that failed half-way: it runs from its beginning next time")
      ->option_text("VERSION");
  repair_command.add_flag("--accept-search-path", flags->accept_search_path,
                          "what was applied lies where the search_path leads now");
  cli.choose(repair_command, repair);

  CLI::App& baseline_command = add_migrate_subcommand(
      cli.parent, "baseline", "say that everything up to a version is in the database already",
      flags);
  baseline_command.add_option("VERSION", flags->version, "the last version that is there")
      ->required();
  add_folder(baseline_command, flags);
  add_lock_wait(baseline_command, flags);
  cli.choose(baseline_command, baseline);
}

void add_adopt(const MigrateCli& cli) {
  const auto& flags = cli.flags;
  CLI::App& c = add_migrate_subcommand(cli.parent, "adopt",
                                       "take over a history that another tool began", flags);
  add_folder(c, flags);
  const Take<script::Tool> take_tool = [flags](const script::Tool& tool) {
    flags->theirs.from = tool;
  };
  add_choice_option(c, "--from", take_tool, "whose (default: the one that the database has)");
  c.add_option("--table", flags->theirs.table, "its table, where that is not called as usual")
      ->option_text("SCHEMA.TABLE");
  c.add_option("--owner", flags->theirs.owner,
               "the role that migrates with it, where that is not you: what its table says is "
               "trusted")
      ->option_text("ROLE");
  c.add_option("--baseline", flags->version,
               "of a tool whose files are not read: the version up to which all is there")
      ->option_text("VERSION");
  c.add_flag("--accept", flags->accepts, "also where files are gone, or were edited since");
  c.add_flag("--dry-run", flags->options.dry_run,
             "show what would be recorded, and record nothing");
  c.add_flag("--yes", flags->yes, "do not ask");
  add_lock_wait(c, flags);
  cli.choose(c, adopt_step);
}

void add_run(const MigrateCli& cli) {
  const auto& flags = cli.flags;
  CLI::App& run_command = add_migrate_subcommand(
      cli.parent, "run", "run one SQL file now, and keep no record of it", flags);
  run_command.add_option("FILE", flags->argument, "an S__name.sql, or any other migration")
      ->required();
  add_running(run_command, flags);
  cli.choose(run_command, run_file);
}

}  // namespace

bool prints_text(const MigrateFlags& flags) {
  return flags.common.output == OutputFormat::text && !flags.common.quiet;
}

void take_variables(const script::Script& script, migrate::Options& options) {
  for (const script::Variable& variable : script.directives.variables) {
    if (const char* const value = std::getenv(variable.name.c_str()))
      options.placeholders.emplace(variable.name, value);
  }
}

script::Folder folder_if_any(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error) ? script::read_folder(path) : script::Folder{};
}

void take_variables(const script::Folder& folder, migrate::Options& options) {
  for (const auto* scripts : {&folder.versioned, &folder.before, &folder.after})
    for (const script::Script& script : *scripts) take_variables(script, options);
}

Run add_migrate_command(CLI::App& app) {
  CLI::App& c = *app.add_subcommand("migrate", "SQL migrations: each file once, in order");
  c.set_help_flag("--help", "print this help and exit");
  c.require_subcommand(1);
  c.footer(
      "Files: V20260131120000__name.sql or 001_name.sql run once, R__name.sql whenever it changed, "
      "S__name.sql on its schedule.\nExit codes: 0 nothing pending, 1 failed, 2 wrong usage or "
      "file, 4 cannot connect, 6 another run holds the lock,\n7 files and history (verify: and "
      "database) differ, 10 "
      "(status) migrations are pending, 130/143 interrupted.");
  const MigrateCli cli{c};
  add_applying(cli);
  add_back(cli);
  add_lint(cli);
  add_new(cli);
  add_mending(cli);
  add_adopt(cli);
  add_run(cli);
  add_verify(cli);
  add_schema_files(cli);
  add_squash(cli);
  return [flags = cli.flags, command = cli.command, &c] {
    flags->name = c.get_subcommands().front()->get_name();
    return run(*flags, *command);
  };
}

}  // namespace sluice::app

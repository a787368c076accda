#include "app/lint_command.hpp"

#include <filesystem>

#include "app/output.hpp"
#include "base/suggestion.hpp"

namespace sluice::app {
namespace {

std::set<lint::RuleId> rules_of(const std::string& flag, const std::vector<std::string>& names) {
  std::set<lint::RuleId> ids;
  for (const std::string& name : names) {
    const lint::Rule* const rule = lint::rule_named(name);
    if (rule == nullptr) {
      const auto meant = nearest(name, lint::rule_names());
      throw Failure(FailureKind::usage, flag + ": no rule is called \"" + name + "\"" +
                                            (meant ? "; did you mean " + *meant + "?"
                                                   : "; pgsluice migrate lint --rules lists them"));
    }
    ids.insert(rule->id);
  }
  return ids;
}

lint::Options lint_options_of(const MigrateFlags& flags, const LintFlags& lint) {
  lint::Options options = lint.options;
  options.included = rules_of("--include", lint.included);
  options.excluded = rules_of("--exclude", lint.excluded);
  options.has_lock_timeout = flags.options.lock_timeout.count() > 0;
  return options;
}

int lint_exit_code(const LintFlags& lint, const LintedFiles& linted) {
  using lint::Level;
  bool fails = false;
  switch (lint.fail_on) {
    case FailOn::never: break;
    case FailOn::note: fails = linted.count(Level::note) > 0; [[fallthrough]];
    case FailOn::warning: fails = fails || linted.count(Level::warning) > 0; [[fallthrough]];
    case FailOn::error: fails = fails || linted.count(Level::error) > 0;
  }
  return fails ? exit_failed : exit_ok;
}

void add_folder_scripts(const script::Folder& folder, std::vector<const script::Script*>& scripts) {
  for (const auto* const kind :
       {&folder.before, &folder.versioned, &folder.repeatable, &folder.after, &folder.scheduled})
    for (const script::Script& script : *kind) scripts.push_back(&script);
}

/// Files and folders, in the order in which they are given.
LintedFiles lint_given(const MigrateFlags& flags, const LintFlags& lint) {
  std::vector<std::string> paths = lint.files;
  if (paths.empty()) paths.push_back(flags.folder);
  // Neither moves: they are pointed to.
  std::vector<std::unique_ptr<script::Folder>> folders;
  std::vector<std::unique_ptr<script::Script>> files;
  std::vector<const script::Script*> scripts;
  for (const std::string& path : paths) {
    std::error_code error;
    if (lint.files.empty() || std::filesystem::is_directory(path, error)) {
      folders.push_back(std::make_unique<script::Folder>(script::read_folder(path)));
      add_folder_scripts(*folders.back(), scripts);
      if (flags.common.quiet) continue;
      for (const std::string& note : folders.back()->notes) print_note(note);
    } else {
      files.push_back(std::make_unique<script::Script>(script::read_script(path)));
      scripts.push_back(files.back().get());
    }
  }
  return lint_scripts(scripts, lint_options_of(flags, lint));
}

void add_rule_flags(CLI::App& c, const std::shared_ptr<LintFlags>& lint) {
  add_list_option(c, "--include", lint->included, true, "rules that are off, to look for as well")
      .option_text("RULE,...");
  add_list_option(c, "--exclude", lint->excluded, true, "rules not to look for")
      .option_text("RULE,...");
  add_choice_option<FailOn>(c, "--fail-on", lint->fail_on,
                            "from which level on a finding is exit code 1 (default: warning)");
}

}  // namespace

CLI::App& add_lint_subcommand(CLI::App& parent, const std::shared_ptr<MigrateFlags>& flags,
                              const std::shared_ptr<LintFlags>& lint) {
  CLI::App& c = *parent.add_subcommand("lint", "what migrations would block or break: no server");
  c.set_help_flag("--help", "print this help and exit");
  c.add_option("FILES", lint->files, "files and folders, in order (default: the folder of --dir)");
  add_folder(c, flags);
  add_rule_flags(c, lint);
  add_number_option(
      c, "--server-version", {.min = lint::oldest_version, .max = lint::newest_version},
      [lint](std::uint64_t version) { lint->options.server_version = static_cast<int>(version); },
      "the server's (default: all from 13 to 18)");
  add_choice_option<lint::Runner>(
      c, "--runner", lint->options.runner,
      "who will run the files: pgsluice, a file in a transaction with a lock timeout, or another "
      "one, as psql does without either (default: pgsluice)");
  c.add_flag("--rules", lint->lists_rules, "list the rules, and read no file");
  add_choice_option<LintFormat>(c, "--output", lint->format,
                                "text, json, lines that GitHub shows in a pull request, or SARIF")
      .group("Output");
  add_log_option(c, "stderr");
  c.add_flag("-q,--quiet", flags->common.quiet, "errors only")->group("Output");
  c.footer("Exit codes: 0 nothing found, 1 something was (see --fail-on), 2 wrong usage or file.");
  return c;
}

MigrateOutcome run_lint(const MigrateFlags& flags, const LintFlags& lint) {
  MigrateOutcome outcome;
  if (lint.lists_rules) {
    if (lint.format == LintFormat::json) outcome.json = rules_as_json();
    if (lint.format != LintFormat::json) print_result(rules_as_text());
    return outcome;
  }
  const LintedFiles linted = lint_given(flags, lint);
  switch (lint.format) {
    case LintFormat::text:
      if (!flags.common.quiet || !linted.found.empty()) print_result(text_of(linted));
      break;
    case LintFormat::json: outcome.json = json_of(linted); break;
    case LintFormat::github: print_result(github_of(linted)); break;
    case LintFormat::sarif: print_json(sarif_of(linted)); break;
  }
  outcome.exit_code = lint_exit_code(lint, linted);
  return outcome;
}

void add_plan_lint(CLI::App& plan, const std::shared_ptr<LintFlags>& lint) {
  plan.add_flag("--lint", lint->is_asked_for,
                "also what the files would block or break, as pgsluice migrate lint says it");
  add_rule_flags(plan, lint);
}

void lint_pending(const MigrateFlags& flags, const LintFlags& lint, const script::Plan& plan,
                  MigrateOutcome& outcome) {
  if (!lint.is_asked_for) return;
  std::vector<const script::Script*> scripts;
  for (const script::Status& one : plan.pending) scripts.push_back(one.script);
  const LintedFiles linted = lint_scripts(scripts, lint_options_of(flags, lint));
  if (flags.common.output == OutputFormat::text && !flags.common.quiet)
    print_result(text_of(linted));
  outcome.json["lint"] = json_of(linted);
  outcome.exit_code = lint_exit_code(lint, linted);
}

}  // namespace sluice::app

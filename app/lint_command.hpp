#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/lint_output.hpp"
#include "app/migrate_flags.hpp"
#include "app/migrate_steps.hpp"
#include "script/plan.hpp"

namespace sluice::app {

enum class FailOn { error, warning, note, never };
constexpr auto names_of(FailOn) {
  return std::array{Named{FailOn::warning, "warning"}, Named{FailOn::error, "error"},
                    Named{FailOn::note, "note"}, Named{FailOn::never, "never"}};
}

/// What stands behind `pgsluice migrate lint`, and behind plan --lint.
struct LintFlags {
  bool is_asked_for = false;  ///< of plan
  std::vector<std::string> files;
  std::vector<std::string> included;
  std::vector<std::string> excluded;
  lint::Options options;
  FailOn fail_on = FailOn::warning;
  LintFormat format = LintFormat::text;
  bool lists_rules = false;
};

/// The subcommand `lint`.
CLI::App& add_lint_subcommand(CLI::App& parent, const std::shared_ptr<MigrateFlags>& flags,
                              const std::shared_ptr<LintFlags>& lint);
MigrateOutcome run_lint(const MigrateFlags& flags, const LintFlags& lint);

/// --lint and what belongs to it, of plan.
void add_plan_lint(CLI::App& plan, const std::shared_ptr<LintFlags>& lint);
/// Of what is pending: printed, put into the outcome, and its exit code.
void lint_pending(const MigrateFlags& flags, const LintFlags& lint, const script::Plan& plan,
                  MigrateOutcome& outcome);

}  // namespace sluice::app

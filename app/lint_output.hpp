#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "app/lint_files.hpp"

namespace sluice::app {

enum class LintFormat { text, json, github, sarif };
constexpr auto names_of(LintFormat) {
  return std::array{Named{LintFormat::text, "text"}, Named{LintFormat::json, "json"},
                    Named{LintFormat::github, "github"}, Named{LintFormat::sarif, "sarif"}};
}

/// "a.sql:3:1: error: ... [rule]", with the statement and the safer SQL, and a sum.
std::string text_of(const LintedFiles& linted);
/// findings, files, errors, warnings and notes.
nlohmann::ordered_json json_of(const LintedFiles& linted);
/// Commands by which a workflow of GitHub marks lines:
/// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
std::string github_of(const LintedFiles& linted);
/// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
nlohmann::ordered_json sarif_of(const LintedFiles& linted);
/// All rules, a line each, and as JSON.
std::string rules_as_text();
nlohmann::ordered_json rules_as_json();

}  // namespace sluice::app

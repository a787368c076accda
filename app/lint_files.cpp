#include "app/lint_files.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "script/script_file.hpp"
#include "script/text_limits.hpp"

namespace sluice::app {
namespace {

/// All of a file whose text is not kept.
std::string text_of_file(const script::Script& script) {
  script::ScriptFile file(script.path);
  std::string text;
  while (file.read(text, limits::script_part_bytes)) {
    if (text.size() <= limits::script_statement_bytes_max) continue;
    throw Failure(FailureKind::usage,
                  script.path + ": is longer than " +
                      format_bytes(limits::script_statement_bytes_max) +
                      ", and is data rather than a change of a schema: lint the other files");
  }
  return text;
}

}  // namespace

std::size_t LintedFiles::count(lint::Level level) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      found, [level](const Found& one) { return one.finding.level == level; }));
}

LintedFiles lint_scripts(const std::vector<const script::Script*>& scripts,
                         const lint::Options& options) {
  LintedFiles linted;
  lint::Linter linter(options);
  for (const script::Script* const script : scripts) {
    const std::string text = script->is_kept ? std::string() : text_of_file(*script);
    auto findings = linter.check({.sql = script->is_kept ? std::string_view(script->text) : text,
                                  .directives = script->directives});
    if (!findings) {
      throw Failure(FailureKind::usage,
                    script::at(*script, findings.error().place) + ": " + findings.error().message);
    }
    for (lint::Finding& finding : *findings)
      linted.found.push_back({script->path, std::move(finding)});
    ++linted.files;
  }
  return linted;
}

}  // namespace sluice::app

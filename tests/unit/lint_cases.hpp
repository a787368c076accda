#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "lint/lint.hpp"
#include "script/sql_lexer.hpp"

/// Files to lint, and the ways in which the same SQL can be written.
namespace sluice::lint {

struct LintCase {
  const char* rule;
  const char* found;     ///< in which that rule finds something
  const char* harmless;  ///< nearly the same, in which no rule does
};

extern const std::vector<LintCase> lint_cases;
/// Files in which no rule finds anything, without those of the cases.
extern const std::vector<const char*> harmless_files;

/// The names of the rules that find something, in the order of their places, with a comma between.
inline std::string found_in(const std::string& sql, const Options& options = {}) {
  Linter linter(options);
  const auto directives = script::read_directives(sql);
  if (!directives) return directives.error().message;
  const auto findings = linter.check({.sql = sql, .directives = *directives});
  if (!findings) return findings.error().message;
  std::string names;
  for (const Finding& finding : *findings)
    names += (names.empty() ? "" : ",") + std::string(rule(finding.id).name);
  return names;
}

enum class Disguise { none, upper_case, comments, lines };
inline constexpr Disguise all_disguises[] = {Disguise::none, Disguise::upper_case,
                                             Disguise::comments, Disguise::lines};

/// The same SQL, spelled otherwise. Directives stay as they are.
inline std::string disguised(const std::string& sql, Disguise disguise) {
  if (disguise == Disguise::none) return sql;
  std::string result;
  std::size_t at = 0;
  bool touches = false;
  for (const script::Token token : script::lex_tokens(sql).all) {
    const std::string between = sql.substr(at, token.begin - at);
    const bool has_comment = between.find("--") != std::string::npos;
    touches = between.empty();
    if (touches || has_comment || disguise == Disguise::upper_case) {
      result += between;
    } else if (disguise == Disguise::comments) {
      result += " /* ; drop table x; ' /* \" */ $$ */ ";
    } else {
      result += "\r\n\t-- '; \" $$ alter table\n ";
    }
    std::string text = sql.substr(token.begin, token.end - token.begin);
    const bool is_plain = std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
                          text.find('\'') == std::string::npos;
    if (disguise == Disguise::upper_case && is_plain)
      for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    result += text;
    at = token.end;
  }
  return result + sql.substr(at);
}

}  // namespace sluice::lint

#include "lint/locks.hpp"

#include <algorithm>
#include <array>

#include "lint/checks.hpp"
#include "lint/lint.hpp"

namespace sluice::lint {
namespace {

/// What changes and reads rows, or settings.
bool locks_nothing(const Cursor& cursor) {
  static constexpr std::array<std::string_view, 15> all{
      "select",  "insert", "update", "delete", "with",    "values",    "merge",  "copy",
      "explain", "set",    "reset",  "show",   "analyze", "savepoint", "release"};
  return std::ranges::any_of(all, [&](std::string_view word) { return cursor.is(word); });
}

/// Its rows are read elsewhere, and nobody knows the new table.
bool makes_of_query(Cursor cursor) {
  if (!cursor.accept("create")) return false;
  if (cursor.is("materialized view")) return true;
  while (cursor.accept("temp") || cursor.accept("temporary") || cursor.accept("unlogged") ||
         cursor.accept("global") || cursor.accept("local")) {
  }
  return cursor.accept("table") && cursor.has("as");
}

/// The locks of others are not all in the words of the statement: an index has a table, a type is
/// used by some.
bool tells_its_locks(Cursor cursor) {
  static constexpr std::array<std::string_view, 10> all{"alter table",
                                                        "create table",
                                                        "create unlogged table",
                                                        "create index",
                                                        "create unique index",
                                                        "create trigger",
                                                        "drop table",
                                                        "truncate",
                                                        "lock",
                                                        "refresh materialized view"};
  return std::ranges::any_of(all, [&](std::string_view words) { return cursor.is(words); });
}

}  // namespace

StatementLocks locks_of(std::string_view statement) {
  const script::Lexed lexed = script::lex_sql(statement);
  if (lexed.statements.size() != 1) return {};
  const std::vector<Word> words = words_of(statement);
  Cursor cursor(words, statement);
  if (locks_nothing(cursor) || makes_of_query(cursor)) return {.is_known = true, .tables = {}};
  if (!tells_its_locks(cursor)) return {};
  const Options options;
  Scene scene(options);
  scene.begin_file({});
  scene.begin_statement(lexed.statements.front(), statement, 1);
  check_statement(scene, lexed.statements.front(), statement);
  StatementLocks locks{.is_known = true, .tables = {}};
  for (const Held& held : scene.transaction.held) locks.tables.push_back(held.written);
  return locks;
}

std::string safer_of(std::string_view statement) {
  Linter linter(Options{});
  const auto findings = linter.check({.sql = statement, .directives = {}});
  if (!findings) return "";
  for (const Finding& finding : *findings)
    if (finding.level == Level::error && !finding.safer.empty()) return finding.safer;
  return "";
}

}  // namespace sluice::lint

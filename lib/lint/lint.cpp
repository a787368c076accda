#include "lint/lint.hpp"

#include <algorithm>
#include <array>

#include "base/suggestion.hpp"
#include "lint/allow.hpp"
#include "lint/checks.hpp"
#include "script/written_places.hpp"

namespace sluice::lint {
namespace {

/// What goes over rows, however many.
bool goes_over_rows(const std::vector<std::string>& words) {
  static constexpr std::array<std::string_view, 10> all{
      "SELECT", "UPDATE", "DELETE", "INSERT", "WITH", "MERGE", "DO", "CALL", "COPY", "VALUES"};
  return std::ranges::find(all, words.front()) != all.end();
}

/// INSERT ... VALUES, and SELECT without FROM (setval), are short.
bool is_short(std::string_view statement, const std::vector<std::string>& words) {
  constexpr std::size_t bytes_max = 4096;
  if (words.front() == "VALUES") return true;
  if (statement.size() > bytes_max) return false;
  if (words.front() != "INSERT" && words.front() != "SELECT") return false;
  const std::vector<Word> all = words_of(statement);
  const Cursor cursor(all, statement);
  return words.front() == "INSERT" ? !cursor.has("select") && !cursor.has("with")
                                   : !cursor.has("from");
}

}  // namespace

void check_statement(Scene& scene, const script::Statement& statement, std::string_view text) {
  if (statement.words.empty()) return;
  const std::string& first = statement.words.front();
  if (script::controls_transaction(statement)) return check_transaction_control(scene, statement);
  if (goes_over_rows(statement.words)) {
    if (!is_short(text, statement.words)) scene.goes_over_rows(0);
    scene.transaction.last_altered.clear();
    if (first != "DELETE") return;
    const std::vector<Word> words = words_of(text);
    Cursor cursor(words, text);
    if (cursor.accept("delete from")) check_delete(scene, cursor);
    return;
  }
  static constexpr std::array<std::string_view, 11> read{"CREATE",  "ALTER",  "DROP",    "TRUNCATE",
                                                         "REINDEX", "VACUUM", "CLUSTER", "REFRESH",
                                                         "LOCK",    "SET",    "RESET"};
  if (std::ranges::find(read, first) == read.end()) return;
  const std::vector<Word> words = words_of(text);
  Cursor cursor(words, text);
  if (cursor.accept("alter table") || cursor.accept("alter foreign table"))
    return check_alter_table(scene, cursor);
  scene.transaction.last_altered.clear();
  if (cursor.accept("create")) return check_create(scene, cursor);
  if (cursor.accept("alter")) return check_alter_other(scene, cursor);
  if (cursor.accept("drop")) return check_drop(scene, cursor);
  if (first == "SET" || first == "RESET") return check_set(scene, cursor);
  check_upkeep(scene, cursor);
}

struct Linter::State {
  Options options;
  Scene scene{options};

  explicit State(Options chosen) : options(std::move(chosen)) {}
};

Linter::Linter(Options options) : state_(std::make_unique<State>(std::move(options))) {}
Linter::~Linter() = default;
Linter::Linter(Linter&&) noexcept = default;

namespace {

/// Behind the line that ends the data of a COPY.
std::size_t end_of_data(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = std::min(end + 1, text.size());
    if (line == "\\.") break;
  }
  return begin;
}

/// What a file is up to the data of a COPY, or to its end.
struct Part {
  std::string_view sql;
  const script::Lexed& lexed;
  std::size_t statements_before = 0;
};

std::expected<std::vector<Finding>, WrongAllow> check_part(Scene& scene, const Part& part) {
  const script::Lexed& lexed = part.lexed;
  std::expected<Allowed, WrongAllow> allowed =
      read_allowed(part.sql, lexed, part.statements_before);
  if (!allowed) return std::unexpected(allowed.error());
  std::size_t number = part.statements_before;
  for (const script::Statement& statement : lexed.statements) {
    const std::string_view sql = part.sql.substr(statement.begin, statement.end - statement.begin);
    scene.begin_statement(statement, sql, ++number);
    check_statement(scene, statement, sql);
    if (!scene.is_in_transaction()) scene.transaction = {};
  }
  if (!lexed.data_begin) check_open_transaction(scene);
  if (lexed.unfinished.line > 0) {
    scene.begin_statement({.place = lexed.unfinished}, {}, number);
    scene.tell(RuleId::unfinished_text, 0, {"this quote, dollar tag or comment has no end"});
  } else if (lexed.open_body.line > 0) {
    scene.begin_statement({.place = lexed.open_body}, {}, number);
    scene.tell(RuleId::unfinished_text, 0, {"this BEGIN ATOMIC has no END"});
  }
  std::vector<Finding> findings = scene.take_findings();
  allowed->remove_from(findings);
  for (const Allowed::One& unused : allowed->unused()) {
    // What nobody looks for cannot be found.
    if (!is_looked_for(scene.options(), unused.id)) continue;
    scene.begin_statement({.place = unused.place}, {}, unused.statement + 1);
    scene.tell(RuleId::unused_allow, 0,
               {"nothing of " + std::string(rule(unused.id).name) + " is found in its statement"});
  }
  std::ranges::move(scene.take_findings(), std::back_inserter(findings));
  return findings;
}

}  // namespace

std::expected<std::vector<Finding>, WrongAllow> Linter::check(const Text& text) {
  Scene& scene = state_->scene;
  scene.begin_file(text.directives);
  std::vector<Finding> all;
  std::string_view rest = text.sql;
  script::PartOf part;
  for (std::size_t statements = 0;;) {
    const script::Lexed lexed = script::lex_sql(rest, part);
    auto findings = check_part(scene, {rest, lexed, statements});
    if (!findings) return findings;
    std::ranges::move(*findings, std::back_inserter(all));
    if (!lexed.data_begin) break;
    statements += lexed.statements.size();
    const std::size_t end = end_of_data(rest, *lexed.data_begin);
    part.begin =
        script::behind(lexed.data_place, rest.substr(*lexed.data_begin, end - *lexed.data_begin));
    part.is_behind_statements = true;
    rest = rest.substr(end);
  }
  std::ranges::stable_sort(all, script::is_before, &Finding::place);
  return all;
}

}  // namespace sluice::lint

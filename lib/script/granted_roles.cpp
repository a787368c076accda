#include "script/granted_roles.hpp"

#include <algorithm>
#include <set>

#include "script/sql_lexer.hpp"

namespace sluice::script {
namespace {

constexpr char quote = '"';

/// As the server has it: without quotes, or in small letters.
std::string name_of_token(std::string_view token) {
  std::string name;
  if (!token.starts_with(quote)) {
    for (const char c : token) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
  }
  for (std::size_t i = 1; i + 1 < token.size(); ++i) {
    name += token[i];
    if (token[i] == quote) ++i;
  }
  return name;
}

/// What of a statement stands in front of roles; empty: it names none.
std::vector<std::string> words_before_roles(const Statement& statement) {
  const std::vector<std::string>& words = statement.words;
  if (words.size() < 2) return {};
  if (words[0] == "GRANT" || words[0] == "REVOKE") return {"to", "from"};
  if (words[0] == "ALTER" && words[1] == "DEFAULT") return {"role", "to", "from"};
  if (words[0] == "CREATE" && words[1] == "POLICY") return {"to"};
  if (words[0] == "SET" && words[1] == "SESSION") return {"authorization"};
  return {};
}

bool is_everybody(std::string_view token) { return token == "PUBLIC" || token == "public"; }

void take_roles(std::string_view text, const std::vector<std::string>& before,
                std::set<std::string>& roles) {
  std::size_t depth = 0;
  bool is_role = false;   // what comes next
  bool was_role = false;  // a comma goes on with them
  for (const Token& token : lex_tokens(text).all) {
    const std::string_view word = text.substr(token.begin, token.end - token.begin);
    if (word == "(") ++depth;
    if (word == ")" && depth > 0) --depth;
    if (depth > 0) continue;
    if (is_role && !is_everybody(word)) roles.insert(name_of_token(word));
    const bool is_word =
        !word.starts_with(quote) && std::ranges::find(before, name_of_token(word)) != before.end();
    const bool goes_on = was_role && word == ",";
    was_role = is_role;
    is_role = goes_on || (is_word && !was_role);
  }
}

}  // namespace

std::vector<std::string> granted_roles(std::string_view dump) {
  std::set<std::string> roles;
  for (const Statement& statement : lex_sql(dump).statements) {
    const std::vector<std::string> before = words_before_roles(statement);
    if (before.empty()) continue;
    take_roles(dump.substr(statement.begin, statement.end - statement.begin), before, roles);
  }
  return {roles.begin(), roles.end()};
}

}  // namespace sluice::script

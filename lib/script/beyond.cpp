#include "script/beyond.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "script/stretches.hpp"

namespace sluice::script {
namespace {

constexpr std::array<std::string_view, 6> verbs{"CREATE",  "ALTER", "DROP",
                                                "COMMENT", "GRANT", "REVOKE"};
constexpr std::array<std::string_view, 7> things{"ROLE",       "USER",   "GROUP",       "DATABASE",
                                                 "TABLESPACE", "SYSTEM", "SUBSCRIPTION"};

/// GRANT names no object: it makes one role a member of another one.
bool grants_role(const std::vector<std::string>& words, std::string_view text) {
  if (words.front() != "GRANT" && words.front() != "REVOKE") return false;
  for (const Token& token : lex_tokens(text).all) {
    std::string word(text.substr(token.begin, token.end - token.begin));
    std::ranges::transform(word, word.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (word == "ON") return false;
  }
  return true;
}

std::string beyond(const Statement& statement, std::string_view text) {
  const std::vector<std::string>& words = statement.words;
  if (words.size() < 2 || std::ranges::find(verbs, words[0]) == verbs.end()) return "";
  if (grants_role(words, text)) return words[0] + " of a role";
  // ALTER DEFAULT PRIVILEGES, CREATE USER MAPPING and the like stay within the database.
  const std::size_t at = words[0] == "COMMENT" ? 2 : 1;
  if (words.size() <= at || std::ranges::find(things, words[at]) == things.end()) return "";
  if (words[at] == "USER" && words.size() > at + 1 && words[at + 1] == "MAPPING") return "";
  return words[0] + " " + words[at];
}

}  // namespace

std::optional<Beyond> first_beyond(const Script& script, const Placeholders& values) {
  Stretches stretches(script, values);
  while (const std::optional<Stretch> stretch = stretches.next()) {
    for (const Statement& statement : lex_sql(stretch->sql).statements) {
      const std::string_view text =
          std::string_view(stretch->sql).substr(statement.begin, statement.end - statement.begin);
      if (std::string words = beyond(statement, text); !words.empty())
        return Beyond{.place = stretch->place_of(statement.begin), .words = std::move(words)};
    }
  }
  return std::nullopt;
}

}  // namespace sluice::script

#include "script/filled_tables.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "script/stretches.hpp"

namespace sluice::script {
namespace {

/// The name behind INSERT INTO or COPY, as it is written.
std::string name_in(std::string_view text, std::size_t at) {
  const std::vector<Token> tokens = lex_tokens(text).all;
  if (tokens.size() <= at) return "";
  std::size_t end = tokens[at].end;
  // A dot and what stands behind it.
  for (std::size_t i = at + 2; i < tokens.size() && text[tokens[i - 1].begin] == '.'; i += 2)
    end = tokens[i].end;
  return std::string(text.substr(tokens[at].begin, end - tokens[at].begin));
}

std::string filled_by(const Statement& statement, std::string_view text) {
  const std::vector<std::string>& words = statement.words;
  if (words.size() > 1 && words[0] == "INSERT" && words[1] == "INTO") return name_in(text, 2);
  return statement.ends_with_stdin && !words.empty() && words[0] == "COPY" ? name_in(text, 1) : "";
}

}  // namespace

std::vector<std::string> filled_tables(const Folder& folder) {
  std::set<std::string> seen;
  std::vector<std::string> tables;
  for (const auto* scripts : {&folder.versioned, &folder.repeatable}) {
    for (const Script& script : *scripts) {
      Stretches stretches(script);
      while (const std::optional<Stretch> stretch = stretches.next()) {
        for (const Statement& statement : lex_sql(stretch->sql).statements) {
          const std::string_view text =
              std::string_view(stretch->sql)
                  .substr(statement.begin, statement.end - statement.begin);
          const std::string name = filled_by(statement, text);
          if (!name.empty() && seen.insert(name).second)
            tables.push_back(name + " (" + script.file + ")");
        }
      }
    }
  }
  return tables;
}

}  // namespace sluice::script

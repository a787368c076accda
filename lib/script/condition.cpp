#include "script/condition.hpp"

#include "script/sql_lexer.hpp"

namespace sluice::script {

std::string fault_of_expression(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "it has a byte 0 in it";
  const Lexed lexed = lex_sql(text);
  if (lexed.unfinished.line > 0) return "a quote, a dollar tag or a comment in it has no end";
  if (lexed.statements.empty()) return "it is empty";
  if (lexed.has_semicolon) return "it has a semicolon, and is to be one expression";
  if (!lexed.psql_commands.empty()) return "it has a backslash outside of quotes, which is no SQL";
  if (!lexed.has_pairs) return "a parenthesis in it has no other one";
  return {};
}

}  // namespace sluice::script

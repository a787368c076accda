#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "script/tool_mark.hpp"

namespace sluice::script {

/// A place in a file, as an editor shows it: both from 1, columns in bytes.
struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};

inline bool is_before(Place one, Place other) {
  return std::pair(one.line, one.column) < std::pair(other.line, other.column);
}

/// One statement of an SQL file, without its semicolon and what stands around it.
struct Statement {
  std::size_t begin = 0;  ///< byte offsets in the text
  std::size_t end = 0;
  Place place;  ///< of its first character
  std::vector<std::string>
      words;  ///< its first keywords and names, in upper case, at most words_max
  bool names_client =
      false;  ///< FROM STDIN or TO STDOUT stands in it, outside of quotes and parentheses
  bool ends_with_stdin = false;  ///< FROM STDIN, and no option behind it
  bool has_data = false;         ///< ... of a COPY, with a line behind it
};

/// A comment `-- pgsluice: ...`.
struct Directive {
  std::size_t begin = 0;  ///< byte offsets of what stands behind the colon
  std::size_t end = 0;
  Place place;             ///< of the word pgsluice
  bool in_header = false;  ///< no statement stands in front of it
  bool is_allow = false;   ///< of a statement, and stands anywhere
};

/// A comment by which a tool knows what is for it (read_tool_mark).
struct PlacedMark {
  Place place;
  Style style;
  std::string tool;
};

/// A comment that is nearly one (read_near_mark).
struct PlacedNearMark {
  Place place;
  NearMark mark;
};

/// A backslash outside of quotes and comments: a command of psql, which no server knows.
struct PsqlCommand {
  Place place;
  std::string name;  ///< "\\connect"
};

/// What an SQL file holds, as psql would cut it.
struct Lexed {
  std::vector<Statement> statements;
  std::vector<Directive> directives;
  std::vector<PsqlCommand> psql_commands;
  /// Lines of pg_dump for psql that say nothing here (\restrict), as byte offsets.
  std::vector<std::pair<std::size_t, std::size_t>> idle_lines;
  /// Where a colon stands in front of a quote (byte offsets): :'name' and :"name" of psql.
  std::vector<std::size_t> colons;
  std::vector<PlacedMark> tool_marks;
  std::vector<PlacedNearMark> near_marks;
  /// Where a quote, a dollar tag or a comment begins that has no end; nothing: line is 0.
  Place unfinished{0, 0};
  /// Where the ATOMIC of a BEGIN ATOMIC stands that has no END; nothing: line is 0.
  Place open_body{0, 0};
  /// Of a part: what stands in front of here is whole, and nothing that comes behind changes it.
  std::size_t whole_end = 0;
  Place whole_end_place;
  /// The last statement has data, which begins at this line; nothing behind it is looked at.
  std::optional<std::size_t> data_begin;
  Place data_place;
};

/// Where a text stands that is a part of a file. It begins outside of statements.
struct PartOf {
  Place begin;
  bool is_behind_statements = false;
  bool keeps_transactions = false;  ///< from BEGIN to COMMIT nothing is whole
};

inline constexpr std::size_t words_max = 6;

/// Cuts a text into statements. Rules:
/// https://www.postgresql.org/docs/current/sql-syntax-lexical.html, with
/// standard_conforming_strings on: quotes, E'' with backslashes, dollar tags, nested comments; a
/// semicolon inside parentheses or inside BEGIN ATOMIC ... END of a function ends nothing, as in
/// psql (src/fe_utils/psqlscan.l). Ends in front of the data of a COPY FROM STDIN.
Lexed lex_sql(std::string_view text, const PartOf& part = {});

/// The same of a text that goes on behind its end: only what is whole, up to `whole_end`.
Lexed lex_whole(std::string_view text, const PartOf& part);

/// Where a token of a text stands, from its first byte to behind its last: a quoted text with its
/// prefix, a name, a number, or one character of an operator. Comments are none.
struct Token {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The tokens of a text that is a part of a statement.
struct Tokens {
  std::vector<Token> all;
  bool is_unfinished = false;  ///< a quote, a dollar tag or a comment has no end
};
Tokens lex_tokens(std::string_view text);

/// The same of what stands in front of the first statement: its directives. `statements` has the
/// beginning of that statement, if there is one.
Lexed lex_header(std::string_view text);

/// The statement begins or ends a transaction: BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK,
/// ABORT, PREPARE TRANSACTION; not SAVEPOINT, nor ROLLBACK TO.
bool controls_transaction(const Statement& statement);

/// Of such a statement: it begins one.
bool begins_transaction(const Statement& statement);

/// The statement is a COPY whose data only the client sends, or reads: what stands behind it in one
/// text is not run before that is done.
bool copies_with_client(const Statement& statement);

}  // namespace sluice::script

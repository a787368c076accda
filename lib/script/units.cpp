#include "script/units.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

/// What is wrong, where.
struct Wrong {
  Place place;
  std::string why;
};

/// What to write instead of a command of psql.
std::string instead_of(const std::string& command, Purpose purpose) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 18> known{{
      {"\\connect", "give each database a folder of its own, and name it with -d"},
      {"\\c", "give each database a folder of its own, and name it with -d"},
      {"\\i", "put the SQL of that file here"},
      {"\\ir", "put the SQL of that file here"},
      {"\\include", "put the SQL of that file here"},
      {"\\include_relative", "put the SQL of that file here"},
      {"\\copy", "load the file with pgsluice load"},
      {"\\.", "no data of a COPY is open here"},
      {"\\gexec", "write a DO block with EXECUTE"},
      {"\\if", "write a DO block with IF"},
      {"\\elif", "write a DO block with IF"},
      {"\\else", "write a DO block with IF"},
      {"\\endif", "write a DO block with IF"},
      {"\\echo", "write a DO block with RAISE NOTICE"},
      {"\\warn", "write a DO block with RAISE NOTICE"},
      {"\\timing", "leave it out"},
      {"\\q", "leave it out"},
      {"\\encoding", "save the file as UTF-8"},
  }};
  const auto found =
      std::ranges::find(known, command, &std::pair<std::string_view, const char*>::first);
  if (found != known.end()) return found->second;
  return purpose == Purpose::migration
             ? "write SQL, or give the value with -- pgsluice: placeholder NAME"
             : "write SQL";
}

/// Of what the lexer finds beside statements.
std::vector<Wrong> found_wrong(const Script& script, const Lexed& lexed, Purpose purpose) {
  std::vector<Wrong> wrong;
  if (lexed.unfinished.line > 0)
    wrong.push_back({lexed.unfinished, "this quote, dollar tag or comment has no end"});
  if (lexed.open_body.line > 0) {
    wrong.push_back({lexed.open_body,
                     "this BEGIN ATOMIC has no END, so that all of the file would be its body"});
  }
  for (const PlacedMark& mark : lexed.tool_marks) {
    const bool is_read = mark.style != Style::plain;
    if (is_read && mark.style == script.style && purpose == Purpose::migration) continue;
    wrong.push_back(
        {mark.place,
         "a line of " + mark.tool +
             (is_read && script.style == Style::plain && purpose == Purpose::migration
                  ? ", whose first line stands in front of all statements; put it there, or take "
                    "all of them out"
                  : ", which may say what goes back, and that would be run behind the way forth; "
                    "keep what goes forth, and leave out this line and all that goes back")});
    break;
  }
  if (purpose == Purpose::migration && !lexed.near_marks.empty()) {
    const auto& [place, near] = lexed.near_marks.front();
    const Style style = near.style == Style::plain ? script.style : near.style;
    const bool fits = script.style == Style::plain || script.style == style;
    wrong.push_back({place,
                     "this comment is nearly a mark, by which a tool tells the way forth from "
                     "the way back, and is none: write " +
                         mark_text(fits ? style : script.style, near.what) +
                         " on a line of its own, or other words"});
  }
  if (!lexed.psql_commands.empty()) {
    const PsqlCommand& command = lexed.psql_commands.front();
    wrong.push_back({command.place, command.name + ": a command of psql, which no server knows; " +
                                        instead_of(command.name, purpose)});
  }
  for (const Directive& directive : lexed.directives) {
    if (!directive.in_header && !directive.is_allow)
      wrong.push_back({directive.place, "directives stand in front of the first statement"});
  }
  return wrong;
}

/// The first statement that may not stand where it does; nothing: none.
std::optional<Wrong> wrong_statement(const Script& script, const Lexed& lexed, Purpose purpose) {
  std::optional<Place> open;
  for (const Statement& statement : lexed.statements) {
    if (copies_with_client(statement) && (!statement.has_data || purpose == Purpose::load_end)) {
      return Wrong{
          statement.place,
          "COPY FROM STDIN needs data behind it, as pg_dump writes it: in text format without "
          "options, up to a line \\.; and COPY TO STDOUT needs somebody who reads it; use INSERT, "
          "or "
          "pgsluice load"};
    }
    if (statement.has_data && open) {
      return Wrong{
          statement.place,
          "a COPY with data stands by itself in a file with no-transaction; take it out of "
          "its transaction"};
    }
    if (!controls_transaction(statement)) continue;
    if (purpose == Purpose::load_end) {
      return Wrong{statement.place, statement.words.front() +
                                        ": the whole file is run by the transaction that finishes "
                                        "the load"};
    }
    if (script.directives.in_transaction) {
      return Wrong{statement.place,
                   statement.words.front() +
                       ": the whole file is one transaction already; a file that needs its own "
                       "says -- pgsluice: no-transaction"};
    }
    if (statement.words.front() == "PREPARE")
      return Wrong{statement.place, "a prepared transaction would outlive its migration"};
    if (begins_transaction(statement) == open.has_value()) {
      return Wrong{statement.place,
                   open ? "a transaction is open already" : "no transaction is open here"};
    }
    open = open ? std::nullopt : std::optional(statement.place);
  }
  if (!open) return std::nullopt;
  return Wrong{*open, "this transaction is open at the end of the file"};
}

}  // namespace

std::vector<Unit> units_of(const Lexed& lexed) {
  std::vector<Unit> units;
  bool in_transaction = false;
  for (const Statement& statement : lexed.statements) {
    if (in_transaction) {
      units.back().end = statement.end;
    } else {
      units.push_back({statement.begin, statement.end, statement.place, statement.words});
    }
    if (controls_transaction(statement)) in_transaction = begins_transaction(statement);
  }
  return units;
}

void judge(const Script& script, const Lexed& lexed, Purpose purpose) {
  std::vector<Wrong> wrong = found_wrong(script, lexed, purpose);
  if (auto statement = wrong_statement(script, lexed, purpose))
    wrong.push_back(std::move(*statement));
  const auto first = std::ranges::min_element(wrong, is_before, &Wrong::place);
  if (first == wrong.end()) return;
  throw Failure(FailureKind::usage, at(script, first->place) + ": " + first->why);
}

void UnitsHash::add(std::string_view unit) {
  hash_.add(unit);
  hash_.add(";\n");
}

std::vector<std::string> checksums_of_units(std::string_view text) {
  UnitsHash hash;
  std::vector<std::string> checksums{hash.digest()};
  for (const Unit& unit : units_of(lex_sql(text))) {
    hash.add(text.substr(unit.begin, unit.end - unit.begin));
    checksums.push_back(hash.digest());
  }
  return checksums;
}

}  // namespace sluice::script

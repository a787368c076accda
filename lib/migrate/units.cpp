#include "migrate/units.hpp"

#include "base/failure.hpp"
#include "migrate/checksum.hpp"

namespace sluice::migrate {
namespace {

bool begins_transaction(const Statement& statement) {
  const auto& words = statement.words;
  return !words.empty() && (words[0] == "BEGIN" || words[0] == "START");
}

[[noreturn]] void refuse(const Script& script, Place place, const std::string& why) {
  throw Failure(FailureKind::usage, at(script, place) + ": " + why);
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

std::vector<Unit> checked_units(const Script& script, const std::string& sql) {
  const Lexed lexed = lex_sql(sql);
  if (lexed.unfinished.line > 0)
    refuse(script, lexed.unfinished, "this quote, dollar tag or comment has no end");
  if (!lexed.foreign_marks.empty()) {
    const ForeignMark& mark = lexed.foreign_marks.front();
    refuse(script, mark.place,
           "a file of " + mark.tool +
               ", which holds the way back too, and that would be run behind the way forward; keep "
               "what goes forward, and leave out this line and all that goes back");
  }
  if (!lexed.psql_commands.empty()) {
    refuse(script, lexed.psql_commands.front(),
           "a command of psql, which no server knows; write SQL, or give the value with -- "
           "pgsluice: placeholder NAME");
  }
  for (const Directive& directive : lexed.directives) {
    if (!directive.in_header)
      refuse(script, directive.place, "directives stand in front of the first statement");
  }
  bool in_transaction = false;
  for (const Statement& statement : lexed.statements) {
    if (copies_from_stdin(statement)) {
      refuse(script, statement.place,
             "COPY FROM STDIN needs data that only psql would send; use INSERT, or pgsluice load");
    }
    if (!controls_transaction(statement)) continue;
    if (script.directives.in_transaction) {
      refuse(script, statement.place,
             statement.words.front() +
                 ": the whole file is one transaction already; a file that needs its own says "
                 "-- pgsluice: no-transaction");
    }
    if (statement.words.front() == "PREPARE")
      refuse(script, statement.place, "a prepared transaction would outlive its migration");
    if (begins_transaction(statement) == in_transaction) {
      refuse(script, statement.place,
             in_transaction ? "a transaction is open already" : "no transaction is open here");
    }
    in_transaction = !in_transaction;
  }
  std::vector<Unit> units = units_of(lexed);
  if (in_transaction)
    refuse(script, units.back().place, "this transaction is open at the end of the file");
  return units;
}

std::vector<std::string> checksums_of_units(std::string_view text) {
  Sha256 hash;
  std::vector<std::string> checksums{hash.digest()};
  for (const Unit& unit : units_of(lex_sql(text))) {
    hash.add(text.substr(unit.begin, unit.end - unit.begin));
    hash.add(";\n");
    checksums.push_back(hash.digest());
  }
  return checksums;
}

}  // namespace sluice::migrate

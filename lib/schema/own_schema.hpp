#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/sql.hpp"
#include "script/rows.hpp"

/// pgsluice's own schema (sql/ledger/), applied as migrations of the project "pgsluice". These are
/// texts, so that a session of either library can send them.
namespace sluice::schema {

inline constexpr const char* project = "pgsluice";

/// What a user wants with it.
enum class Use {
  load,
  load_deferring,
  read_loads,
  schedule,
  read_jobs,
  read_runs,
  migrate,
  migrate_back,
  read_history,
};

/// What that user finds.
enum class State {
  complete,    ///< everything that this version knows
  incomplete,  ///< nothing, or what an older version has left
  closed,      ///< it is there, and not for this user
  untrusted,   ///< it belongs to somebody who could have put anything in it
  filtered,    ///< row-level security, a rule or a trigger hides rows of it, or drops them
};

/// An SQL expression whose value state_of() reads.
Sql state_expression(Use use);
State state_of(std::string_view value);

/// An SQL expression that is true in the usual case of State::complete, and asks several times less
/// of a session that knows no catalog yet. Where it is false, state_expression() says what there
/// is.
Sql usual_expression(Use use);

/// A query of the grants that the user lacks for it, as one text of statements.
Sql missing_grants_query(Use use);
/// What to tell a user for whom it is closed.
std::string closed(const std::string& user, const std::string& missing_grants);

/// A query of what that is and the remedy, in one text, and what to tell of that text.
Sql filtered_query();
std::string filtered(const std::string& text);

/// What is in our schema runs with the rights of whoever loads or migrates: a trigger, a default, a
/// policy. So it must belong to a superuser, to the database's owner or to this user. This query
/// says of what does not, in one text, what it is and the statements that mend it.
Sql untrusted_query();
/// What to tell of that text.
std::string untrusted(const std::string& text);

/// How the schema is made, or brought up to date: a dialogue of texts. Each is sent, and what its
/// last statement answers is handed to the next step; all in one transaction, in which no other
/// runner does the same, and which also works behind a pooler.
class Making {
 public:
  /// The next text; nothing where all is done. The first one asks nothing of `answer`.
  std::optional<Sql> next(const script::Rows& answer);

 private:
  int step_ = 0;
  bool has_guards_ = false;  ///< what is in guards.sql is as it was made
};

/// What to tell a user who may not create it, or bring it up to date where it is there.
std::string advice(const std::string& user, bool is_there);

}  // namespace sluice::schema

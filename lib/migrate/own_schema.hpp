#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrate/session.hpp"

/// pgsluice's own schema (sql/ledger/), applied as migrations of the project "pgsluice". These are
/// texts, so that a session of either library can send them: all in one transaction, which also
/// works behind a pooler.
namespace sluice::migrate::own_schema {

inline constexpr const char* project = "pgsluice";

/// What a user wants with it.
enum class Use { load, read_loads, schedule, read_runs, migrate, read_history };

/// What that user finds.
enum class State {
  complete,    ///< everything that this version knows
  incomplete,  ///< nothing, or what an older version has left
  closed,      ///< it is there, and not for this user
  untrusted,   ///< it belongs to somebody who could have put anything in it
};

/// An SQL expression whose value state_of() reads.
std::string state_expression(Use use);
State state_of(std::string_view value);

/// A query of the grants that the user lacks for it, as one text of statements.
std::string missing_grants_query(Use use);
/// What to tell a user for whom it is closed.
std::string closed(const std::string& user, const std::string& missing_grants);

/// What is in our schema runs with the rights of whoever loads or migrates: a trigger, a default, a
/// policy. So it must belong to a superuser, to the database's owner or to this user. This query
/// says of what does not, in one text, what it is and the statements that mend it.
std::string untrusted_query();
/// What to tell of that text.
std::string untrusted(const std::string& text);

/// Begins a transaction in which no other runner does the same, makes the schema, and asks what is
/// there: a row for the next step.
std::string begin();
/// Makes the history unless it is there. Its result is the history's own: rows for the next step.
std::string create_history(const Row& row);
/// What is not applied yet, with its rows in the history. May be empty.
std::string upgrade(const Rows& history);

/// Asks, and throws Failure with advice where it is closed or not to be trusted.
State ask(Session& session, Use use);
/// Asks whether this user may write into the history that is there, if need be after bringing it up
/// to date.
bool may_write(Session& session);
/// All of it, for somebody who migrates. Throws Failure with advice where the user may not.
void create(Session& session);

/// What to tell a user who may not create it, or bring it up to date where it is there.
std::string advice(const std::string& user, bool is_there);

}  // namespace sluice::migrate::own_schema

#pragma once

#include <string>
#include <vector>

#include "migrate/session.hpp"

/// pgsluice's own schema (sql/ledger/), applied as migrations of the project "pgsluice". These are
/// texts, so that a session of either library can send them: all in one transaction, which also
/// works behind a pooler.
namespace sluice::migrate::own_schema {

inline constexpr const char* project = "pgsluice";

/// True where everything is there that this version knows.
inline constexpr const char* exists_expression = "to_regclass('pgsluice.job_runs') is not null";

/// Begins a transaction in which no other runner does the same, makes the schema, and asks what is
/// there: a row for the next step.
std::string begin();
/// Makes the history unless it is there. Its result is the history's own: rows for the next step.
std::string create_history(const std::vector<std::string>& row);
/// What is not applied yet, with its rows in the history. May be empty.
std::string upgrade(const Rows& history);

/// All of it. Throws Failure with advice where the user may not.
void create(Session& session);

/// What to tell a user who may not create it.
std::string advice(const std::string& user);

}  // namespace sluice::migrate::own_schema

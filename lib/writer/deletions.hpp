#pragma once

#include <string>

#include "pg/connection.hpp"
#include "writer/catalog.hpp"
#include "writer/merge.hpp"

namespace sluice::writer {

/// In front of a table's name. An INSERT puts no row into the children of a table that others
/// inherit from, and so none of theirs is to go; partitions have all the rows of theirs.
SqlWords only(const tuple::Table& target);

/// DELETE of the rows for which a user's condition is true. To be sent as the one statement that it
/// is (Connection::execute): then nothing that a condition could say is another one.
/// REQUIRES: the condition is whole (script::UserSql).
Sql delete_matching_statement(const tuple::Table& target, const std::string& condition);

/// DELETE of the rows whose key no record in `staged` has, as the key's index compares them. A NULL
/// in a key that is not equal to another one makes a row nobody's, whose record comes anew.
/// REQUIRES: `merge` has a key.
Sql delete_missing_statement(const tuple::Table& target, const Merge& merge, const Sql& staged);

/// A query of one count: the rows from which that one deletes.
Sql rows_query(const tuple::Table& target);

/// Throws Failure(usage) where a DELETE with this condition (or any, where it is empty) is none
/// that the server would run on this table, and PgError where the user may not. Nothing is deleted.
/// REQUIRES: `on` is in no transaction. `flag` is what the user has given.
asio::awaitable<void> require_can_delete(pg::Connection& on, const Target& target,
                                         std::string condition, std::string flag);

}  // namespace sluice::writer

#pragma once

#include "lint/alter_table.hpp"
#include "lint/scene.hpp"

/// What is looked for in which statement. Each check is called behind the words that name the kind
/// of statement.
namespace sluice::lint {

// lint.cpp
void check_statement(Scene& scene, const script::Statement& statement, std::string_view text);

// check_columns.cpp
/// The type of a column that is made; `is_key` where it is one, or refers to one.
void check_type(Scene& scene, const Column& column);

// check_create.cpp
void check_create(Scene& scene, Cursor cursor);

// check_alter.cpp
void check_alter_table(Scene& scene, Cursor cursor);

// check_actions.cpp
void check_add_column(Scene& scene, const AlterTable& alter, const Action& action);
void check_add_constraint(Scene& scene, const AlterTable& alter, const Action& action);
void check_not_null(Scene& scene, const AlterTable& alter, const Action& action);
void check_validate(Scene& scene, const AlterTable& alter, const Action& action);

// check_other.cpp
/// ALTER of what is no table.
void check_alter_other(Scene& scene, Cursor cursor);
void check_drop(Scene& scene, Cursor cursor);
/// Behind DELETE FROM.
void check_delete(Scene& scene, Cursor cursor);
/// TRUNCATE, REINDEX, VACUUM, CLUSTER, REFRESH, LOCK.
void check_upkeep(Scene& scene, Cursor cursor);

// check_session.cpp
void check_set(Scene& scene, Cursor cursor);
/// BEGIN, COMMIT and the like.
void check_transaction_control(Scene& scene, const script::Statement& statement);
/// At the end of the file.
void check_open_transaction(Scene& scene);
/// What a transaction refuses stands in one.
void check_needs_no_transaction(Scene& scene, const std::string& what, std::size_t offset);
/// A statement that cannot run twice, in a file without a transaction.
void check_robust(Scene& scene, bool is_guarded, const std::string& what, std::size_t offset);

}  // namespace sluice::lint

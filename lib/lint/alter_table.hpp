#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lint/definition.hpp"

namespace sluice::lint {

/// One action of ALTER TABLE.
struct Action {
  enum class Kind {
    other,
    add_column,
    drop_column,
    set_type,
    set_not_null,
    drop_not_null,
    set_expression,
    add_constraint,
    validate_constraint,
    drop_constraint,
    rename_column,
    rename_table,
    rename_constraint,
    set_schema,
    attach_partition,
    detach_partition,
    /// SET STATISTICS, SET (...), CLUSTER ON, ...: blocks neither reads nor writes.
    mild,
    /// ENABLE and DISABLE TRIGGER.
    trigger,
    /// SET LOGGED, UNLOGGED, TABLESPACE, ACCESS METHOD: all rows are written anew.
    rewrite,
  };
  Kind kind = Kind::other;
  std::size_t offset = 0;  ///< in the statement
  std::string_view written;
  Column column;  ///< of add_column; of others its name, and of set_type its type
  Constraint
      constraint;  ///< of add_constraint; of validate_constraint and drop_constraint its name
  std::string new_name;
  std::optional<ObjectName> partition;
  bool is_guarded = false;     ///< IF EXISTS or IF NOT EXISTS
  bool is_concurrent = false;  ///< DETACH ... CONCURRENTLY, or FINALIZE
};

struct AlterTable {
  ObjectName table;
  bool if_exists = false;
  std::vector<Action> actions;
};

/// Of what stands behind ALTER [FOREIGN] TABLE. Nothing for what names no table (ALL IN
/// TABLESPACE).
std::optional<AlterTable> take_alter_table(Cursor& cursor);

}  // namespace sluice::lint

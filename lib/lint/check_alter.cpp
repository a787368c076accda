#include "lint/checks.hpp"

namespace sluice::lint {
namespace {

using ActionKind = Action::Kind;

/// How each action locks its table:
/// https://www.postgresql.org/docs/current/sql-altertable.html
Blocks lock_of(const Action& action) {
  switch (action.kind) {
    case ActionKind::mild:
    case ActionKind::validate_constraint:
    case ActionKind::attach_partition: return Blocks::nothing;
    case ActionKind::trigger: return Blocks::writes;
    case ActionKind::detach_partition: return action.is_concurrent ? Blocks::nothing : Blocks::all;
    case ActionKind::add_constraint:
      return action.constraint.kind == Constraint::Kind::foreign_key ? Blocks::writes : Blocks::all;
    default: return Blocks::all;
  }
}

std::string altered(const AlterTable& alter) {
  return "alter table " + std::string(alter.table.written) + " ";
}

/// For what cannot be done twice, and has no IF [NOT] EXISTS.
void check_guard(Scene& scene, const Action& action) {
  const auto check = [&](const char* what) {
    check_robust(scene, action.is_guarded, what, action.offset);
  };
  switch (action.kind) {
    case ActionKind::add_column: return check("add column if not exists");
    case ActionKind::drop_column: return check("drop column if exists");
    case ActionKind::drop_constraint: return check("drop constraint if exists");
    case ActionKind::add_constraint:
      return check("drop constraint if exists, and then add constraint, in one begin ... commit");
    case ActionKind::rename_column:
    case ActionKind::rename_table:
    case ActionKind::rename_constraint: return check("do $$ ... $$ that looks first");
    default: return;
  }
}

void check_renaming(Scene& scene, const AlterTable& alter, const Action& action) {
  scene.check_length(action.new_name, action.offset);
  const std::string table = shown(alter.table);
  if (action.kind == ActionKind::rename_column) {
    scene.tell(RuleId::renaming_column, action.offset,
               {"programs that use " + table + "." + action.column.name + " fail",
                altered(alter) + "add column " + action.new_name +
                    " ...;\n-- write both, fill the new one, read it, and then drop " +
                    action.column.name});
  } else if (action.kind == ActionKind::rename_table) {
    scene.tell(
        RuleId::renaming_table, action.offset,
        {"programs that use " + table + " fail",
         altered(alter) + "rename to " + action.new_name + ";\ncreate view " +
             std::string(alter.table.written) + " as select * from " + action.new_name + ";"});
  } else if (action.kind == ActionKind::set_schema) {
    scene.tell(RuleId::renaming_table, action.offset,
               {"programs that look for " + table + " where it was fail",
                altered(alter) + "set schema " + action.new_name + ";\ncreate view " +
                    std::string(alter.table.written) + " as select * from " + action.new_name +
                    "." + alter.table.name + ";"});
  }
}

void check_partition(Scene& scene, const AlterTable& alter, const Action& action) {
  if (!action.partition) return;
  const std::string partition = shown(*action.partition);
  if (action.kind == ActionKind::attach_partition) {
    if (!scene.is_old(*action.partition)) return;
    scene.lock(*action.partition, Blocks::all, action.offset);
    const auto [begin, end] = scene.constraints.equal_range(action.partition->name);
    const bool is_checked =
        std::any_of(begin, end, [](const auto& one) { return one.second.is_validated; });
    if (is_checked) return;
    const std::string name = made_name(*action.partition, "", "bounds");
    const std::string alter_it = "alter table " + std::string(action.partition->written) + " ";
    scene.tell(RuleId::attaching_partition, action.offset,
               {"the rows of " + partition +
                    " are read under a lock, unless a CHECK says that all "
                    "of them belong there",
                alter_it + "add constraint " + name + " check (...) not valid;\n" + alter_it +
                    "validate constraint " + name + ";  -- in a file in front of this one"});
    return;
  }
  if (action.is_concurrent) {
    check_needs_no_transaction(scene, "detach partition ... concurrently", action.offset);
  } else if (scene.is_old(alter.table) && scene.options().server_version != oldest_version) {
    scene.tell(
        RuleId::require_concurrent_partition_detach, action.offset,
        {"nobody can read or write " + shown(alter.table) + " meanwhile",
         "-- in a file with: -- pgsluice: no-transaction\n" + altered(alter) + "detach partition " +
             std::string(action.partition->written) + " concurrently;"});
  }
}

void check_set_type(Scene& scene, const AlterTable& alter, const Action& action) {
  const std::string column = shown(alter.table) + "." + action.column.name;
  const std::string next = action.column.name + "_new";
  scene.tell(RuleId::changing_column_type, action.offset,
             {"nobody can read or write " + shown(alter.table) +
                  " while all its rows are written "
                  "anew for " +
                  column,
              altered(alter) + "add column " + next + " " + action.column.type.name +
                  ";\n-- fill it in small batches, and keep it filled; then in a file of its "
                  "own:\n" +
                  altered(alter) + "drop column " + action.column.name + ";\n" + altered(alter) +
                  "rename column " + next + " to " + action.column.name + ";"});
}

/// Of a table that was there before.
void check_old(Scene& scene, const AlterTable& alter, const Action& action) {
  const std::string table = shown(alter.table);
  switch (action.kind) {
    case ActionKind::add_column: return check_add_column(scene, alter, action);
    case ActionKind::add_constraint: return check_add_constraint(scene, alter, action);
    case ActionKind::set_not_null: return check_not_null(scene, alter, action);
    case ActionKind::set_type: return check_set_type(scene, alter, action);
    case ActionKind::drop_column:
      return scene.tell(RuleId::ban_drop_column, action.offset,
                        {"programs that use " + table + "." + action.column.name +
                             " fail, and its values are gone",
                         "-- a release later, when nothing names it"});
    case ActionKind::drop_not_null:
      return scene.tell(
          RuleId::ban_drop_not_null, action.offset,
          {"programs that expect a value in " + table + "." + action.column.name + " find none",
           "-- a release later, when all cope with NULL"});
    case ActionKind::rewrite:
    case ActionKind::set_expression:
      return scene.tell(
          RuleId::rewriting_table, action.offset,
          {"nobody can read or write " + table + " while all its rows are written anew"});
    case ActionKind::rename_column:
    case ActionKind::rename_table:
    case ActionKind::set_schema: return check_renaming(scene, alter, action);
    default: return;
  }
}

/// What stays known of a table under its new name.
void follow_name(Scene& scene, const AlterTable& alter, const Action& action) {
  if (action.kind == ActionKind::drop_constraint) {
    auto [begin, end] = scene.constraints.equal_range(alter.table.name);
    while (begin != end)
      begin = begin->second.name == action.constraint.name ? scene.constraints.erase(begin)
                                                           : std::next(begin);
  }
  if (scene.is_old(alter.table)) return;
  if (action.kind == ActionKind::rename_table) {
    scene.made.tables.remove(alter.table);
    scene.made.tables.add({.schema = alter.table.schema, .name = action.new_name, .written = {}});
  } else if (action.kind == ActionKind::set_schema) {
    scene.made.tables.add({.schema = action.new_name, .name = alter.table.name, .written = {}});
  }
}

bool can_be_joined(const AlterTable& alter) {
  for (const Action& action : alter.actions) {
    switch (action.kind) {
      case ActionKind::rename_column:
      case ActionKind::rename_table:
      case ActionKind::rename_constraint:
      case ActionKind::set_schema:
      case ActionKind::attach_partition:
      case ActionKind::detach_partition:
      case ActionKind::validate_constraint: return false;
      default: break;
    }
  }
  return !alter.actions.empty();
}

}  // namespace

void check_alter_table(Scene& scene, Cursor cursor) {
  const std::size_t offset = cursor.offset();
  const std::optional<AlterTable> alter = take_alter_table(cursor);
  if (!alter) return;
  scene.check_name(alter->table, offset);
  const bool is_old = scene.is_old(alter->table);
  const bool may_join = is_old && can_be_joined(*alter);
  if (may_join && scene.is_in_transaction() &&
      scene.transaction.last_altered == alter->table.name) {
    scene.tell(RuleId::several_alter_tables, 0,
               {shown(alter->table) + " is altered by the statement in front of this one",
                "alter table " + std::string(alter->table.written) + " ..., " +
                    std::string(alter->actions.front().written) + ";"});
  }
  Blocks strongest = Blocks::nothing;
  for (const Action& action : alter->actions) {
    check_guard(scene, action);
    if (action.kind == ActionKind::add_column) check_type(scene, action.column);
    if (action.kind == ActionKind::set_type) check_type(scene, action.column);
    if (action.kind == ActionKind::validate_constraint) check_validate(scene, *alter, action);
    if (action.kind == ActionKind::attach_partition || action.kind == ActionKind::detach_partition)
      check_partition(scene, *alter, action);
    if (is_old) check_old(scene, *alter, action);
    if (!is_old && action.constraint.references)
      scene.lock(*action.constraint.references, Blocks::writes, action.offset);
    follow_name(scene, *alter, action);
    strongest = std::max(strongest, lock_of(action));
  }
  scene.lock(alter->table, strongest, 0);
  scene.transaction.last_altered = may_join ? alter->table.name : "";
}

}  // namespace sluice::lint

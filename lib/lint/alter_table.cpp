#include "lint/alter_table.hpp"

namespace sluice::lint {
namespace {

using ActionKind = Action::Kind;

void take_add(Cursor& cursor, Action& action) {
  const bool names_column = cursor.accept("column");
  if (!names_column) {
    action.constraint = take_table_constraint(cursor);
    if (action.constraint.kind != Constraint::Kind::none) {
      action.kind = ActionKind::add_constraint;
      return;
    }
  }
  action.is_guarded = cursor.accept("if not exists");
  if (!cursor.peek().is_name()) return;
  action.kind = ActionKind::add_column;
  action.column = take_column(cursor);
}

void take_drop(Cursor& cursor, Action& action) {
  if (cursor.accept("constraint")) {
    action.kind = ActionKind::drop_constraint;
    action.is_guarded = cursor.accept("if exists");
    action.constraint.name = cursor.take_plain_name();
    return;
  }
  cursor.accept("column");
  action.is_guarded = cursor.accept("if exists");
  if (!cursor.peek().is_name()) return;
  action.kind = ActionKind::drop_column;
  action.column.name = cursor.take_plain_name();
}

/// ALTER [COLUMN] name ..., or ALTER CONSTRAINT
void take_alter_column(Cursor& cursor, Action& action) {
  if (cursor.accept("constraint")) return;
  cursor.accept("column");
  action.column.name_offset = cursor.offset();
  if (cursor.peek().kind == Word::Kind::number) {  // SET STATISTICS of an index's column
    cursor.skip();
  } else {
    action.column.name = cursor.take_plain_name();
  }
  if (cursor.accept("set data type") || cursor.accept("type")) {
    action.kind = ActionKind::set_type;
    action.column.type_offset = cursor.offset();
    action.column.type = take_type(cursor);
  } else if (cursor.accept("set not null")) {
    action.kind = ActionKind::set_not_null;
  } else if (cursor.accept("drop not null")) {
    action.kind = ActionKind::drop_not_null;
  } else if (cursor.accept("set expression")) {
    action.kind = ActionKind::set_expression;
  } else if (cursor.is("set statistics") || cursor.is("set (") || cursor.is("reset (")) {
    action.kind = ActionKind::mild;
  }
}

void take_rename(Cursor& cursor, Action& action) {
  if (cursor.accept("to")) {
    action.kind = ActionKind::rename_table;
  } else if (cursor.accept("constraint")) {
    action.kind = ActionKind::rename_constraint;
    action.constraint.name = cursor.take_plain_name();
    cursor.accept("to");
  } else {
    cursor.accept("column");
    action.kind = ActionKind::rename_column;
    action.column.name = cursor.take_plain_name();
    cursor.accept("to");
  }
  action.new_name = cursor.take_plain_name();
}

void take_set(Cursor& cursor, Action& action) {
  if (cursor.accept("schema")) {
    action.kind = ActionKind::set_schema;
    action.new_name = cursor.take_plain_name();
  } else if (cursor.is("logged") || cursor.is("unlogged") || cursor.is("tablespace") ||
             cursor.is("access method")) {
    action.kind = ActionKind::rewrite;
  } else if (cursor.is("(") || cursor.is("without cluster")) {
    action.kind = ActionKind::mild;
  }
}

void take_partition(Cursor& cursor, Action& action) {
  action.partition = cursor.take_name();
  cursor.accept("for values");
  action.is_concurrent = cursor.has("concurrently") || cursor.has("finalize");
}

Action take_action(Cursor cursor) {
  Action action{.offset = cursor.offset(), .written = cursor.rest()};
  if (cursor.accept("add")) {
    take_add(cursor, action);
  } else if (cursor.accept("drop")) {
    take_drop(cursor, action);
  } else if (cursor.accept("alter")) {
    take_alter_column(cursor, action);
  } else if (cursor.accept("rename")) {
    take_rename(cursor, action);
  } else if (cursor.accept("validate constraint")) {
    action.kind = ActionKind::validate_constraint;
    action.constraint.name = cursor.take_plain_name();
  } else if (cursor.accept("attach partition")) {
    action.kind = ActionKind::attach_partition;
    take_partition(cursor, action);
  } else if (cursor.accept("detach partition")) {
    action.kind = ActionKind::detach_partition;
    take_partition(cursor, action);
  } else if (cursor.is("enable trigger") || cursor.is("disable trigger") ||
             cursor.is("enable replica trigger") || cursor.is("enable always trigger")) {
    action.kind = ActionKind::trigger;
  } else if (cursor.is("cluster on") || cursor.is("reset (")) {
    action.kind = ActionKind::mild;
  } else if (cursor.accept("set")) {
    take_set(cursor, action);
  }
  return action;
}

}  // namespace

std::optional<AlterTable> take_alter_table(Cursor& cursor) {
  AlterTable alter;
  if (cursor.is("all in tablespace")) return std::nullopt;
  alter.if_exists = cursor.accept("if exists");
  cursor.accept("only");
  const auto name = cursor.take_name();
  if (!name) return std::nullopt;
  alter.table = *name;
  cursor.accept("*");
  for (const Cursor& part : cursor.parts()) alter.actions.push_back(take_action(part));
  return alter;
}

}  // namespace sluice::lint

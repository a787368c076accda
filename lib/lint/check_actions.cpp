#include "lint/checks.hpp"

namespace sluice::lint {
namespace {

using ConstraintKind = Constraint::Kind;

std::string start_of(const AlterTable& alter) {
  return "alter table " + std::string(alter.table.written) + " ";
}

/// "add constraint NAME ... not valid", and what validates it.
std::string in_two_files(const AlterTable& alter, const std::string& name,
                         const std::string& what) {
  return start_of(alter) + "add constraint " + name + " " + what + " not valid;\n" +
         "-- in the next file:\n" + start_of(alter) + "validate constraint " + name + ";";
}

std::string first_column(const Constraint& constraint) {
  return constraint.columns.empty() ? "" : constraint.columns.front();
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::string name_or(const Constraint& constraint, const std::string& name) {
  return constraint.name.empty() ? name : constraint.name;
}

/// A unique index, built without a lock, and the constraint that uses it.
std::string by_index(const AlterTable& alter, const std::string& name, const std::string& columns,
                     const std::string& kind) {
  return "-- in a file with: -- pgsluice: no-transaction\ncreate unique index concurrently " +
         name + " on " + std::string(alter.table.written) + " (" + columns +
         ");\n-- in the next file:\n" + start_of(alter) + "add constraint " + name + " " + kind +
         " using index " + name + ";";
}

void check_default(Scene& scene, const AlterTable& alter, const Action& action) {
  const Column& column = action.column;
  const std::string where = shown(alter.table);
  const std::string add =
      start_of(alter) + "add column " + column.name + " " + column.type.name + ";\n";
  if (column.is_serial() || column.is_identity) {
    const std::string sequence = made_name(alter.table, column.name, "seq");
    scene.tell(
        RuleId::adding_serial_field, action.offset,
        {"nobody can read or write " + where + " while " + column.name + " is numbered in all rows",
         start_of(alter) + "add column " + column.name + " bigint;\ncreate sequence " + sequence +
             " owned by " + std::string(alter.table.written) + "." + column.name + ";\n" +
             start_of(alter) + "alter column " + column.name + " set default nextval('" + sequence +
             "');\n-- then fill what is null, in small batches"});
    return;
  }
  // Without a word it is VIRTUAL from 18 on, and before that a syntax error.
  if (column.is_stored) {
    scene.tell(RuleId::adding_field_with_default, action.offset,
               {"nobody can read or write " + where + " while " + column.name +
                    " is computed for all rows",
                add + "-- filled by a trigger, and in small batches"});
    return;
  }
  if (column.default_text.empty()) return;
  const std::optional<Volatile> found = volatile_in(column.default_text);
  if (!found) return;
  scene.tell(
      RuleId::adding_field_with_default, action.offset,
      {found->call + "() " + (found->is_known ? "is" : "may be") +
           " another value for each row: nobody can read or write " + where +
           " while all its rows are written anew",
       add + start_of(alter) + "alter column " + column.name + " set default " +
           std::string(column.default_text) + ";\n-- then fill what is null, in small batches"});
}

void check_foreign_key(Scene& scene, const AlterTable& alter, const Action& action) {
  const Constraint& constraint = action.constraint;
  const auto& target = constraint.references;
  if (target) scene.lock(*target, Blocks::writes, action.offset);
  if (constraint.not_valid) return;
  const std::string name =
      name_or(constraint, made_name(alter.table, first_column(constraint), "fkey"));
  scene.tell(
      RuleId::adding_foreign_key_constraint, action.offset,
      {"writes to " + shown(alter.table) + " and to " +
           (target ? shown(*target) : "the other table") + " wait until all rows are looked up",
       in_two_files(alter, name,
                    "foreign key (" + listed(constraint.columns) + ") references " +
                        (target ? std::string(target->written) : "..."))});
}

void check_condition(Scene& scene, const AlterTable& alter, const Action& action) {
  const Constraint& constraint = action.constraint;
  if (constraint.not_valid) return;
  const bool is_check = constraint.kind == ConstraintKind::check;
  const std::string column = first_column(constraint);
  const std::string name =
      name_or(constraint, made_name(alter.table, column, is_check ? "check" : "not_null"));
  std::string what = "not null " + column;
  if (is_check) what = "check (" + std::string(constraint.condition) + ")";
  if (!is_check && scene.may_be_before(newest_version)) what = "check (" + column + " is not null)";
  scene.tell(RuleId::constraint_missing_not_valid, action.offset,
             {"nobody can read or write " + shown(alter.table) + " while all its rows are checked",
              in_two_files(alter, name, what)});
}

}  // namespace

void check_add_column(Scene& scene, const AlterTable& alter, const Action& action) {
  const Column& column = action.column;
  const std::string where = shown(alter.table);
  check_default(scene, alter, action);
  const bool has_value = !column.default_text.empty() || column.is_serial() || column.is_identity ||
                         column.is_generated;
  if (column.has(ConstraintKind::not_null) && !has_value) {
    scene.tell(RuleId::adding_required_field, action.offset,
               {"fails where " + where + " has a row, as " + column.name + " has no value there",
                start_of(alter) + "add column " + column.name + " " + column.type.name +
                    " not null default ...;"});
  }
  for (Constraint constraint : column.constraints) {
    constraint.columns = {column.name};
    Action as_constraint = action;
    as_constraint.constraint = std::move(constraint);
    if (as_constraint.constraint.kind == ConstraintKind::not_null) continue;
    // The server knows that NULLs refer to nothing; a CHECK it tries in all rows.
    if (as_constraint.constraint.kind == ConstraintKind::foreign_key &&
        column.default_text.empty()) {
      if (as_constraint.constraint.references)
        scene.lock(*as_constraint.constraint.references, Blocks::writes, action.offset);
      continue;
    }
    check_add_constraint(scene, alter, as_constraint);
  }
}

void check_add_constraint(Scene& scene, const AlterTable& alter, const Action& action) {
  const Constraint& constraint = action.constraint;
  const std::string table = shown(alter.table);
  const std::string column = first_column(constraint);
  scene.check_length(constraint.name, action.offset);
  if (constraint.not_enforced) return;
  if (constraint.not_valid) {
    const std::string not_null = constraint.kind == ConstraintKind::not_null
                                     ? column
                                     : not_null_column(constraint.condition);
    scene.constraints.insert({alter.table.name, {constraint.name, not_null}});
  }
  switch (constraint.kind) {
    case ConstraintKind::none: return;
    case ConstraintKind::foreign_key: return check_foreign_key(scene, alter, action);
    case ConstraintKind::check:
    case ConstraintKind::not_null: return check_condition(scene, alter, action);
    case ConstraintKind::unique:
      if (constraint.uses_index) return;
      return scene.tell(RuleId::disallowed_unique_constraint, action.offset,
                        {"nobody can read or write " + table + " while its index is built",
                         by_index(alter, name_or(constraint, made_name(alter.table, column, "key")),
                                  listed(constraint.columns), "unique")});
    case ConstraintKind::primary_key:
      if (!constraint.uses_index) {
        return scene.tell(
            RuleId::adding_serial_primary_key_field, action.offset,
            {"nobody can read or write " + table + " while the index of its primary key is built",
             by_index(alter, name_or(constraint, made_name(alter.table, "", "pkey")),
                      listed(constraint.columns), "primary key")});
      }
      return scene.tell(
          RuleId::primary_key_using_index, action.offset,
          {"all rows of " + table + " are read under a lock where a column of the key may be null",
           "-- first, as adding-not-nullable-field shows: set not null"});
    case ConstraintKind::exclude:
      return scene.tell(RuleId::adding_exclusion_constraint, action.offset,
                        {"nobody can read or write " + table + " while its index is built"});
  }
}

void check_not_null(Scene& scene, const AlterTable& alter, const Action& action) {
  const std::string& column = action.column.name;
  const auto [begin, end] = scene.constraints.equal_range(alter.table.name);
  const bool is_known = std::any_of(begin, end, [&](const auto& one) {
    return one.second.is_validated && one.second.not_null == column;
  });
  if (is_known) return;
  const std::string name = made_name(alter.table, column, "not_null");
  std::string safer;
  if (scene.may_be_before(newest_version)) {
    safer = in_two_files(alter, name, "check (" + column + " is not null)") + "\n" +
            start_of(alter) + "alter column " + column + " set not null;\n" + start_of(alter) +
            "drop constraint " + name + ";";
  } else {
    safer = in_two_files(alter, name, "not null " + column);
  }
  scene.tell(
      RuleId::adding_not_nullable_field, action.offset,
      {"nobody can read or write " + shown(alter.table) + " while all its rows are read", safer});
}

void check_validate(Scene& scene, const AlterTable& alter, const Action& action) {
  const auto [begin, end] = scene.constraints.equal_range(alter.table.name);
  for (auto one = begin; one != end; ++one)
    if (one->second.name == action.constraint.name) one->second.is_validated = true;
  const Held* const held = scene.held_before(alter.table);
  const bool is_same_statement = alter.actions.size() > 1;
  if (!scene.is_old(alter.table) || (held == nullptr && !is_same_statement)) return;
  scene.tell(
      RuleId::validating_under_lock, action.offset,
      {"all rows of " + shown(alter.table) + " are read while it is locked" +
           (held == nullptr ? std::string() : " (since line " + std::to_string(held->line) + ")"),
       "-- in a file of its own:\n" + start_of(alter) + "validate constraint " +
           action.constraint.name + ";"});
}

}  // namespace sluice::lint

#include "lint/checks.hpp"

namespace sluice::lint {
namespace {

bool is_temporary(Cursor& cursor) {
  if (!cursor.accept("global")) cursor.accept("local");
  const bool is = cursor.accept("temporary") || cursor.accept("temp");
  cursor.accept("unlogged");
  return is;
}

/// Where the columns of a CREATE TABLE stand.
void check_elements(Scene& scene, const ObjectName& table, const Cursor& elements,
                    bool is_temporary) {
  const auto refer = [&](const Constraint& constraint, std::size_t offset) {
    scene.check_length(constraint.name, offset);
    // The triggers of a foreign key want a lock of the table that it refers to.
    if (constraint.references && !is_same(*constraint.references, table))
      scene.lock(*constraint.references, Blocks::writes, offset);
  };
  for (Cursor part : elements.parts()) {
    if (part.is("like")) continue;
    const std::size_t offset = part.offset();
    if (const Constraint constraint = take_table_constraint(part);
        constraint.kind != Constraint::Kind::none) {
      refer(constraint, offset);
      continue;
    }
    if (!part.peek().is_name()) continue;
    const Column column = take_column(part);
    if (!is_temporary) check_type(scene, column);
    for (const Constraint& constraint : column.constraints) refer(constraint, offset);
  }
}

void check_create_table(Scene& scene, Cursor cursor, bool is_temporary) {
  const bool is_guarded = cursor.accept("if not exists");
  const std::size_t offset = cursor.offset();
  const auto table = cursor.take_name();
  if (!table) return;
  check_robust(scene, is_guarded || is_temporary, "create table if not exists", offset);
  is_temporary ? scene.check_length(table->name, offset) : scene.check_name(*table, offset);
  scene.made.tables.add(*table);
  if (cursor.accept("partition of")) {
    const std::size_t parent_offset = cursor.offset();
    if (const auto parent = cursor.take_name()) scene.lock(*parent, Blocks::all, parent_offset);
  }
  if (const auto elements = cursor.take_parenthesis())
    check_elements(scene, *table, *elements, is_temporary);
  if (cursor.has("as select") || cursor.has("as with") || cursor.has("as table"))
    scene.goes_over_rows(0);
}

void check_create_index(Scene& scene, Cursor cursor, const std::string& kind) {
  const std::size_t begin = cursor.at();
  const bool is_concurrent = cursor.accept("concurrently");
  const bool is_guarded = cursor.accept("if not exists");
  std::optional<ObjectName> index;
  if (!cursor.is("on")) index = cursor.take_name();
  if (index) scene.check_length(index->name, 0);
  if (!cursor.accept("on")) return;
  cursor.accept("only");
  const auto table = cursor.take_name();
  if (!table) return;
  if (index) scene.made.indexes.add({.schema = table->schema, .name = index->name, .written = {}});
  if (is_concurrent) {
    check_needs_no_transaction(scene, "create index concurrently", 0);
    const bool is_ours = scene.options().runner == Runner::pgsluice;
    check_robust(scene, is_guarded || (is_ours && index), "create index concurrently NAME", 0);
    return;
  }
  check_robust(scene, is_guarded, "create index if not exists", 0);
  if (!scene.is_old(*table)) return;
  scene.tell(RuleId::require_concurrent_index_creation, 0,
             {"writes to " + shown(*table) + " wait until the index is built",
              "-- in a file with: -- pgsluice: no-transaction\ncreate " + kind + " concurrently " +
                  std::string(Cursor(cursor, begin, cursor.end()).rest()) + ";"});
  scene.goes_over_rows(0);
  scene.lock(*table, Blocks::writes, 0);
}

void check_create_domain(Scene& scene, Cursor cursor) {
  const std::size_t offset = cursor.offset();
  const auto name = cursor.take_name();
  if (!name) return;
  scene.check_length(name->name, offset);
  const bool is_bound = cursor.has("check") || cursor.has("not null");
  if (is_bound) {
    scene.tell(RuleId::ban_create_domain_with_constraint, offset,
               {"a constraint of " + shown(*name) +
                    " cannot be changed later without reading all tables that use it",
                "-- a check of the table instead"});
  }
}

void check_create_trigger(Scene& scene, Cursor cursor) {
  if (!cursor.find("on")) return;
  const std::size_t offset = cursor.offset();
  if (const auto table = cursor.take_name()) scene.lock(*table, Blocks::writes, offset);
}

}  // namespace

void check_create(Scene& scene, Cursor cursor) {
  cursor.accept("or replace");
  const bool temporary = is_temporary(cursor);
  if (cursor.accept("table") || cursor.accept("foreign table")) {
    check_create_table(scene, cursor, temporary);
  } else if (cursor.accept("unique index")) {
    check_create_index(scene, cursor, "unique index");
  } else if (cursor.accept("index")) {
    check_create_index(scene, cursor, "index");
  } else if (cursor.accept("materialized view")) {
    const bool is_guarded = cursor.accept("if not exists");
    check_robust(scene, is_guarded, "create materialized view if not exists", 0);
    if (const auto view = cursor.take_name()) scene.made.tables.add(*view);
    if (!cursor.has("with no data")) scene.goes_over_rows(0);
  } else if (cursor.accept("schema")) {
    check_robust(scene, cursor.accept("if not exists"), "create schema if not exists", 0);
    if (const auto schema = cursor.take_name()) scene.made.schemas.add(*schema);
  } else if (cursor.accept("domain")) {
    check_create_domain(scene, cursor);
  } else if (cursor.accept("type")) {
    const auto name = cursor.take_name();
    if (name && cursor.accept("as enum")) {
      scene.tell(RuleId::prefer_table_over_enum, 0,
                 {"no value of " + shown(*name) + " can be taken away again",
                  "create table " + std::string(name->written) + "s (name text primary key);"});
    }
  } else if (cursor.accept("trigger") || cursor.accept("constraint trigger")) {
    check_create_trigger(scene, cursor);
  } else if (cursor.accept("database") || cursor.accept("tablespace")) {
    check_needs_no_transaction(scene, "this", 0);
  }
}

}  // namespace sluice::lint

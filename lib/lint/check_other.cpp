#include "lint/checks.hpp"

#include <algorithm>
#include <array>

namespace sluice::lint {
namespace {

void check_domain(Scene& scene, Cursor cursor) {
  const auto name = cursor.take_name();
  if (!name) return;
  const std::size_t offset = cursor.offset();
  if (cursor.is("set not null")) {
    scene.tell(RuleId::ban_alter_domain_with_add_constraint, offset,
               {"writes to each table with a column of " + shown(*name) +
                    " wait until its rows are checked",
                "alter domain " + std::string(name->written) +
                    " add check (value is not null) not valid;"});
  }
  if (!cursor.is("add")) return;
  if (cursor.has("not valid")) return;
  scene.tell(
      RuleId::ban_alter_domain_with_add_constraint, offset,
      {"writes to each table with a column of " + shown(*name) + " wait until its rows are checked",
       "alter domain " + std::string(name->written) + " " + std::string(cursor.rest()) +
           " not valid;"});
}

/// With CASCADE, tables of the type are changed as it is.
void check_attribute(Scene& scene, const ObjectName& type, Cursor cursor) {
  if (!cursor.has("cascade")) return;
  const std::string tables = "each table of type " + shown(type);
  if (cursor.is("alter attribute")) {
    scene.tell(RuleId::changing_column_type, cursor.offset(),
               {"nobody can read or write " + tables + " while all its rows are written anew"});
  } else if (cursor.is("drop attribute")) {
    scene.tell(RuleId::ban_drop_column, cursor.offset(),
               {"programs that name this column of " + tables + " fail, and its values are gone"});
  } else if (cursor.is("rename attribute")) {
    scene.tell(RuleId::renaming_column, cursor.offset(),
               {"programs that use this column of " + tables + " fail"});
  }
}

void check_type_change(Scene& scene, Cursor cursor) {
  const auto name = cursor.take_name();
  if (name) check_attribute(scene, *name, cursor);
  if (!name || !cursor.accept("add value")) return;
  const bool is_guarded = cursor.accept("if not exists");
  check_robust(scene, is_guarded, "add value if not exists", cursor.offset());
  const std::string value(cursor.peek().written);
  cursor.skip();
  if (cursor.is("before") || cursor.is("after")) return;
  scene.tell(RuleId::require_enum_value_ordering, cursor.offset(),
             {value + " is greater than all other values of " + shown(*name),
              "alter type " + std::string(name->written) + " add value " + value + " before ...;"});
}

void check_alter_index(Scene& scene, Cursor cursor) {
  cursor.accept("if exists");
  const auto name = cursor.take_name();
  if (!name) return;
  const std::size_t offset = cursor.offset();
  if (cursor.is("set tablespace") && !scene.made.indexes.has(*name)) {
    scene.tell(RuleId::rewriting_table, offset,
               {"nobody can read or write the table of " + shown(*name) +
                " while all of the index is written anew"});
  }
  if (cursor.accept("rename to")) scene.check_length(cursor.take_plain_name(), cursor.offset());
}

void check_alter_view(Scene& scene, Cursor cursor) {
  cursor.accept("if exists");
  const auto view = cursor.take_name();
  if (!view || !scene.is_old(*view) || !cursor.accept("rename") || cursor.is("to")) return;
  const std::size_t offset = cursor.offset();
  cursor.accept("column");
  scene.tell(RuleId::renaming_column, offset,
             {"programs that use " + shown(*view) + "." + cursor.take_plain_name() + " fail"});
}

void check_alter_schema(Scene& scene, Cursor cursor) {
  const auto schema = cursor.take_name();
  if (!schema || !cursor.is("rename to") || scene.made.schemas.has(*schema)) return;
  scene.tell(RuleId::renaming_table, cursor.offset(),
             {"programs that use anything in " + shown(*schema) + " by its name fail"});
}

/// IF EXISTS names [CASCADE | RESTRICT]
struct Dropped {
  bool is_guarded = false;
  std::vector<std::pair<ObjectName, std::size_t>> names;  ///< with their offsets
};

Dropped take_dropped(Cursor& cursor) {
  Dropped dropped{.is_guarded = cursor.accept("if exists"), .names = {}};
  do {
    const std::size_t offset = cursor.offset();
    if (auto name = cursor.take_name()) dropped.names.emplace_back(std::move(*name), offset);
  } while (cursor.accept(","));
  return dropped;
}

void check_drop_table(Scene& scene, Cursor cursor) {
  const Dropped dropped = take_dropped(cursor);
  for (const auto& [table, offset] : dropped.names) {
    scene.check_name(table, offset);
    check_robust(scene, dropped.is_guarded, "drop table if exists", offset);
    scene.constraints.erase(table.name);
    if (scene.is_old(table)) {
      scene.tell(RuleId::ban_drop_table, offset,
                 {"programs that use " + shown(table) + " fail, and its rows are gone",
                  "-- a release later, when nothing names it"});
      scene.lock(table, Blocks::all, offset);
    }
    scene.made.tables.remove(table);
  }
}

void check_drop_index(Scene& scene, Cursor cursor) {
  const bool is_concurrent = cursor.accept("concurrently");
  if (is_concurrent) check_needs_no_transaction(scene, "drop index concurrently", 0);
  const Dropped dropped = take_dropped(cursor);
  for (const auto& [index, offset] : dropped.names) {
    check_robust(scene, dropped.is_guarded, "drop index if exists", offset);
    if (is_concurrent || scene.made.indexes.has(index)) continue;
    scene.tell(RuleId::require_concurrent_index_deletion, offset,
               {"nobody can read or write the table of " + shown(index) +
                    " while this waits for what runs there",
                "-- in a file with: -- pgsluice: no-transaction\ndrop index concurrently if "
                "exists " +
                    std::string(index.written) + ";"});
  }
}

void check_drop_schema(Scene& scene, Cursor cursor) {
  const Dropped dropped = take_dropped(cursor);
  for (const auto& [schema, offset] : dropped.names) {
    check_robust(scene, dropped.is_guarded, "drop schema if exists", offset);
    if (scene.made.schemas.has(schema)) continue;
    scene.tell(RuleId::ban_drop_schema, offset,
               {"programs that use " + schema.name + " fail, and what is in it is gone",
                "-- its objects by name, a release later"});
  }
}

/// DROP of what columns and views may depend on.
void check_dependents(Scene& scene, const Cursor& cursor) {
  if (cursor.is("owned")) {
    scene.tell(RuleId::dropping_dependents, 0,
               {"drops all that the role has here, which nobody has named",
                "reassign owned by the_role to another_role;"});
    return;
  }
  static constexpr std::array<std::string_view, 9> kinds{"type",     "domain",    "extension",
                                                         "function", "procedure", "aggregate",
                                                         "sequence", "operator",  "collation"};
  const bool may_hold_more =
      std::ranges::any_of(kinds, [&cursor](std::string_view kind) { return cursor.is(kind); });
  if (!may_hold_more || !cursor.has("cascade")) return;
  scene.tell(RuleId::dropping_dependents, 0,
             {"drops columns, views and indexes that nobody has named",
              "-- what depends on it, by name, and then without cascade"});
}

void check_truncate(Scene& scene, Cursor cursor) {
  cursor.accept("table");
  cursor.accept("only");
  const Dropped truncated = take_dropped(cursor);
  std::string all;
  for (const auto& [table, offset] : truncated.names) {
    scene.check_name(table, offset);
    scene.lock(table, Blocks::all, offset);
    all += std::string(all.empty() ? "" : ", ") + std::string(table.written);
  }
  if (!cursor.find("cascade")) return;
  scene.tell(RuleId::ban_truncate_cascade, 0,
             {"empties tables that nobody has named",
              "truncate " + all + ", ...;  -- each table that refers to them, by name"});
}

/// (FULL, VERBOSE) or FULL, of VACUUM and others.
bool takes_option(Cursor& cursor, std::string_view option) {
  bool is_given = false;
  if (const auto list = cursor.take_parenthesis()) {
    for (Cursor part : list->parts()) {
      const bool is_off = part.has("false") || part.has("off") || part.has("0");
      is_given = is_given || (part.is(option) && !is_off);
    }
  }
  return cursor.accept(option) || is_given;
}

void check_reindex(Scene& scene, Cursor cursor) {
  bool is_concurrent = takes_option(cursor, "concurrently");
  const std::string kind = cursor.take_plain_name();
  is_concurrent = cursor.accept("concurrently") || is_concurrent;
  const auto name = cursor.take_name();
  const bool is_whole = kind == "schema" || kind == "database" || kind == "system";
  if (is_concurrent || is_whole) check_needs_no_transaction(scene, "reindex " + kind, 0);
  if (is_concurrent || kind == "system") return;
  if (name && (scene.made.indexes.has(*name) || scene.made.tables.has(*name))) return;
  scene.tell(RuleId::require_concurrent_reindex, 0,
             {"writes wait, and reads that would use the index, until it is built",
              "-- in a file with: -- pgsluice: no-transaction\nreindex " + kind + " concurrently " +
                  (name ? std::string(name->written) : "") + ";"});
  scene.goes_over_rows(0);
}

void check_repack(Scene& scene, const std::string& command,
                  const std::optional<ObjectName>& table) {
  scene.tell(RuleId::prefer_repack, 0,
             {command + ": nobody can read or write " + (table ? shown(*table) : "each table") +
                  " while all its rows are written anew",
              "-- outside of migrations: pg_repack" +
                  (table ? " --table " + shown(*table) : std::string())});
}

void check_refresh(Scene& scene, Cursor cursor) {
  const bool is_concurrent = cursor.accept("concurrently");
  const auto view = cursor.take_name();
  if (!view || is_concurrent || cursor.has("with no data") || scene.made.tables.has(*view)) return;
  scene.tell(RuleId::require_concurrent_refresh, 0,
             {"nobody can read " + shown(*view) + " until it is made anew",
              "refresh materialized view concurrently " + std::string(view->written) + ";"});
  scene.goes_over_rows(0);
  scene.lock(*view, Blocks::all, 0);
}

void check_lock(Scene& scene, Cursor cursor) {
  cursor.accept("table");
  cursor.accept("only");
  const std::size_t offset = cursor.offset();
  const auto table = cursor.take_name();
  if (!table) return;
  const bool is_mild = cursor.has("in access share") || cursor.has("in row share") ||
                       cursor.has("in row exclusive") || cursor.has("in share update exclusive");
  const bool is_for_writes = cursor.has("in share mode") || cursor.has("in share row exclusive") ||
                             cursor.has("in exclusive");
  scene.lock(*table,
             is_mild         ? Blocks::nothing
             : is_for_writes ? Blocks::writes
                             : Blocks::all,
             offset);
}

}  // namespace

void check_alter_other(Scene& scene, Cursor cursor) {
  if (cursor.accept("domain")) {
    check_domain(scene, cursor);
  } else if (cursor.accept("type")) {
    check_type_change(scene, cursor);
  } else if (cursor.accept("index")) {
    check_alter_index(scene, cursor);
  } else if (cursor.accept("materialized view") || cursor.accept("view")) {
    check_alter_view(scene, cursor);
  } else if (cursor.accept("schema")) {
    check_alter_schema(scene, cursor);
  } else if (cursor.accept("system")) {
    check_needs_no_transaction(scene, "alter system", 0);
  }
}

void check_drop(Scene& scene, Cursor cursor) {
  if (cursor.accept("table") || cursor.accept("foreign table")) {
    check_drop_table(scene, cursor);
  } else if (cursor.accept("index")) {
    check_drop_index(scene, cursor);
  } else if (cursor.accept("schema")) {
    check_drop_schema(scene, cursor);
  } else if (cursor.accept("database")) {
    check_needs_no_transaction(scene, "drop database", 0);
    scene.tell(RuleId::ban_drop_database, 0, {"everything in the database is gone"});
  } else if (cursor.accept("tablespace")) {
    check_needs_no_transaction(scene, "drop tablespace", 0);
  } else if (cursor.accept("materialized view") || cursor.accept("view")) {
    for (const auto& [view, offset] : take_dropped(cursor).names) scene.made.tables.remove(view);
  } else {
    check_dependents(scene, cursor);
  }
}

void check_delete(Scene& scene, Cursor cursor) {
  cursor.accept("only");
  const auto table = cursor.take_name();
  if (!table || !scene.is_old(*table) || cursor.has("where")) return;
  scene.tell(RuleId::deleting_all_rows, 0,
             {"all rows of " + shown(*table) + " are gone",
              "delete from " + std::string(table->written) + " where true;  -- if that is meant"});
}

void check_upkeep(Scene& scene, Cursor cursor) {
  if (cursor.accept("truncate")) {
    check_truncate(scene, cursor);
  } else if (cursor.accept("reindex")) {
    check_reindex(scene, cursor);
  } else if (cursor.accept("vacuum")) {
    check_needs_no_transaction(scene, "vacuum", 0);
    if (!takes_option(cursor, "full")) return;
    while (cursor.accept("freeze") || cursor.accept("verbose") || cursor.accept("analyze")) {
    }
    check_repack(scene, "vacuum full", cursor.take_name());
  } else if (cursor.accept("cluster")) {
    takes_option(cursor, "verbose");
    const auto table = cursor.take_name();
    if (!table) check_needs_no_transaction(scene, "cluster of all tables", 0);
    if (table && scene.made.tables.has(*table)) return;
    check_repack(scene, "cluster", table);
  } else if (cursor.accept("refresh materialized view")) {
    check_refresh(scene, cursor);
  } else if (cursor.accept("lock")) {
    check_lock(scene, cursor);
  }
}

}  // namespace sluice::lint

#include "lint/definition.hpp"

#include <algorithm>
#include <array>

namespace sluice::lint {
namespace {

using ConstraintKind = Constraint::Kind;

template <std::size_t size>
bool is_one_of(std::string_view word, const std::array<std::string_view, size>& all) {
  return std::ranges::find(all, word) != all.end();
}

/// Where a column's type or default ends.
bool begins_column_constraint(const Cursor& cursor) {
  static constexpr std::array<std::string_view, 17> words{
      "constraint", "not",         "null",       "check",      "default",   "generated",
      "unique",     "primary",     "references", "deferrable", "initially", "collate",
      "storage",    "compression", "options",    "using",      "enforced"};
  return cursor.peek().kind == Word::Kind::word && is_one_of(cursor.peek().folded, words);
}

std::vector<std::string> names_in(const Cursor& list) {
  std::vector<std::string> names;
  for (Cursor part : list.parts()) names.push_back(part.take_plain_name());
  return names;
}

/// What may stand behind any constraint.
void take_attributes(Cursor& cursor, Constraint& constraint) {
  for (;;) {
    if (cursor.accept("not valid")) {
      constraint.not_valid = true;
    } else if (cursor.accept("not enforced")) {
      constraint.not_enforced = true;
    } else if (!cursor.accept("enforced") && !cursor.accept("not deferrable") &&
               !cursor.accept("deferrable") && !cursor.accept("initially deferred") &&
               !cursor.accept("initially immediate") && !cursor.accept("no inherit")) {
      return;
    }
  }
}

/// REFERENCES table [(columns)] [MATCH x] [ON DELETE x] [ON UPDATE x]
void take_references(Cursor& cursor, Constraint& constraint) {
  constraint.kind = ConstraintKind::foreign_key;
  constraint.references = cursor.take_name();
  cursor.take_parenthesis();
  for (;;) {
    if (cursor.accept("match")) {
      cursor.skip();
    } else if (cursor.accept("on delete") || cursor.accept("on update")) {
      if (!cursor.accept("no action") && !cursor.accept("set null") &&
          !cursor.accept("set default"))
        cursor.skip();
      cursor.take_parenthesis();
    } else {
      return;
    }
  }
}

void take_check(Cursor& cursor, Constraint& constraint) {
  constraint.kind = ConstraintKind::check;
  if (const auto condition = cursor.take_parenthesis()) constraint.condition = condition->rest();
}

/// What stands behind UNIQUE, PRIMARY KEY or EXCLUDE.
void take_index_parameters(Cursor& cursor) {
  for (;;) {
    if (cursor.accept("using index tablespace")) {
      cursor.skip();
    } else if (cursor.accept("include") || cursor.accept("with") || cursor.accept("where")) {
      cursor.take_parenthesis();
    } else {
      return;
    }
  }
}

Constraint take_column_constraint(Cursor& cursor) {
  Constraint constraint;
  if (cursor.accept("constraint")) constraint.name = cursor.take_plain_name();
  if (cursor.accept("not null")) {
    constraint.kind = ConstraintKind::not_null;
    cursor.accept("no inherit");
  } else if (cursor.is("check")) {
    cursor.skip();
    take_check(cursor, constraint);
  } else if (cursor.accept("primary key")) {
    constraint.kind = ConstraintKind::primary_key;
    take_index_parameters(cursor);
  } else if (cursor.accept("unique")) {
    constraint.kind = ConstraintKind::unique;
    if (!cursor.accept("nulls not distinct")) cursor.accept("nulls distinct");
    take_index_parameters(cursor);
  } else if (cursor.accept("references")) {
    take_references(cursor, constraint);
  }
  if (constraint.kind != ConstraintKind::none) take_attributes(cursor, constraint);
  return constraint;
}

/// GENERATED {ALWAYS | BY DEFAULT [ON NULL]} AS {IDENTITY [(...)] | (expression) [STORED |
/// VIRTUAL]}
void take_generated(Cursor& cursor, Column& column) {
  if (!cursor.accept("always")) cursor.accept("by default");
  cursor.accept("on null");
  if (!cursor.accept("as")) return;
  if (cursor.accept("identity")) {
    column.is_identity = true;
    cursor.take_parenthesis();
  } else {
    column.is_generated = true;
    cursor.take_parenthesis();
    column.is_stored = cursor.accept("stored");
    cursor.accept("virtual");
  }
}

/// The functions that the planner knows to be the same for all rows of a statement.
constexpr std::array<std::string_view, 76> known_stable{"now",
                                                        "transaction_timestamp",
                                                        "statement_timestamp",
                                                        "current_setting",
                                                        "current_database",
                                                        "current_schema",
                                                        "lower",
                                                        "upper",
                                                        "initcap",
                                                        "length",
                                                        "concat",
                                                        "concat_ws",
                                                        "format",
                                                        "md5",
                                                        "sha256",
                                                        "trim",
                                                        "btrim",
                                                        "ltrim",
                                                        "rtrim",
                                                        "lpad",
                                                        "rpad",
                                                        "left",
                                                        "right",
                                                        "replace",
                                                        "reverse",
                                                        "substr",
                                                        "substring",
                                                        "strpos",
                                                        "position",
                                                        "translate",
                                                        "repeat",
                                                        "quote_ident",
                                                        "quote_literal",
                                                        "encode",
                                                        "decode",
                                                        "convert_to",
                                                        "convert_from",
                                                        "to_char",
                                                        "to_date",
                                                        "to_timestamp",
                                                        "to_number",
                                                        "date_trunc",
                                                        "date_part",
                                                        "extract",
                                                        "age",
                                                        "timezone",
                                                        "make_date",
                                                        "make_time",
                                                        "make_timestamp",
                                                        "make_timestamptz",
                                                        "make_interval",
                                                        "abs",
                                                        "ceil",
                                                        "ceiling",
                                                        "floor",
                                                        "round",
                                                        "trunc",
                                                        "mod",
                                                        "power",
                                                        "sqrt",
                                                        "json_build_object",
                                                        "json_build_array",
                                                        "jsonb_build_object",
                                                        "jsonb_build_array",
                                                        "to_json",
                                                        "to_jsonb",
                                                        "json_object",
                                                        "jsonb_object",
                                                        "array_fill",
                                                        "string_to_array",
                                                        "int4range",
                                                        "int8range",
                                                        "numrange",
                                                        "tsrange",
                                                        "tstzrange",
                                                        "daterange"};

/// What looks like a call, and is none.
constexpr std::array<std::string_view, 36> syntax_words{"cast",         "array",
                                                        "row",          "coalesce",
                                                        "nullif",       "greatest",
                                                        "least",        "case",
                                                        "when",         "then",
                                                        "else",         "and",
                                                        "or",           "not",
                                                        "in",           "is",
                                                        "between",      "like",
                                                        "ilike",        "interval",
                                                        "current_time", "current_timestamp",
                                                        "localtime",    "localtimestamp",
                                                        "any",          "all",
                                                        "some",         "using",
                                                        "as",           "xmlelement",
                                                        "overlay",      "time",
                                                        "timestamp",    "bit",
                                                        "operator",     "collate"};

constexpr std::array<std::string_view, 22> known_volatile{"random",           "setseed",
                                                          "random_normal",    "gen_random_uuid",
                                                          "uuidv4",           "uuidv7",
                                                          "uuid_generate_v1", "uuid_generate_v1mc",
                                                          "uuid_generate_v3", "uuid_generate_v4",
                                                          "uuid_generate_v5", "clock_timestamp",
                                                          "timeofday",        "nextval",
                                                          "currval",          "lastval",
                                                          "setval",           "gen_random_bytes",
                                                          "gen_salt",         "txid_current",
                                                          "nanoid",           "ulid"};

}  // namespace

bool Column::is_serial() const {
  static constexpr std::array<std::string_view, 6> names{"serial",  "bigserial", "smallserial",
                                                         "serial4", "serial8",   "serial2"};
  return !type.is_quoted && is_one_of(type.name, names);
}

bool Column::has(ConstraintKind kind) const {
  return std::ranges::find(constraints, kind, &Constraint::kind) != constraints.end();
}

TypeName take_type(Cursor& cursor) {
  TypeName type;
  cursor.accept("setof");
  type.is_quoted = cursor.peek().kind == Word::Kind::name;
  const std::optional<ObjectName> name = cursor.take_name();
  if (!name) return type;
  if (!name->schema.empty() && name->schema != "pg_catalog") {
    type.name = name->schema + "." + name->name;
  } else {
    type.name = name->name;
  }
  const auto add = [&](const char* more) {
    if (!type.is_quoted && cursor.accept(more)) type.name += std::string(" ") + more;
  };
  if (type.name == "double") add("precision");
  if (type.name == "character" || type.name == "char" || type.name == "bit" || type.name == "nchar")
    add("varying");
  if (type.name == "national") {
    add("character");
    add("char");
    add("varying");
  }
  if (cursor.is("(")) {
    type.has_size = true;
    cursor.skip_part();
  }
  if (type.name == "timestamp" || type.name == "time") {
    add("with time zone");
    add("without time zone");
  }
  while (cursor.is("[") || cursor.is("array")) {
    type.is_array = true;
    cursor.skip_part();
  }
  return type;
}

Constraint take_table_constraint(Cursor& cursor) {
  Constraint constraint;
  if (cursor.accept("constraint")) constraint.name = cursor.take_plain_name();
  const auto take_columns = [&] {
    if (const auto list = cursor.take_parenthesis()) constraint.columns = names_in(*list);
  };
  if (cursor.is("check")) {
    cursor.skip();
    take_check(cursor, constraint);
  } else if (cursor.accept("not null")) {
    constraint.kind = ConstraintKind::not_null;
    constraint.columns.push_back(cursor.take_plain_name());
  } else if (cursor.is("unique") || cursor.is("primary key")) {
    constraint.kind =
        cursor.accept("primary key") ? ConstraintKind::primary_key : ConstraintKind::unique;
    cursor.accept("unique");
    if (!cursor.accept("nulls not distinct")) cursor.accept("nulls distinct");
    if (cursor.accept("using index")) {
      constraint.uses_index = true;
      cursor.take_plain_name();
    } else {
      take_columns();
      take_index_parameters(cursor);
    }
  } else if (cursor.accept("exclude")) {
    constraint.kind = ConstraintKind::exclude;
    if (cursor.accept("using")) cursor.skip();
    cursor.take_parenthesis();
    take_index_parameters(cursor);
  } else if (cursor.accept("foreign key")) {
    take_columns();
    cursor.accept("references");
    take_references(cursor, constraint);
  }
  if (constraint.kind != ConstraintKind::none) take_attributes(cursor, constraint);
  return constraint;
}

Column take_column(Cursor& cursor) {
  Column column;
  column.name_offset = cursor.offset();
  column.name = cursor.take_plain_name();
  column.type_offset = cursor.offset();
  if (!begins_column_constraint(cursor)) column.type = take_type(cursor);
  while (!cursor.at_end()) {
    if (cursor.accept("default")) {
      const std::size_t begin = cursor.at();
      // A default may begin with a word that begins a constraint elsewhere: NULL, NOT true.
      cursor.skip_part();
      while (!cursor.at_end() && !begins_column_constraint(cursor)) cursor.skip_part();
      column.default_text = cursor.text_from(begin);
    } else if (cursor.accept("generated")) {
      take_generated(cursor, column);
    } else if (Constraint constraint = take_column_constraint(cursor);
               constraint.kind != ConstraintKind::none) {
      column.constraints.push_back(std::move(constraint));
    } else {
      cursor.skip_part();
    }
  }
  return column;
}

std::optional<Volatile> volatile_in(std::string_view expression) {
  const std::vector<Word> words = words_of(expression);
  std::optional<Volatile> doubtful;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const bool is_call =
        words[i].is_name() && words[i + 1].folded == "(" && words[i + 1].kind == Word::Kind::symbol;
    if (!is_call) continue;
    // A type with its size: '1'::numeric(10, 2), cast('x' as varchar(3)).
    std::size_t first = i;
    while (first >= 2 && words[first - 1].folded == ".") first -= 2;
    const std::string before = first > 0 ? words[first - 1].folded : "";
    if (before == ":" || before == "as") continue;
    const std::string& call = words[i].folded;
    if (words[i].kind == Word::Kind::word && is_one_of(call, syntax_words)) continue;
    if (is_one_of(call, known_volatile)) return Volatile{.call = call, .is_known = true};
    if (!is_one_of(call, known_stable) && !doubtful) doubtful = Volatile{.call = call};
  }
  return doubtful;
}

std::string not_null_column(std::string_view condition) {
  constexpr int parentheses_max = 8;
  for (int i = 0; i < parentheses_max; ++i) {
    const std::vector<Word> words = words_of(condition);
    Cursor cursor(words, condition);
    const auto inner = cursor.take_parenthesis();
    if (inner && cursor.at_end()) {
      condition = inner->rest();
      continue;
    }
    if (inner) return "";
    std::string column = cursor.take_plain_name();
    return cursor.accept("is not null") && cursor.at_end() ? column : "";
  }
  return "";
}

}  // namespace sluice::lint

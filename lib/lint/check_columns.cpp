#include <array>

#include "lint/checks.hpp"

namespace sluice::lint {
namespace {

/// What is counted up, or refers to what is.
bool is_key(const Column& column) {
  return column.is_serial() || column.is_identity || column.has(Constraint::Kind::primary_key) ||
         column.has(Constraint::Kind::foreign_key) || column.name == "id" ||
         column.name.ends_with("_id");
}

struct TypeRule {
  std::string_view type;
  RuleId id;
  std::string_view better;
};

constexpr std::array type_rules{
    TypeRule{"int", RuleId::prefer_bigint_over_int, "bigint"},
    TypeRule{"integer", RuleId::prefer_bigint_over_int, "bigint"},
    TypeRule{"int4", RuleId::prefer_bigint_over_int, "bigint"},
    TypeRule{"serial", RuleId::prefer_bigint_over_int, "bigint generated always as identity"},
    TypeRule{"serial4", RuleId::prefer_bigint_over_int, "bigint generated always as identity"},
    TypeRule{"smallint", RuleId::prefer_bigint_over_smallint, "bigint"},
    TypeRule{"int2", RuleId::prefer_bigint_over_smallint, "bigint"},
    TypeRule{"smallserial", RuleId::prefer_bigint_over_smallint,
             "bigint generated always as identity"},
    TypeRule{"serial2", RuleId::prefer_bigint_over_smallint, "bigint generated always as identity"},
    TypeRule{"char", RuleId::ban_char_field, "text"},
    TypeRule{"character", RuleId::ban_char_field, "text"},
    TypeRule{"nchar", RuleId::ban_char_field, "text"},
    TypeRule{"national character", RuleId::ban_char_field, "text"},
    TypeRule{"national char", RuleId::ban_char_field, "text"},
    TypeRule{"bpchar", RuleId::ban_char_field, "text"},
    TypeRule{"json", RuleId::prefer_jsonb, "jsonb"},
    TypeRule{"timestamp", RuleId::prefer_timestamptz, "timestamptz"},
    TypeRule{"timestamp without time zone", RuleId::prefer_timestamptz, "timestamptz"},
};

std::string why(RuleId id) {
  switch (id) {
    case RuleId::prefer_bigint_over_int: return "ends at 2,147,483,647";
    case RuleId::prefer_bigint_over_smallint: return "ends at 32,767";
    case RuleId::ban_char_field: return "is filled up with blanks";
    case RuleId::prefer_jsonb: return "has no equality";
    default: return "does not say which moment it means";
  }
}

}  // namespace

void check_type(Scene& scene, const Column& column) {
  scene.check_length(column.name, column.name_offset);
  const TypeName& type = column.type;
  if (type.is_quoted || type.name.empty()) return;
  const bool is_varchar =
      type.name == "varchar" || type.name == "character varying" || type.name == "char varying";
  if (is_varchar && type.has_size) {
    scene.tell(RuleId::prefer_text_field, column.type_offset,
               {column.name + ": a limit of varchar is hard to change later",
                column.name + " text check (length(" + column.name + ") <= ...)"});
  }
  for (const TypeRule& one : type_rules) {
    if (one.type != type.name) continue;
    const bool is_small =
        one.id == RuleId::prefer_bigint_over_int || one.id == RuleId::prefer_bigint_over_smallint;
    Scene::Told told{column.name + ": " + type.name + " " + why(one.id),
                     column.name + " " + std::string(one.better)};
    if (is_small && (!is_key(column) || type.is_array)) told.level = Level::note;
    scene.tell(one.id, column.type_offset, std::move(told));
  }
  if (column.is_serial()) {
    scene.tell(RuleId::prefer_identity, column.type_offset,
               {column.name + ": the sequence of a " + type.name +
                    " has privileges and an owner of its own",
                column.name + " bigint generated always as identity"});
  }
}

}  // namespace sluice::lint

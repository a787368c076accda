#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql.hpp"

namespace sluice::tuple {

/// Object identifiers of the built-in types (pg_type.dat of PostgreSQL; they never change).
namespace oid {
inline constexpr std::uint32_t boolean = 16;
inline constexpr std::uint32_t bytea = 17;
inline constexpr std::uint32_t character = 18;  // "char", one byte
inline constexpr std::uint32_t name = 19;
inline constexpr std::uint32_t int8 = 20;
inline constexpr std::uint32_t int2 = 21;
inline constexpr std::uint32_t int4 = 23;
inline constexpr std::uint32_t text = 25;
inline constexpr std::uint32_t oid = 26;
inline constexpr std::uint32_t json = 114;
inline constexpr std::uint32_t point = 600;
inline constexpr std::uint32_t box = 603;
inline constexpr std::uint32_t cidr = 650;
inline constexpr std::uint32_t float4 = 700;
inline constexpr std::uint32_t float8 = 701;
inline constexpr std::uint32_t macaddr8 = 774;
inline constexpr std::uint32_t money = 790;
inline constexpr std::uint32_t macaddr = 829;
inline constexpr std::uint32_t inet = 869;
inline constexpr std::uint32_t bpchar = 1042;
inline constexpr std::uint32_t varchar = 1043;
inline constexpr std::uint32_t date = 1082;
inline constexpr std::uint32_t time = 1083;
inline constexpr std::uint32_t timestamp = 1114;
inline constexpr std::uint32_t timestamptz = 1184;
inline constexpr std::uint32_t interval = 1186;
inline constexpr std::uint32_t timetz = 1266;
inline constexpr std::uint32_t bit = 1560;
inline constexpr std::uint32_t varbit = 1562;
inline constexpr std::uint32_t numeric = 1700;
inline constexpr std::uint32_t uuid = 2950;
inline constexpr std::uint32_t pg_lsn = 3220;
inline constexpr std::uint32_t jsonb = 3802;
inline constexpr std::uint32_t int4range = 3904;
inline constexpr std::uint32_t numrange = 3906;
inline constexpr std::uint32_t tsrange = 3908;
inline constexpr std::uint32_t tstzrange = 3910;
inline constexpr std::uint32_t daterange = 3912;
inline constexpr std::uint32_t int8range = 3926;

inline constexpr std::uint32_t array_of_boolean = 1000;
inline constexpr std::uint32_t array_of_int8 = 1016;
inline constexpr std::uint32_t array_of_int2 = 1005;
inline constexpr std::uint32_t array_of_int4 = 1007;
inline constexpr std::uint32_t array_of_text = 1009;
inline constexpr std::uint32_t array_of_oid = 1028;
inline constexpr std::uint32_t array_of_cidr = 651;
inline constexpr std::uint32_t array_of_float4 = 1021;
inline constexpr std::uint32_t array_of_float8 = 1022;
inline constexpr std::uint32_t array_of_macaddr8 = 775;
inline constexpr std::uint32_t array_of_macaddr = 1040;
inline constexpr std::uint32_t array_of_inet = 1041;
inline constexpr std::uint32_t array_of_bpchar = 1014;
inline constexpr std::uint32_t array_of_varchar = 1015;
inline constexpr std::uint32_t array_of_date = 1182;
inline constexpr std::uint32_t array_of_time = 1183;
inline constexpr std::uint32_t array_of_timestamp = 1115;
inline constexpr std::uint32_t array_of_timestamptz = 1185;
inline constexpr std::uint32_t array_of_interval = 1187;
inline constexpr std::uint32_t array_of_timetz = 1270;
inline constexpr std::uint32_t array_of_numeric = 1231;
inline constexpr std::uint32_t array_of_uuid = 2951;
}  // namespace oid

/// How a type of an extension is read, where that is known: its oid is another one in each
/// database.
enum class Extension : std::uint8_t {
  none,
  text,  ///< citext: as text is
  ltree,
  hstore,
  geometry,  ///< PostGIS; geography too
  vector,    ///< pgvector
};

struct Type {
  static constexpr char enumeration = 'e';
  static constexpr char domain = 'd';
  static constexpr char composite = 'c';

  struct Part;

  std::uint32_t id = 0;        ///< pg_type.oid
  char kind = 'b';             ///< pg_type.typtype
  std::int32_t modifier = -1;  ///< of `numeric(10,2)` and the like; -1 is none
  std::uint32_t array_id = 0;  ///< of the arrays of this type; 0 where there are none
  Extension extension = Extension::none;
  std::shared_ptr<const std::vector<Part>> composition = nullptr;  ///< of a composite one
};

/// A column of a composite type.
struct Type::Part {
  std::uint32_t declared = 0;  ///< pg_type.oid
  Type base;                   ///< under a domain, or the type itself
};

struct Column {
  std::string name;
  Type declared;          ///< as the catalog has it
  Type base_type;         ///< a domain's type underneath, or the type itself
  std::string type_name;  ///< for people, as format_type says it
  std::string cast_name;  ///< of base_type without its modifier: for a cast from text, which would
                          ///< cut what is too long for `varchar(5)`
  std::int16_t number = 0;  ///< pg_attribute.attnum
  bool not_null = false;
  bool has_default = false;
  bool generated = false;  ///< GENERATED ALWAYS AS (...) STORED: takes no values
  bool identity = false;
};

/// A target as the catalogs describe it. Dropped columns are not in it.
struct Table {
  std::uint32_t id = 0;  ///< pg_class.oid
  std::string schema;
  std::string name;
  std::string quoted_name;       ///< "schema"."name", quoted by the server where SQL needs it
  char kind = 'r';               ///< pg_class.relkind
  bool has_row_trigger = false;  ///< BEFORE or INSTEAD OF row triggers for INSERT may drop rows
  bool row_security = false;     ///< row-level security applies to this user
  bool has_insert_rule = false;  ///< INSERT is rewritten
  bool is_unlogged = false;      ///< it, or a partition, is empty after a crash of the server
  bool has_logged_part = true;   ///< it, or a partition, is not
  bool is_foreign = false;       ///< it, or a partition, stores its rows in another server
  bool may_have_rules = false;   ///< or is a view; a rule that was dropped may have left this
  std::string rules;             ///< a digest of its rules, and of what a view is; empty: none
  char persistence = 'p';        ///< pg_class.relpersistence
  std::vector<Column> columns;

  std::string full_name() const { return schema + "." + name; }
  /// Index in `columns`: exact match first, then case-insensitive where only one column matches.
  std::optional<std::size_t> find(std::string_view column) const;

  /// As a statement names it.
  Sql sql_name() const { return Sql::trusted(quoted_name); }
};

}  // namespace sluice::tuple

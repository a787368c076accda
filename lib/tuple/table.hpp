#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tuple {

/// Object identifiers of the built-in types (pg_type.dat of PostgreSQL; they never change).
namespace oid {
inline constexpr std::uint32_t boolean = 16;
inline constexpr std::uint32_t int8 = 20;
inline constexpr std::uint32_t int2 = 21;
inline constexpr std::uint32_t int4 = 23;
inline constexpr std::uint32_t text = 25;
inline constexpr std::uint32_t float4 = 700;
inline constexpr std::uint32_t float8 = 701;
inline constexpr std::uint32_t bpchar = 1042;
inline constexpr std::uint32_t varchar = 1043;
inline constexpr std::uint32_t date = 1082;
inline constexpr std::uint32_t time = 1083;
inline constexpr std::uint32_t timestamp = 1114;
inline constexpr std::uint32_t timestamptz = 1184;
inline constexpr std::uint32_t numeric = 1700;
inline constexpr std::uint32_t uuid = 2950;
}  // namespace oid

struct Column {
  std::string name;
  std::uint32_t base_type = 0;  ///< a domain's type underneath, or the type itself
  std::string type_name;        ///< for people, as format_type says it
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
  std::string quoted_name;       ///< "schema"."name", quoted where SQL needs it
  char kind = 'r';               ///< pg_class.relkind
  bool has_row_trigger = false;  ///< BEFORE or INSTEAD OF row triggers for INSERT may drop rows
  bool row_security = false;     ///< row-level security applies to this user
  std::vector<Column> columns;

  std::string full_name() const { return schema + "." + name; }
  /// Index in `columns`: exact match first, then case-insensitive where only one column matches.
  std::optional<std::size_t> find(std::string_view column) const;
};

}  // namespace sluice::tuple

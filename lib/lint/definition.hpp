#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lint/words.hpp"

/// What CREATE TABLE and ALTER TABLE say of columns and constraints.
namespace sluice::lint {

struct TypeName {
  /// In lower case, of several words with one blank between them, without its size and pg_catalog:
  /// "timestamp with time zone". Empty: none was read.
  std::string name;
  bool is_quoted = false;
  bool has_size = false;  ///< varchar(20)
  bool is_array = false;
};

struct Constraint {
  enum class Kind { none, check, not_null, unique, primary_key, foreign_key, exclude };
  Kind kind = Kind::none;
  std::string name;  ///< empty: the server finds one
  std::vector<std::string> columns;
  std::optional<ObjectName> references;
  std::string_view condition;  ///< of a CHECK, without its parentheses
  bool uses_index = false;
  bool not_valid = false;
  bool not_enforced = false;
};

struct Column {
  std::string name;
  std::size_t name_offset = 0;
  std::size_t type_offset = 0;
  TypeName type;
  std::vector<Constraint> constraints;
  std::string_view default_text;  ///< empty: it has none
  bool is_identity = false;
  bool is_stored = false;     ///< GENERATED ... STORED
  bool is_generated = false;  ///< GENERATED AS an expression, stored or not

  bool is_serial() const;
  bool has(Constraint::Kind kind) const;
};

TypeName take_type(Cursor& cursor);
/// [CONSTRAINT name] and what it says, of a table. Nothing (Kind::none) where none stands here.
Constraint take_table_constraint(Cursor& cursor);
/// name, type and constraints.
Column take_column(Cursor& cursor);

/// The value is not the same for all rows, or nobody can tell without the server: the table is
/// rewritten. `call` is the function.
struct Volatile {
  std::string call;
  bool is_known = false;  ///< that it is
};
std::optional<Volatile> volatile_in(std::string_view expression);

/// The column that a CHECK says is not null; empty: it says something else.
std::string not_null_column(std::string_view condition);

}  // namespace sluice::lint

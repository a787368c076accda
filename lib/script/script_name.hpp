#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::script {

enum class ScriptKind {
  versioned,   ///< runs once, in the order of versions
  repeatable,  ///< runs again whenever its content changes, after all versioned ones
  scheduled,   ///< runs whenever its schedule says
};

/// What the name of an SQL file says.
struct ScriptName {
  ScriptKind kind = ScriptKind::versioned;
  std::uint64_t version = 0;  ///< of a versioned one
  std::string name;           ///< in words: "add users" of V7__add_users.sql
};

/// Reads a file's name, without its folder:
///
///   V20260131120000__add_users.sql, 007_add_users.sql, 7_add_users.up.sql    versioned
///   R__views.sql    repeatable        S__nightly.sql    scheduled
///
/// Nothing for what is no migration: files that do not end with .sql, and the .down.sql of
/// golang-migrate and sqlx. The error is a sentence.
std::expected<std::optional<ScriptName>, std::string> parse_script_name(std::string_view file);

}  // namespace sluice::script

#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "script/version.hpp"

namespace sluice::script {

enum class ScriptKind {
  versioned,   ///< runs once, in the order of versions
  repeatable,  ///< runs again whenever its content changes, after all versioned ones
  scheduled,   ///< runs whenever its schedule says
  way_back,    ///< undoes the versioned one of its version
  hook,        ///< runs with each run
};

/// What the name of an SQL file says.
struct ScriptName {
  ScriptKind kind = ScriptKind::versioned;
  Version version;   ///< of a versioned one, and of its way back
  std::string name;  ///< in words: "add users" of V7__add_users.sql
};

/// The files that run with each run: in front of all others, and behind them.
inline constexpr std::string_view before_file = "before.sql";
inline constexpr std::string_view after_file = "after.sql";

/// Reads a file's name, without its folder:
///
///   V20260131120000__add_users.sql, V1.2__add_users.sql, 007_add_users.sql,
///   7_add_users.up.sql, 7-add-users.sql         versioned
///   R__views.sql    repeatable                  S__nightly.sql    scheduled
///   U1.2__add_users.sql, 7_add_users.down.sql   way back
///   before.sql, after.sql                       hook
///
/// Nothing for files that do not end with .sql. The error is a sentence.
std::expected<std::optional<ScriptName>, std::string> parse_script_name(std::string_view file);

}  // namespace sluice::script

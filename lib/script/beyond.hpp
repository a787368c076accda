#pragma once

#include <optional>
#include <string>

#include "script/placeholders.hpp"
#include "script/script.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::script {

/// A statement that reaches beyond its database.
struct Beyond {
  Place place;
  std::string words;  ///< "CREATE ROLE"
};

/// The first one of a script that changes roles, databases, tablespaces or the server's settings.
/// What DO and functions do is not seen. Throws as Stretches does.
std::optional<Beyond> first_beyond(const Script& script, const Placeholders& values);

}  // namespace sluice::script

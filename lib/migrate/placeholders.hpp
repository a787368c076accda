#pragma once

#include <expected>
#include <map>
#include <string>

#include "migrate/script.hpp"

namespace sluice::migrate {

using Placeholders = std::map<std::string, std::string>;

/// The text with the values of the placeholders that the file declares (`-- pgsluice: placeholder
/// name`): `${name}` anywhere, as it is; `:'name'` as a string constant and `:"name"` as an
/// identifier, outside of quotes and comments, as in psql. What is not declared stays as it is.
/// Throws Failure{usage} for a declared one without a value.
std::string with_placeholders(const Script& script, const Placeholders& values);

/// Throws Failure{usage} if a value is given that no file of the folder asks for.
void check_placeholders(const Folder& folder, const Placeholders& values);

}  // namespace sluice::migrate

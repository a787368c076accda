#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Encodings of text, as PostgreSQL names them
/// (https://www.postgresql.org/docs/current/multibyte.html).
namespace sluice::pg {

inline constexpr const char* utf8 = "UTF8";

/// The name that PostgreSQL shows for one of its names or aliases; nothing where it has none.
std::optional<std::string> encoding_named(const std::string& name);

/// A byte of a longer character can look like a delimiter or a quote: servers do not use these
/// inside. REQUIRES: a name of encoding_named().
bool is_for_clients_alone(const std::string& encoding);

/// The name that was probably meant: WIN1252 for cp1252.
std::optional<std::string> encoding_like(const std::string& name);

/// A text of such an encoding in UTF-8, for a person. What is UTF-8 already, and what this system
/// cannot convert, stays as it is.
std::string in_utf8(std::string text, const std::string& encoding);

}  // namespace sluice::pg

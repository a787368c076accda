#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// A name as SQL wants it, always quoted: trips is "trips".
std::string quote_identifier(std::string_view name);

/// "a", "b", "c"
std::string quote_identifiers(std::span<const std::string> names);

/// A string constant that means the same whatever standard_conforming_strings says.
std::string quote_literal(std::string_view text);

}  // namespace sluice

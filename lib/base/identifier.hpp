#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// A name as SQL wants it, always quoted: trips is "trips".
std::string quote_identifier(std::string_view name);

/// As SQL takes it for a column or a table, quoted only where it has to be.
std::string name_in_sql(const std::string& name);

/// "a", "b", "c"
std::string quote_identifiers(std::span<const std::string> names);

/// A statement whose quoted names say the same in ASCII (U&"gr\00F6\00DFe"), so that it is read
/// alike whatever the session's encoding. REQUIRES: UTF-8, and a statement without constants.
/// https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
std::string with_ascii_names(std::string_view sql);

/// A string constant that means the same whatever standard_conforming_strings says.
std::string quote_literal(std::string_view text);

}  // namespace sluice

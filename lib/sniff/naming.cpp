#include "sniff/naming.hpp"

#include <algorithm>
#include <cctype>

#include "base/characters.hpp"
#include "base/identifier.hpp"

namespace sluice::sniff {
namespace {

/// What is no name of a column or a table unless it is quoted
/// (https://www.postgresql.org/docs/current/sql-keywords-appendix.html).
constexpr std::string_view reserved =
    " all analyse analyze and any array as asc asymmetric authorization binary both case "
    "cast check collate collation column concurrently constraint create cross "
    "current_catalog current_date current_role current_schema current_time "
    "current_timestamp current_user default deferrable desc distinct do else end except "
    "false fetch for foreign freeze from full grant group having ilike in initially inner "
    "intersect into is isnull join lateral leading left like limit localtime "
    "localtimestamp natural not notnull null offset on only or order outer overlaps "
    "placing primary references returning right select session_user similar some symmetric "
    "system_user table tablesample then to trailing true union unique user using variadic "
    "verbose when where window with ";

/// Letters and digits, in lower case; all else becomes underscores.
std::string plain(const std::string& name) {
  std::string made;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_kept = std::isalnum(byte) != 0 || byte >= 0x80;
    made += is_kept ? static_cast<char>(std::tolower(byte)) : '_';
  }
  return made;
}

}  // namespace

std::string snake(const std::string& name) {
  std::string made;
  for (const char c : plain(name)) {
    if (c != '_' || (!made.empty() && made.back() != '_')) made += c;
  }
  if (made.ends_with('_')) made.pop_back();
  return made;
}

std::string cut(const std::string& name, const std::string& end) {
  return name.substr(0, whole_characters(name, name_bytes_max - end.size())) + end;
}

std::string name_in_sql(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool is_bare = !name.empty() && (name.front() < '0' || name.front() > '9') &&
                       std::ranges::all_of(name, is_plain) &&
                       reserved.find(" " + name + " ") == std::string_view::npos;
  return is_bare ? name : quote_identifier(name);
}

std::string table_of_file(std::filesystem::path file) {
  while (file.has_extension()) file = file.stem();
  const std::string name = cut(plain(file.filename().string()));
  return name_in_sql(name.empty() || name == "_" ? "data" : name);
}

}  // namespace sluice::sniff

#include "base/identifier.hpp"

namespace sluice {

std::string quote_identifier(std::string_view name) {
  std::string result = "\"";
  for (const char c : name) {
    if (c == '"') result += '"';
    result += c;
  }
  return result + '"';
}

std::string quote_identifiers(std::span<const std::string> names) {
  std::string result;
  for (const std::string& name : names) {
    if (!result.empty()) result += ", ";
    result += quote_identifier(name);
  }
  return result;
}

std::string quote_literal(std::string_view text) {
  std::string result = text.find('\\') == std::string_view::npos ? "'" : " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += c;
    result += c;
  }
  return result + '\'';
}

}  // namespace sluice

#include "serve/field.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/trimmed.hpp"

namespace sluice::serve {
namespace {

std::string unquoted(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string plain;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    // Any character may be escaped; paths of Windows come as they are.
    const bool is_escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (is_escape) ++i;
    plain += text[i];
  }
  return plain;
}

}  // namespace

std::string_view take_part(std::string_view& field, char separator) {
  bool is_quoted = false;
  std::size_t i = 0;
  for (; i < field.size() && (is_quoted || field[i] != separator); ++i) {
    if (field[i] == '"') is_quoted = !is_quoted;
    if (is_quoted && field[i] == '\\' && i + 1 < field.size()) ++i;
  }
  const std::string_view part = field.substr(0, i);
  field.remove_prefix(std::min(i + 1, field.size()));
  return part;
}

std::vector<std::pair<std::string, std::string>> parameters_of(std::string_view field) {
  std::vector<std::pair<std::string, std::string>> parameters;
  take_part(field, ';');
  while (!field.empty()) {
    std::string_view value = take_part(field, ';');
    std::string name = in_small_letters(trimmed(take_part(value, '=')));
    parameters.emplace_back(std::move(name), unquoted(trimmed(value)));
  }
  return parameters;
}

}  // namespace sluice::serve

#include "pg/search_path.hpp"

#include <vector>

#include "base/identifier.hpp"

namespace sluice::pg {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The identifier that begins at `at`, which is left behind it.
std::string take_identifier(std::string_view text, std::size_t& at) {
  std::string name;
  if (text[at] == '"') {
    for (++at; at < text.size(); ++at) {
      if (text[at] == '"' && (at + 1 >= text.size() || text[++at] != '"')) break;
      name += text[at];
    }
    while (at < text.size() && text[at] != ',') ++at;
    return name;
  }
  for (; at < text.size() && text[at] != ','; ++at)
    name += text[at] >= 'A' && text[at] <= 'Z' ? static_cast<char>(text[at] - 'A' + 'a') : text[at];
  while (!name.empty() && is_space(name.back())) name.pop_back();
  return name;
}

}  // namespace

Sql set_local_path(std::string_view setting) {
  std::vector<std::string> names;
  for (std::size_t at = 0; at < setting.size();) {
    if (is_space(setting[at]) || setting[at] == ',') {
      ++at;
    } else {
      names.push_back(take_identifier(setting, at));
    }
  }
  // An empty path is written as an empty text.
  return sql("set local search_path = {}; ",
             names.empty() ? sql("''") : sql_list(names, identifier));
}

}  // namespace sluice::pg

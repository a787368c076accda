#include "serve/file_name.hpp"

#include <algorithm>
#include <optional>

#include "base/ascii.hpp"
#include "base/printable.hpp"
#include "base/trimmed.hpp"
#include "serve/target.hpp"

namespace sluice::serve {
namespace {

constexpr std::size_t file_name_bytes_max = 255;

/// Takes what a field has up to that character, which no quotes hide.
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

std::string unquoted(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string plain;
  for (std::size_t i = 1; i < text.size() && text[i] != '"'; ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

/// UTF-8''%e2%82%ac.csv, with a language between the quotes or none.
/// https://www.rfc-editor.org/rfc/rfc8187
std::optional<std::string> extended(std::string_view text) {
  if (in_small_letters(take_part(text, '\'')) != "utf-8") return std::nullopt;
  take_part(text, '\'');
  return percent_decoded(text);
}

/// Nothing where it is none. Browsers said the whole path once.
std::string name_in(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of("/\\") + 1);
  const bool is_odd = std::ranges::any_of(
      name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  return is_odd || name.size() > file_name_bytes_max || !is_utf8(name) ? "" : std::string(name);
}

}  // namespace

std::string file_name_of(const Request& request) {
  std::string_view field = request.header("content-disposition");
  take_part(field, ';');
  std::string name;
  while (!field.empty()) {
    std::string_view value = take_part(field, ';');
    const std::string what = in_small_letters(trimmed(take_part(value, '=')));
    if (what == "filename" && name.empty()) name = name_in(unquoted(trimmed(value)));
    if (what != "filename*") continue;
    const std::optional<std::string> better = extended(trimmed(value));
    if (better && !name_in(*better).empty()) return name_in(*better);
  }
  return name;
}

}  // namespace sluice::serve

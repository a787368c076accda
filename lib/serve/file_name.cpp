#include "serve/file_name.hpp"

#include <optional>

#include "base/ascii.hpp"
#include "base/printable.hpp"
#include "serve/field.hpp"
#include "serve/target.hpp"

namespace sluice::serve {
namespace {

constexpr std::size_t file_name_bytes_max = 255;

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
  const bool is_odd = printable_line(name) != name || name == "." || name == "..";
  return is_odd || name.size() > file_name_bytes_max || !is_utf8(name) ? "" : std::string(name);
}

}  // namespace

std::string file_name_of(const Request& request) {
  std::string name;
  for (const auto& [what, value] : parameters_of(request.header("content-disposition"))) {
    if (what == "filename" && name.empty()) name = name_in(value);
    if (what != "filename*") continue;
    const std::optional<std::string> better = extended(value);
    if (better && !name_in(*better).empty()) return name_in(*better);
  }
  return name;
}

}  // namespace sluice::serve

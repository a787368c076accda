#include "migrate/culprit.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace sluice::migrate {
namespace {

/// A statement as a message shows it: its first lines, indented.
std::string excerpt(const std::string& statement) {
  constexpr std::size_t lines_max = 4;
  constexpr std::size_t bytes_max = 300;
  std::string shown;
  std::size_t at = 0;
  for (std::size_t line = 0; line < lines_max && at < statement.size(); ++line) {
    const std::size_t end = std::min(statement.find('\n', at), statement.size());
    shown += "\n  | " + statement.substr(at, std::min(end - at, bytes_max));
    at = end + 1;
  }
  return at < statement.size() ? shown + "\n  | ..." : shown;
}

/// The statement changes who the session is, or could.
bool may_change_role(const script::Unit& unit, std::string_view sql) {
  constexpr std::array<std::string_view, 6> certain{"SET",   "RESET", "DISCARD",
                                                    "ALTER", "DROP",  "CALL"};
  if (unit.words.empty()) return false;
  const bool names_it = std::ranges::find(certain, unit.words.front()) != certain.end();
  std::string text(sql);
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text.contains("set_config")) return true;
  if (!names_it) return false;
  return std::ranges::any_of(std::array{"role", "user", "authorization", "transaction", "read"},
                             [&text](const char* word) { return text.contains(word); });
}

}  // namespace

Culprit unit_culprit(const script::Stretch& stretch, std::size_t unit) {
  const auto written = stretch.written_unit(unit);
  return {.place = stretch.units[unit].place,
          .excerpt = written ? excerpt(std::string(*written)) : std::string()};
}

std::optional<std::size_t> change_of_role(const script::Stretch& stretch) {
  for (std::size_t i = stretch.units.size(); i-- > 0;)
    if (may_change_role(stretch.units[i], stretch.unit(i))) return i;
  return std::nullopt;
}

Culprit last_change_of_role(const script::Script& script,
                            const script::Placeholders& placeholders) {
  Culprit culprit;
  script::Stretches stretches(script, placeholders);
  while (const std::optional<script::Stretch> stretch = stretches.next()) {
    if (const auto unit = change_of_role(*stretch)) culprit = unit_culprit(*stretch, *unit);
  }
  culprit.what = Culprit::What::state_left;
  return culprit;
}

}  // namespace sluice::migrate

#include "migrate/culprit.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "script/excerpt.hpp"

namespace sluice::migrate {
namespace {

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
          .excerpt = written ? script::excerpt(*written) : std::string()};
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

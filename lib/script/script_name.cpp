#include "script/script_name.hpp"

#include <algorithm>

namespace sluice::script {
namespace {

constexpr std::string_view digits = "0123456789";

std::string in_words(std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  return words;
}

/// "1.2" of V1.2__x.sql and V1_2__x.sql; a plain number has no dots.
std::string take_version(std::string_view& stem, bool may_have_parts) {
  std::string version;
  for (;;) {
    const std::size_t size = std::min(stem.find_first_not_of(digits), stem.size());
    version += stem.substr(0, size);
    stem.remove_prefix(size);
    const bool goes_on = may_have_parts && size > 0 && stem.size() > 1 &&
                         (stem[0] == '.' || stem[0] == '_') && digits.contains(stem[1]);
    if (!goes_on) return version;
    version += '.';
    stem.remove_prefix(1);
  }
}

/// Its letters may be of either case, as not all file systems tell them apart.
bool ends_with(std::string_view text, std::string_view lower_case) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return text.size() >= lower_case.size() &&
         std::ranges::equal(text.substr(text.size() - lower_case.size()), lower_case, same);
}

std::unexpected<std::string> unclear(std::string_view file, std::string_view why) {
  return std::unexpected("\"" + std::string(file) +
                         "\" is no name of a migration: " + std::string(why));
}

}  // namespace

std::expected<std::optional<ScriptName>, std::string> parse_script_name(std::string_view file) {
  constexpr std::string_view names =
      "write V20260131120000__name.sql, 001_name.sql, R__name.sql or S__name.sql";
  constexpr std::string_view ending = ".sql";
  std::string_view stem = file;
  if (stem.starts_with(".") || stem.size() < ending.size()) return std::nullopt;
  if (!stem.ends_with(ending)) {
    if (!ends_with(stem, ending)) return std::nullopt;
    return unclear(file, "write its ending as .sql");
  }
  if (file == before_file || file == after_file) {
    return ScriptName{.kind = ScriptKind::hook,
                      .version = {},
                      .name = std::string(file.substr(0, file.size() - ending.size()))};
  }
  stem.remove_suffix(ending.size());
  const std::string_view way = ends_with(stem, ".up")     ? ".up"
                               : ends_with(stem, ".down") ? ".down"
                                                          : "";
  for (const std::string_view back : {".undo", ".rollback", ".revert"})
    if (ends_with(stem, back)) return unclear(file, "what goes back ends with .down.sql");
  stem.remove_suffix(way.size());

  ScriptName script;
  const bool has_prefix = !stem.empty() && std::string_view("VRSU").contains(stem[0]);
  const char prefix = has_prefix ? stem[0] : 'V';
  if (has_prefix) stem.remove_prefix(1);
  const std::string number = take_version(stem, has_prefix);
  // Two underscores behind a prefix, one or two, or a hyphen, behind a plain number.
  const std::string_view separator = has_prefix || stem.starts_with("__") ? "__"
                                     : stem.starts_with("-")              ? "-"
                                                                          : "_";
  if (file.starts_with("B") && file.contains("__"))
    return unclear(file, "a baseline of Flyway is not read; call it V, and see migrate baseline");
  if (!stem.starts_with(separator)) return unclear(file, names);
  stem.remove_prefix(separator.size());
  if (stem.empty()) return unclear(file, "it needs a name behind the underscores");
  script.name = in_words(stem);
  if (prefix == 'R' || prefix == 'S') {
    if (!number.empty() || !way.empty()) return unclear(file, "only versioned ones have a number");
    script.kind = prefix == 'R' ? ScriptKind::repeatable : ScriptKind::scheduled;
    return script;
  }
  if (number.empty()) return unclear(file, names);
  if (prefix == 'U' && !way.empty()) return unclear(file, "U says already that it goes back");
  const auto version = Version::parse(number);
  if (!version) return unclear(file, "its version is too large");
  script.version = *version;
  if (prefix == 'U' || way == ".down") script.kind = ScriptKind::way_back;
  return script;
}

}  // namespace sluice::script

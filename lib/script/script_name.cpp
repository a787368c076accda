#include "script/script_name.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::script {
namespace {

constexpr std::string_view digits = "0123456789";

std::string in_words(std::string_view name) {
  std::string words(name);
  std::ranges::replace(words, '_', ' ');
  return words;
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
    const auto same = [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); };
    if (!std::ranges::equal(ending, stem.substr(stem.size() - ending.size()), same))
      return std::nullopt;
    return unclear(file, "write its ending as .sql");
  }
  stem.remove_suffix(ending.size());
  if (stem.ends_with(".down")) return std::nullopt;
  const bool is_up = stem.ends_with(".up");
  if (is_up) stem.remove_suffix(3);

  ScriptName script;
  const bool has_prefix = !stem.empty() && std::string_view("VRS").contains(stem[0]);
  const char prefix = has_prefix ? stem[0] : 'V';
  if (has_prefix) stem.remove_prefix(1);
  const std::size_t number_size = std::min(stem.find_first_not_of(digits), stem.size());
  const std::string_view number = stem.substr(0, number_size);
  stem.remove_prefix(number_size);
  // Two underscores behind a prefix, one or two behind a plain number.
  const std::string_view separator = has_prefix || stem.starts_with("__") ? "__" : "_";
  if (!stem.starts_with(separator)) return unclear(file, names);
  stem.remove_prefix(separator.size());
  if (stem.empty()) return unclear(file, "it needs a name behind the underscores");
  script.name = in_words(stem);
  if (prefix != 'V') {
    if (!number.empty() || is_up) return unclear(file, "only versioned ones have a number");
    script.kind = prefix == 'R' ? ScriptKind::repeatable : ScriptKind::scheduled;
    return script;
  }
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), script.version);
  if (number.empty()) return unclear(file, names);
  if (error != std::errc()) return unclear(file, "its version is too large");
  return script;
}

}  // namespace sluice::script

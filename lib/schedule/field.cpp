#include "schedule/field.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sluice::schedule {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

int parse_number(std::string_view text, const FieldKind& kind) {
  const std::string name = lower(text);
  const auto named = std::ranges::find(kind.names, name);
  if (named != kind.names.end())
    return kind.names_from + static_cast<int>(named - kind.names.begin());
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    throw Wrong{fmt::format("{}: \"{}\" is no number", kind.name, text)};
  if (number < kind.least || number > kind.most) {
    throw Wrong{
        fmt::format("{}: {} is not between {} and {}", kind.name, number, kind.least, kind.most)};
  }
  return number;
}

void parse_element(std::string_view text, const FieldKind& kind, Numbers& numbers) {
  const std::vector<std::string_view> parts = split(text, '/');
  if (parts.size() > 2) throw Wrong{fmt::format("{}: \"{}\" has two steps", kind.name, text)};
  int step = 1;
  if (parts.size() == 2) {
    step = parse_number(parts[1], {kind.name, 1, kind.most, {}});
    const bool is_range = parts[0] == "*" || parts[0].find('-') != std::string_view::npos;
    if (!is_range) {
      throw Wrong{fmt::format("{}: a step needs a range: write {}-{}/{}", kind.name, parts[0],
                              kind.most, step)};
    }
  }
  int first = kind.least;
  int last = kind.most;
  if (parts[0] != "*") {
    const std::vector<std::string_view> bounds = split(parts[0], '-');
    if (bounds.size() > 2) throw Wrong{fmt::format("{}: \"{}\" is no range", kind.name, text)};
    first = parse_number(bounds[0], kind);
    last = bounds.size() == 2 ? parse_number(bounds[1], kind) : first;
    // A week may end with Sunday.
    if (kind.most == 7 && bounds.size() == 2 && last == 0) last = 7;
    if (first > last) {
      throw Wrong{fmt::format("{}: {} is behind {}: write {}-{},{}-{}", kind.name, bounds[0],
                              bounds[1], bounds[0], kind.most, kind.least, bounds[1])};
    }
  }
  for (int number = first; number <= last; number += step)
    numbers.set(static_cast<std::size_t>(number));
}

Numbers parse_field(std::string_view text, const FieldKind& kind) {
  Numbers numbers;
  for (const std::string_view element : split(text, ',')) parse_element(element, kind, numbers);
  return numbers;
}

}  // namespace sluice::schedule

#include "plan/header_advice.hpp"

#include <algorithm>

#include "base/printable.hpp"
#include "source/transcoder.hpp"

namespace sluice::plan {
namespace {

/// As one would guess: quotes and blanks around a name are not of it.
std::string trimmed(std::string name) {
  const auto is_around = [](const char c) { return c == ' ' || c == '"' || c == '\''; };
  while (!name.empty() && is_around(name.back())) name.pop_back();
  while (!name.empty() && is_around(name.front())) name.erase(0, 1);
  return name;
}

std::vector<std::string> split(const std::string& header, char delimiter) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= header.size();) {
    const std::size_t end = std::min(header.find(delimiter, begin), header.size());
    names.push_back(trimmed(header.substr(begin, end - begin)));
    begin = end + 1;
  }
  return names;
}

std::size_t known(const tuple::Table& table, const std::vector<std::string>& names) {
  return static_cast<std::size_t>(std::ranges::count_if(
      names, [&table](const std::string& name) { return table.find(name).has_value(); }));
}

/// ", for example --encoding WIN1252 (größe) or KOI8R (...)"
std::string likely(const std::string& bytes) {
  std::string text;
  for (const source::Encoding& encoding : source::likely_encodings(bytes, 2))
    text += (text.empty() ? ", for example --encoding " : " or ") + encoding.name + " (" +
            source::in_utf8(bytes, encoding) + ")";
  return text;
}

}  // namespace

std::string header_advice(const tuple::Table& table, const csv::Dialect& dialect,
                          const std::string& header, const std::vector<std::string>& names) {
  if (!std::ranges::all_of(names, is_utf8)) {
    return "The header is no UTF-8: --encoding says what it is" + likely(header) + ".";
  }
  std::string best;
  std::size_t most = known(table, names);
  for (const char* shown : {";", "\\t", "|", ",", ":", "^", "~"}) {
    const char delimiter = *csv::parse_character(shown);
    if (csv::Delimiter(delimiter) == dialect.delimiter) continue;
    const std::vector<std::string> others = split(header, delimiter);
    if (others.size() < 2 || known(table, others) <= most) continue;
    most = known(table, others);
    best = shown;
  }
  if (best.empty()) return {};
  return "With --delimiter '" + best + "' " + std::to_string(most) +
         (most == 1 ? " name would match." : " names would match.");
}

}  // namespace sluice::plan

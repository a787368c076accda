#include "tuple/likeness.hpp"

#include <algorithm>

#include <clocale>
#include <cstdint>
#include <cwctype>
#include <map>
#include <utility>

#include "tuple/compositions.hpp"
#include "tuple/utf8.hpp"

namespace sluice::tuple {
namespace {

/// No column's name is longer; what claims to be a header may be a whole file.
constexpr std::size_t name_bytes_max = 1024;

using Parts = std::pair<char32_t, char32_t>;

const std::map<char32_t, Parts>& decompositions() {
  static const std::map<char32_t, Parts> all = [] {
    std::map<char32_t, Parts> parts;
    for (const Compositions& with : compositions)
      for (std::size_t i = 0; i + 1 < with.pairs.size(); i += 2)
        parts.emplace(with.pairs[i + 1], Parts{with.pairs[i], with.mark});
    return parts;
  }();
  return all;
}

/// Of Unicode, whatever the locale is; of ASCII alone where the system lacks it.
char32_t lower(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  static const locale_t unicode = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (unicode == nullptr) return c;
  return static_cast<char32_t>(::towlower_l(static_cast<wint_t>(c), unicode));
}

void append_decomposed(std::u32string& to, char32_t c) {
  // A syllable of Hangul (The Unicode Standard, section 3.12).
  static constexpr char32_t first = 0xac00;
  static constexpr char32_t count = 11172;
  if (c >= first && c < first + count) {
    const char32_t place = c - first;
    to += 0x1100 + place / (21 * 28);
    to += 0x1161 + place / 28 % 21;
    if (place % 28 != 0) to += 0x11a7 + place % 28;
    return;
  }
  const auto found = decompositions().find(c);
  if (found == decompositions().end()) {
    to += lower(c == '_' || c == 0xa0 ? U' ' : c);
    return;
  }
  append_decomposed(to, found->second.first);
  to += found->second.second;
}

/// REQUIRES: well-formed UTF-8.
char32_t take_character(std::string_view& text) {
  const auto byte = static_cast<unsigned char>(text.front());
  const std::size_t size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  char32_t c = size == 1 ? byte : byte & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i)
    c = c << 6U | (static_cast<unsigned char>(text[i]) & 0x3fU);
  text.remove_prefix(size);
  return c;
}

}  // namespace

std::string likeness_of(std::string_view name) {
  if (find_invalid_utf8(name)) return std::string(name);
  std::u32string characters;
  while (!name.empty()) append_decomposed(characters, take_character(name));
  const auto is_blank = [](char32_t c) { return c == ' ' || c == '\t'; };
  while (!characters.empty() && is_blank(characters.back())) characters.pop_back();
  std::size_t begin = 0;
  while (begin < characters.size() && is_blank(characters[begin])) ++begin;
  std::string likeness;
  for (const char32_t c : characters.substr(begin)) {
    for (const unsigned shift : {24U, 16U, 8U, 0U})
      likeness += static_cast<char>(static_cast<std::uint32_t>(c) >> shift & 0xffU);
  }
  return likeness;
}

Alike::Alike(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].size() <= name_bytes_max) places_[likeness_of(names[i])].push_back(i);
}

std::optional<std::size_t> Alike::find(const std::string& name) const {
  if (name.size() > name_bytes_max) return std::nullopt;
  const auto found = places_.find(likeness_of(name));
  if (found == places_.end() || found->second.size() != 1) return std::nullopt;
  return found->second.front();
}

std::optional<std::size_t> find_named(const std::vector<std::string>& names,
                                      const std::string& name) {
  const auto exact = std::ranges::find(names, name);
  if (exact != names.end()) return static_cast<std::size_t>(exact - names.begin());
  return Alike(names).find(name);
}

}  // namespace sluice::tuple

#include "pg/encoding.hpp"

#include <iconv.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/printable.hpp"
#include "base/suggestion.hpp"

namespace sluice::pg {
namespace {

/// What libpq knows, by its own numbers.
std::vector<std::string> all_encodings() {
  std::vector<std::string> names;
  for (int number = 0;; ++number) {
    const std::string name = pg_encoding_to_char(number);
    if (name.empty()) return names;
    names.push_back(name);
  }
}

/// As iconv names it; most names are the same to both.
std::string name_for_iconv(const std::string& encoding) {
  struct Other {
    const char* ours;
    const char* its;
  };
  static constexpr std::array<Other, 13> others{{{"LATIN5", "ISO-8859-9"},
                                                 {"LATIN6", "ISO-8859-10"},
                                                 {"LATIN7", "ISO-8859-13"},
                                                 {"LATIN8", "ISO-8859-14"},
                                                 {"LATIN9", "ISO-8859-15"},
                                                 {"LATIN10", "ISO-8859-16"},
                                                 {"ISO_8859_5", "ISO-8859-5"},
                                                 {"ISO_8859_6", "ISO-8859-6"},
                                                 {"ISO_8859_7", "ISO-8859-7"},
                                                 {"ISO_8859_8", "ISO-8859-8"},
                                                 {"KOI8R", "KOI8-R"},
                                                 {"KOI8U", "KOI8-U"},
                                                 {"EUC_JIS_2004", "EUC-JISX0213"}}};
  const auto found = std::ranges::find(others, encoding, &Other::ours);
  if (found != others.end()) return found->its;
  if (encoding.starts_with("WIN")) return "CP" + encoding.substr(3);
  std::string name = encoding;
  std::ranges::replace(name, '_', '-');
  return name;
}

struct Converter {
  explicit Converter(const std::string& encoding)
      : is_open(::iconv_open("UTF-8", name_for_iconv(encoding).c_str())) {}
  ~Converter() {
    if (is_valid()) ::iconv_close(is_open);
  }
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;

  // iconv's own sign of failure.
  bool is_valid() const { return reinterpret_cast<std::intptr_t>(is_open) != -1; }

  iconv_t is_open;
};

}  // namespace

std::optional<std::string> encoding_named(const std::string& name) {
  const int number = pg_char_to_encoding(name.c_str());
  if (number < 0) return std::nullopt;
  return pg_encoding_to_char(number);
}

bool is_for_clients_alone(const std::string& encoding) {
  return pg_valid_server_encoding_id(pg_char_to_encoding(encoding.c_str())) == 0;
}

std::optional<std::string> encoding_like(const std::string& name) {
  std::string plain;
  for (const char c : name)
    if (c != '-' && c != '_' && c != ' ')
      plain += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  for (const char* prefix : {"CP", "MS", "IBM"}) {
    if (!plain.starts_with(prefix)) continue;
    if (auto known = encoding_named("WIN" + plain.substr(std::string_view(prefix).size())))
      return known;
  }
  return nearest(plain, all_encodings());
}

std::string in_utf8(std::string text, const std::string& encoding) {
  if (encoding == utf8 || is_utf8(text)) return text;
  const Converter converter(encoding);
  if (!converter.is_valid()) return text;
  // No character of these takes more than four bytes in UTF-8.
  std::string converted(text.size() * 4, '\0');
  char* in = text.data();
  char* out = converted.data();
  std::size_t in_left = text.size();
  std::size_t out_left = converted.size();
  if (::iconv(converter.is_open, &in, &in_left, &out, &out_left) == static_cast<std::size_t>(-1))
    return text;
  converted.resize(converted.size() - out_left);
  return converted;
}

}  // namespace sluice::pg

#include "base/printable.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/characters.hpp"

namespace sluice {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  ///< 0: these bytes are no UTF-8
};

/// The Unicode standard's table 3-7: no overlong forms, no surrogates, nothing behind U+10FFFF.
Character character_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return {};
  std::uint32_t code = first & (0xFFU >> (bytes + 1));
  for (std::size_t i = 1; i < bytes; ++i) {
    if (at + i >= text.size() || !is_inside_character(text[at + i])) return {};
    code = code << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (code < least.at(bytes) || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, bytes};
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

/// Controls; bidirectional marks, embeddings and isolates; separators of lines; what has no width
/// and no meaning of its own (the joiners have one in some scripts); annotations; tags.
constexpr std::array<Range, 12> unprintable{{{0x00, 0x1F},
                                             {0x7F, 0x9F},
                                             {0xAD, 0xAD},
                                             {0x61C, 0x61C},
                                             {0x200B, 0x200B},
                                             {0x200E, 0x200F},
                                             {0x2028, 0x202E},
                                             {0x2060, 0x206F},
                                             {0xFEFF, 0xFEFF},
                                             {0xFFF9, 0xFFFB},
                                             {0x1D173, 0x1D17A},
                                             {0xE0000, 0xE007F}}};

bool is_unprintable(std::uint32_t code) {
  return std::ranges::any_of(
      unprintable, [code](Range range) { return range.first <= code && code <= range.last; });
}

void add_hex(std::string& out, const char* format, std::uint32_t number) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, number);
  out += text.data();
}

void add_escaped(std::string& out, std::uint32_t code) {
  switch (code) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    default: break;
  }
  add_hex(out, code < 0x80 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x", code);
}

std::string written_out(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Character one = character_at(text, at);
    if (one.bytes == 0) {
      add_hex(out, "\\x%02x", static_cast<unsigned char>(text[at++]));
      continue;
    }
    if (is_unprintable(one.code) && !kept.contains(text[at])) {
      add_escaped(out, one.code);
    } else {
      out += text.substr(at, one.bytes);
    }
    at += one.bytes;
  }
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Character one = character_at(text, at);
    if (one.bytes == 0) return false;
    at += one.bytes;
  }
  return true;
}

std::string printable(std::string_view text) { return written_out(text, "\n\t"); }

std::string printable_line(std::string_view text) { return written_out(text, "\t"); }

std::string printable_ascii(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Character one = character_at(text, at);
    const std::size_t bytes = std::max<std::size_t>(one.bytes, 1);
    const std::string_view written = text.substr(at, bytes);
    if (one.bytes != 0 && one.code >= 0x80) {
      add_escaped(out, one.code);
    } else {
      out += printable(written);
    }
    at += bytes;
  }
  return out;
}

std::string printable_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    const Character one = character_at(json, at);
    const std::size_t bytes = std::max<std::size_t>(one.bytes, 1);
    // Below 0x20 there is only the white space between its parts.
    if (one.code < 0x7F || !is_unprintable(one.code)) {
      out += json.substr(at, bytes);
    } else if (one.code < 0x10000) {
      add_hex(out, "\\u%04x", one.code);
    } else {
      add_hex(out, "\\u%04x", 0xD7C0 + (one.code >> 10U));
      add_hex(out, "\\u%04x", 0xDC00 | (one.code & 0x3FFU));
    }
    at += bytes;
  }
  return out;
}

}  // namespace sluice

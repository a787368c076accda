#include "csv/unescape.hpp"

#include "base/hex.hpp"

namespace sluice::csv {
namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

char mysql_character(char c) {
  switch (c) {
    case '0': return '\0';
    case 'b': return '\b';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'Z': return '\x1a';
    default: return c;
  }
}

char text_character(char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return c;
  }
}

}  // namespace

const char* unescape_one(Escapes escapes, const char* from, const char* to, char*& out) {
  const char c = *from++;
  if (escapes != Escapes::text) {
    *out++ = mysql_character(c);
  } else if (is_octal(c)) {
    int value = c - '0';
    for (int digits = 1; digits < 3 && from < to && is_octal(*from); ++digits)
      value = value * 8 + (*from++ - '0');
    *out++ = static_cast<char>(value & 0xff);
  } else if (c == 'x' && from < to && hex_digit(*from) >= 0) {
    int value = hex_digit(*from++);
    if (from < to && hex_digit(*from) >= 0) value = value * 16 + hex_digit(*from++);
    *out++ = static_cast<char>(value);
  } else {
    *out++ = text_character(c);
  }
  return from;
}

}  // namespace sluice::csv

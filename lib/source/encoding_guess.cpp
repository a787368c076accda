#include <algorithm>
#include <array>
#include <vector>

#include "source/encoding.hpp"
#include "source/transcoder.hpp"

/// Which encoding a text may be in, judged by its bytes.
namespace sluice::source {
namespace {

using namespace std::string_view_literals;

Encoding wide(std::string_view name) { return {std::string(name), std::string(name)}; }

/// How many of these bytes are 0, counted by their place in a unit.
std::array<std::size_t, 4> zeros_by_place(std::string_view bytes) {
  std::array<std::size_t, 4> zeros{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] == '\0') ++zeros[i % zeros.size()];
  return zeros;
}

/// Scripts, as far as they matter: a text of a person has letters of one of them.
enum class Script { ascii, latin, greek, cyrillic, hebrew, arabic, thai, cjk, other, control };

Script script_of(char32_t c) {
  struct Range {
    char32_t begin;
    char32_t end;
    Script script;
  };
  static constexpr Range ranges[] = {
      {0x00, 0x80, Script::ascii},      {0x80, 0xa0, Script::control},
      {0xc0, 0x250, Script::latin},     {0x370, 0x400, Script::greek},
      {0x400, 0x530, Script::cyrillic}, {0x590, 0x600, Script::hebrew},
      {0x600, 0x700, Script::arabic},   {0xe00, 0xe80, Script::thai},
      {0x3000, 0x3100, Script::cjk},    {0x4e00, 0xa000, Script::cjk},
      {0xac00, 0xd7b0, Script::cjk},    {0xe000, 0xf900, Script::control},
      {0xff00, 0xff5f, Script::cjk},
  };
  for (const Range& range : ranges)
    if (c >= range.begin && c < range.end) return range.script;
  return Script::other;
}

bool is_lower(char32_t c) {
  return (c >= 0xdf && c < 0x100) || (c >= 0x100 && c < 0x180 && c % 2 == 1) ||
         (c >= 0x3ac && c < 0x3cf) || (c >= 0x430 && c < 0x460) || (c >= 'a' && c <= 'z');
}

bool is_letter(Script script, char32_t c) {
  if (script == Script::ascii) return (c | 0x20U) >= 'a' && (c | 0x20U) <= 'z';
  return script == Script::latin ? c != 0xd7 && c != 0xf7
                                 : script != Script::other && script != Script::control;
}

/// What of a text speaks for its being one. Nothing where it has a byte that is no character.
class Judge {
 public:
  std::optional<int> score(std::string_view utf8) {
    for (std::size_t at = 0; at < utf8.size();) {
      if (marked_byte(utf8.substr(at))) return std::nullopt;
      take(next(utf8, at));
    }
    return score_;
  }

 private:
  static char32_t next(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const std::size_t more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    char32_t c = lead & (0x3fU >> more);
    for (std::size_t i = 0; i < more && at < text.size(); ++i)
      c = c << 6U | (static_cast<unsigned char>(text[at++]) & 63U);
    return c;
  }

  void take(char32_t c) {
    const Script script = script_of(c);
    const bool is_letter = source::is_letter(script, c);
    if (script == Script::control) score_ -= 20;
    if (script == Script::other) score_ -= 1;
    if (script != Script::ascii && is_letter) {
      // A word has letters of one script; Latin ones that are not ASCII stand alone between
      // ASCII's.
      const bool fits =
          !was_letter_ || (script == Script::latin ? before_ == Script::ascii : before_ == script);
      score_ += fits ? 3 : script == before_ ? 0 : -6;
      // An upper-case letter behind a lower-case one is rare.
      if (was_lower_ && !is_lower(c) && script != Script::cjk && script != Script::hebrew &&
          script != Script::arabic && script != Script::thai)
        score_ -= 5;
    } else if (is_letter && was_letter_ && before_ != Script::ascii && before_ != Script::latin) {
      score_ -= 3;
    }
    was_letter_ = is_letter;
    was_lower_ = is_letter && is_lower(c);
    before_ = script;
  }

  int score_ = 0;
  bool was_letter_ = false;
  bool was_lower_ = false;
  Script before_ = Script::ascii;
};

}  // namespace

std::optional<Encoding> encoding_of_beginning(std::string_view bytes) {
  if (bytes.starts_with("\xff\xfe\0\0"sv)) return wide("UTF-32LE");
  if (bytes.starts_with("\0\0\xfe\xff"sv)) return wide("UTF-32BE");
  if (bytes.starts_with("\xff\xfe"sv)) return wide("UTF-16LE");
  if (bytes.starts_with("\xfe\xff"sv)) return wide("UTF-16BE");
  constexpr std::size_t looked_at = 300;
  bytes = bytes.substr(0, looked_at);
  bytes = bytes.substr(0, bytes.size() / 4 * 4);
  if (bytes.empty()) return std::nullopt;
  const std::size_t units = bytes.size() / 4;
  const auto zeros = zeros_by_place(bytes);
  // Delimiters, digits and line ends are ASCII whatever the language is.
  const auto often = [units](std::size_t count) { return count * 4 >= units; };
  const bool is_32 = zeros[1] + zeros[2] >= 2 * units - units / 4 && often(zeros[0] + zeros[3]) &&
                     zeros[0] + zeros[3] < 2 * units - units / 4;
  if (is_32) return wide(zeros[3] > zeros[0] ? "UTF-32LE" : "UTF-32BE");
  const std::size_t even = zeros[0] + zeros[2];
  const std::size_t odd = zeros[1] + zeros[3];
  if (often(odd / 2) && even * 8 < odd) return wide("UTF-16LE");
  if (often(even / 2) && odd * 8 < even) return wide("UTF-16BE");
  return std::nullopt;
}

std::vector<Encoding> likely_encodings(std::string_view bytes, std::size_t count) {
  struct Candidate {
    int score;
    Encoding encoding;
  };
  std::vector<Candidate> candidates;
  // In the order of how often they are met, which decides where the text does not.
  for (const std::string_view name :
       {"WIN1252", "LATIN1", "WIN1251", "SJIS", "GBK", "WIN1250", "UHC", "BIG5", "EUC_JP", "KOI8R",
        "LATIN2", "WIN1253", "WIN1254", "WIN1255", "WIN1256", "WIN866", "WIN874", "GB18030",
        "MACINTOSH"}) {
    const auto encoding = encoding_named(name);
    if (!encoding) continue;
    if (const auto score = Judge().score(in_utf8(bytes, *encoding)))
      candidates.push_back({*score, *encoding});
  }
  std::ranges::stable_sort(candidates, std::ranges::greater(), &Candidate::score);
  std::vector<Encoding> likely;
  for (const Candidate& candidate : candidates)
    if (likely.size() < count) likely.push_back(candidate.encoding);
  return likely;
}

}  // namespace sluice::source

#include "base/printable.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::test {
namespace {

struct Printed {
  std::string_view text;
  std::string_view line;
  std::string_view whole;  ///< where newlines stay
};

TEST(Printable, WritesOutWhatATerminalWouldObeyOrHide) {
  for (const Printed& p : std::vector<Printed>{
           {"größe €, 日本, 😀, नमस्ते, می‌خواهم",
            "größe €, 日本, 😀, नमस्ते, می‌خواهم",
            "größe €, 日本, 😀, नमस्ते, می‌خواهم"},
           {"a\tb", "a\tb", "a\tb"},
           {"a\nb", "a\\nb", "a\nb"},
           {"a\rb", "a\\rb", "a\\rb"},
           {"\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f", "\\x1b[31mred\\x07\\x7f"},
           {std::string_view("\0", 1), "\\x00", "\\x00"},
           {"\xc2\x9b"
            "31m\xc2\x85",
            "\\u009b31m\\u0085", "\\u009b31m\\u0085"},
           {"\xe2\x80\xae"
            "cod.exe",
            "\\u202ecod.exe", "\\u202ecod.exe"},
           {"\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8", "\\u2066\\u200f\\u061c\\u2028",
            "\\u2066\\u200f\\u061c\\u2028"},
           {"\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "\\u200b\\ufeff\\u00ad", "\\u200b\\ufeff\\u00ad"},
           {"\xf3\xa0\x81\x81", "\\U000e0041", "\\U000e0041"},
           // No UTF-8: alone, cut, overlong, a surrogate, behind the last character.
           {"n\xff", "n\\xff", "n\\xff"},
           {"\xe2\x82", "\\xe2\\x82", "\\xe2\\x82"},
           {"\xc0\x9b", "\\xc0\\x9b", "\\xc0\\x9b"},
           {"\xe0\x82\x9b", "\\xe0\\x82\\x9b", "\\xe0\\x82\\x9b"},
           {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
           {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\xf4\\x90\\x80\\x80"},
       }) {
    EXPECT_EQ(p.line, printable_line(p.text));
    EXPECT_EQ(p.whole, printable(p.text));
  }
}

/// Whatever the bytes: no control character is left, and what was printable is as it was.
TEST(Printable, LeavesNothingBehindOfAnyTwoBytes) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second), '!'};
      const std::string shown = printable_line(text);
      for (const char c : shown) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\t');
      ASSERT_EQ(shown, printable_line(shown));
      ASSERT_TRUE(shown.ends_with('!'));
    }
  }
}

TEST(Printable, JsonMeansTheSame) {
  const nlohmann::ordered_json json{
      {"name", "a\n\x1b\x7f\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81 größe \"\\"}};
  const std::string text = printable_json(json.dump(2));
  EXPECT_EQ(json, nlohmann::ordered_json::parse(text));
  EXPECT_EQ("{\n  \"name\": \"a\\n\\u001b\\u007f\\u009b\\u202e\\udb40\\udc41 größe \\\"\\\\\"\n}",
            text);
}

}  // namespace
}  // namespace sluice::test

#include "tuple/utf8.hpp"

#include <gtest/gtest.h>

namespace sluice::tuple {
namespace {

struct Utf8Case {
  std::string bytes;
  std::optional<std::size_t> invalid_at;
};

const Utf8Case cases[] = {
    {"", {}},
    {"plain", {}},
    {"\xc3\xa9", {}},
    {"\xe2\x82\xac", {}},
    {"\xf0\x9f\x98\x80", {}},
    {"\xf4\x8f\xbf\xbf", {}},
    {std::string("\0", 1), 0},
    {std::string("ab\0c", 4), 2},
    {"\x80", 0},
    {"a\xff", 1},
    {"\xc3", 0},
    {"\xc0\x80", 0},          // overlong
    {"\xc1\xbf", 0},          // overlong
    {"\xe0\x9f\xbf", 0},      // overlong
    {"\xf0\x8f\xbf\xbf", 0},  // overlong
    {"\xed\xa0\x80", 0},      // a surrogate
    {"\xed\x9f\xbf", {}},     // the last before them
    {"\xf4\x90\x80\x80", 0},  // above U+10FFFF
    {"\xf5\x80\x80\x80", 0},
    {"\xe2\x82", 0},
    {"\xe2\x28\xa1", 0},
};

TEST(Utf8, FindsTheFirstInvalidSequenceAtEveryOffset) {
  for (const Utf8Case& c : cases) {
    for (const std::size_t before : {0, 1, 7, 8, 9, 63, 64, 65, 130}) {
      for (const std::size_t behind : {0, 1, 8, 64, 100}) {
        const std::string text = std::string(before, 'x') + c.bytes + std::string(behind, 'y');
        // A sequence cut short is one that goes on wrongly.
        std::optional<std::size_t> expected;
        if (c.invalid_at) expected = before + *c.invalid_at;
        EXPECT_EQ(expected, find_invalid_utf8(text)) << before << " " << behind << " " << c.bytes;
      }
    }
  }
}

TEST(Utf8, ExplainsAsTheServerDoes) {
  EXPECT_EQ("invalid byte sequence for encoding \"UTF8\": 0xe9 0x0a",
            message_of_invalid_utf8("\xe9\n"));
  EXPECT_EQ("invalid byte sequence for encoding \"UTF8\": 0xff", message_of_invalid_utf8("\xff\n"));
}

}  // namespace
}  // namespace sluice::tuple

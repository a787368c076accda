#include "base/characters.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Characters, AreCounted) {
  EXPECT_EQ(0U, count_characters(""));
  EXPECT_EQ(3U, count_characters("a\xc3\xa9\xe2\x82\xac"));
}

TEST(Characters, AreCutBetweenTwo) {
  const std::string_view text = "a\xc3\xa9\xe2\x82\xac";  // aé€: 1, 2 and 3 bytes
  const std::size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6};
  for (std::size_t bytes = 0; bytes < std::size(whole); ++bytes)
    EXPECT_EQ(whole[bytes], whole_characters(text, bytes)) << bytes;
  EXPECT_EQ(0U, whole_characters("\x80\x80\x80", 2));
  EXPECT_EQ(0U, whole_characters("", 2));
}

TEST(Characters, HaveTheirFirstByte) {
  const std::string_view text = "a\xc3\xa9\xe2\x82\xac";
  const std::size_t bytes[] = {0, 1, 3, 6, 6};
  for (std::size_t character = 0; character < std::size(bytes); ++character)
    EXPECT_EQ(bytes[character], byte_of_character(text, character)) << character;
}

}  // namespace
}  // namespace sluice

#include "base/buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

/// Something else in each page.
void fill(Buffer& buffer, std::size_t begin, std::size_t end) {
  for (std::size_t at = begin; at < end; at += 1000)
    buffer.bytes()[at] = static_cast<char>(at / 1000 % 251);
}

std::size_t first_wrong(const Buffer& buffer, std::size_t end) {
  std::size_t at = 0;
  while (at < end && buffer.bytes()[at] == static_cast<char>(at / 1000 % 251)) at += 1000;
  return at < end ? at : end;
}

/// From malloc's to pages of its own, which move.
TEST(Buffer, KeepsWhatIsInItWhereverItGrows) {
  for (const std::size_t first : {1000UL, 2'000'000UL, 2'097'152UL, 5'000'000UL}) {
    Buffer buffer;
    std::size_t written = 0;
    for (const std::size_t size : {first, first + 1, 3'000'000UL, 9'000'001UL, 40'000'000UL}) {
      buffer.reserve(size);
      ASSERT_GE(buffer.capacity(), size);
      ASSERT_EQ(written, first_wrong(buffer, written)) << first << " " << size;
      fill(buffer, 0, size);
      written = std::max(written, size);
    }
    EXPECT_EQ(written, first_wrong(buffer, written));
  }
}

TEST(Buffer, IsGivenBackAndTakenAgainInAnySize) {
  Buffer buffer;
  for (const std::size_t size : {10'000'000UL, 1000UL, 3'000'000UL, 100UL, 2'097'152UL, 1UL}) {
    buffer.reserve(size);
    fill(buffer, 0, size);
    Buffer other = std::move(buffer);
    EXPECT_EQ(size, first_wrong(other, size));
    buffer = std::move(other);
    buffer.shrink(0);
    EXPECT_EQ(0U, buffer.capacity());
  }
}

TEST(Buffer, IsNotShrunkForLess) {
  Buffer buffer;
  buffer.reserve(5'000'000);
  const char* const bytes = buffer.bytes();
  buffer.shrink(5'000'000);
  buffer.reserve(4'000'000);
  EXPECT_EQ(bytes, buffer.bytes());
}

}  // namespace
}  // namespace sluice

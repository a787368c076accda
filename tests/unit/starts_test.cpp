#include "source/starts.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/limits.hpp"
#include "source/fingerprint.hpp"

namespace sluice::source {
namespace {

std::string content_of(std::size_t bytes) {
  std::minstd_rand random(7);
  std::string content(bytes, '\0');
  for (char& c : content) c = static_cast<char>('a' + random() % 26);
  return content;
}

TEST(Starts, AreTheHeadsOfShorterContents) {
  const std::string content = content_of(limits::fingerprint_bytes);
  const std::vector<ContentStart> starts = starts_of(content);
  ASSERT_FALSE(starts.empty());
  for (const ContentStart& start : starts)
    EXPECT_EQ(head_digest(content.substr(0, start.shortest)), start.digest());
}

/// Whatever a short content is, one of the starts of what it grows into is its own.
TEST(Starts, HaveThatOfEachContentItMayHaveBeen) {
  const std::string content = content_of(limits::fingerprint_bytes);
  const std::vector<ContentStart> starts = starts_of(content);
  std::size_t next = 0;
  for (std::size_t size = 1; size < limits::fingerprint_bytes; ++size) {
    while (starts.at(next).behind <= size) ++next;
    ASSERT_LE(starts[next].shortest, size);
    if (size % 97 == 0 || size < 300) {
      ASSERT_EQ(start_of(content.substr(0, size)), starts[next].digest()) << size;
    }
  }
}

TEST(Starts, AreNoneOfNothing) { EXPECT_TRUE(starts_of("").empty()); }

}  // namespace
}  // namespace sluice::source

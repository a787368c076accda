#include "base/path_text.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(PathText, LeadsBackToTheName) {
  for (const std::string path : {"/tmp/trips.csv", "größe.csv", "n\xff.csv", "\xff", "a\\xff\xff",
                                 "$'already'", "$'", "it's\xe9\n\x1b", "x\\", "\xff\\x41", ""}) {
    EXPECT_EQ(path, path_of_text(text_of_path(path))) << path;
  }
}

TEST(PathText, IsTheNameWhereThatIsUtf8AndAShellsTextElsewhere) {
  EXPECT_EQ("größe\\xff.csv", text_of_path("größe\\xff.csv"));
  EXPECT_EQ("$'n\\xff \\'x\\'.csv'", text_of_path("n\xff 'x'.csv"));
}

TEST(PathText, OfSomebodyElseIsTakenAsItIs) {
  for (const char* text : {"$'", "$'a", "$", "'"}) EXPECT_EQ(text, path_of_text(text));
}

}  // namespace
}  // namespace sluice

#include "script/near_miss.hpp"

#include <gtest/gtest.h>

namespace sluice::script {
namespace {

TEST(NearMisses, AreNamesLikeThoseOfMigrations) {
  for (const char* const name : {"V1__x.sql ", "V1__x", "v1_2__x.txt", "R__r.psql", "001_x.py",
                                 "x.sql.bak", "20260131120000_x.go"})
    EXPECT_TRUE(looks_like_script(name)) << name;
  for (const char* const name :
       {"README.md", "", ".V1__x.sql.swp", "users.txt", "V.txt", "1", "atlas.sum", "schema.dump"})
    EXPECT_FALSE(looks_like_script(name)) << name;
}

}  // namespace
}  // namespace sluice::script

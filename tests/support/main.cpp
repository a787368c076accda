#include <gtest/gtest.h>

#include "support/server.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::AddGlobalTestEnvironment(new sluice::test::ServerEnvironment);
  return RUN_ALL_TESTS();
}

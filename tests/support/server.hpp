#pragma once

#include <gtest/gtest.h>

#include <string>

namespace sluice::test {

/// The server that the tests use: the one that PGSLUICE_TEST_URL names, or a private one that this
/// program starts and stops. If neither can be had the run fails; tests are not skipped.
class ServerEnvironment : public ::testing::Environment {
 public:
  void SetUp() override;
  void TearDown() override;

  /// URL of a database in which databases can be created.
  static const std::string& url();

 private:
  std::string folder_;
};

/// Output of a shell command; throws if it fails.
std::string output_of(const std::string& command);

}  // namespace sluice::test

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/reserved_port.hpp"

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
  std::unique_ptr<ReservedPort> port_;
  std::string folder_;
};

/// A server of one test's own, to be killed and started again. It has real durability.
class PrivateServer {
 public:
  /// `settings` as on postgres's command line: "name=value name=value".
  explicit PrivateServer(std::string settings);
  ~PrivateServer();
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  const std::string& url() const { return url_; }
  const std::string& folder() const { return folder_; }
  void start();
  void stop(const std::string& mode);

 private:
  std::string settings_;
  ReservedPort port_;  ///< nobody else's while the server is away
  std::string folder_;
  std::string url_;
  bool running_ = false;
};

/// A standby that follows another server, and applies what that one writes.
class Replica {
 public:
  explicit Replica(const PrivateServer& primary, const std::string& name = "standby_one");
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  const std::string& url() const { return url_; }

 private:
  ReservedPort port_;
  std::string folder_;
  std::string url_;
};

/// Output of a shell command; throws if it fails.
std::string output_of(const std::string& command);

}  // namespace sluice::test

#pragma once

#include <string>
#include <vector>

#include "remote/fetch.hpp"
#include "support/s3_store.hpp"

namespace sluice::test {

/// Loads from a store on loopback, with keys that nothing of what is left has in it.
class S3Fetch : public Fetch {
 protected:
  static Process::Options with(const std::vector<std::string>& more = {},
                               const std::string& key_secret = S3Store::key_secret) {
    std::vector<std::string> all{
        "no_proxy=*", "AWS_CONFIG_FILE=/gone", "AWS_SHARED_CREDENTIALS_FILE=/gone",
        std::string("AWS_ACCESS_KEY_ID=") + S3Store::key_id, "AWS_SECRET_ACCESS_KEY=" + key_secret};
    all.insert(all.end(), more.begin(), more.end());
    return {.environment = all};
  }

  std::vector<std::string> s3_arguments(const WebServer& server, const std::string& path,
                                        const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = arguments(path, {"--s3-endpoint", server.url()});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  Finished load_s3(const WebServer& server, const std::string& path,
                   const std::vector<std::string>& more = {},
                   const Process::Options& options = with()) {
    Finished finished = pgsluice(s3_arguments(server, path, more), options);
    EXPECT_THAT(finished.out + finished.err, ::testing::Not(::testing::HasSubstr(secret)));
    return finished;
  }

  static bool is_listing(const WebServer::Asked& asked) {
    return asked.path.find("list-type=2") != std::string::npos;
  }

  /// The parts of an object behind the first one.
  static bool is_later_part(const WebServer::Asked& asked) {
    return asked.range && asked.range->first > 0;
  }
};

}  // namespace sluice::test

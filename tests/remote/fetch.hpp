#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/packed.hpp"
#include "support/process.hpp"
#include "support/web_server.hpp"

namespace sluice::test {

/// A table t (id, v, x), and versions of a file for it whose rows have the version as v. Every load
/// is given secrets in all places where there may be some, and nothing that it leaves has one.
class Fetch : public DatabaseTest {
 protected:
  static constexpr const char* secret = "hIddEn";

  void SetUp() override { db().run("create table t (id int, v int, x text)"); }

  void TearDown() override {
    if (db().value("select to_regclass('pgsluice.loads') is not null") != "t") return;
    for (const char* table : {"loads", "chunks", "jobs", "job_runs"}) {
      const std::string name = std::string("pgsluice.") + table;
      if (db().value("select to_regclass('" + name + "') is not null") != "t") continue;
      EXPECT_EQ(
          0, db().number("select count(*) from " + name + " r where r::text ~* '" + secret + "'"))
          << name;
    }
  }

  static std::string rows(int version, int count = 20'000) {
    std::string text = "id,v,x\n";
    std::uint64_t random = 42;
    for (int i = 1; i <= count; ++i) {
      text += std::to_string(i) + "," + std::to_string(version) + ",";
      for (int n = 0; n < 3; ++n) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        text += std::to_string(random);
      }
      text += "\n";
    }
    return text;
  }

  /// With a login, a signature and a token, which are no part of what names the object.
  static std::string url_with_secrets(const WebServer& server, const std::string& path) {
    return std::string("http://user:") + secret + "@" + server.host_and_port() + path +
           "?X-Amz-Signature=" + secret + "&v=1&token=" + secret;
  }

  std::vector<std::string> arguments(const std::string& url, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"load",
                                 url,
                                 "-t",
                                 "t",
                                 "-d",
                                 this->url(),
                                 "--progress",
                                 "none",
                                 "--part-size",
                                 "64KiB",
                                 "--chunk-size",
                                 "100KB",
                                 "--http-header",
                                 std::string("X-Key: ") + secret};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  static Process::Options direct() { return {.environment = {"no_proxy=*"}}; }

  Finished load(const WebServer& server, const std::string& path,
                std::vector<std::string> more = {}) {
    Finished finished =
        pgsluice(arguments(url_with_secrets(server, path), std::move(more)), direct());
    EXPECT_THAT(finished.out + finished.err, ::testing::Not(::testing::HasSubstr(secret)));
    return finished;
  }

  std::int64_t count() { return db().number("select count(*) from t"); }
  std::int64_t of_other_versions(int version) {
    return db().number("select count(*) from t where v::text <> '" + std::to_string(version) + "'");
  }
  /// For a thread of a server: it waits until so many chunks are stored.
  std::function<void()> until_chunks_are_stored(int count) const {
    return [url = url(), count] {
      Session session(url);
      test::comes_true(session,
                       "select count(*) >= " + std::to_string(count) + " from pgsluice.chunks");
    };
  }
  /// All rows of it, each once, and what the ledger says adds up.
  void expect_all(int version) {
    EXPECT_EQ(20'000, count());
    EXPECT_EQ(0, of_other_versions(version));
    EXPECT_EQ(20'000, db().number("select count(distinct id) from t"));
    EXPECT_EQ("", ledger_disagreement("t"));
  }
};

}  // namespace sluice::test

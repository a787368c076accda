#include <algorithm>
#include <sstream>

#include "remote/fetch.hpp"
#include "support/nginx.hpp"
#include "support/s3_store.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// tinyproxy as a private process on loopback, for those who know its password alone.
class TinyProxy {
 public:
  TinyProxy() {
    const std::string port = std::to_string(port_.number());
    const std::string file = folder_.write(
        "tinyproxy.conf", "Listen 127.0.0.1\nPort " + port + "\nTimeout 600\nAllow 127.0.0.1\n" +
                              "BasicAuth user hIddEn\nLogLevel Connect\nLogFile \"" +
                              (folder_ / "log") + "\"\n");
    const std::vector<std::string> arguments{"-d", "-c", file};
    process_ =
        std::make_unique<Process>(arguments, Process::Options{.program = "/usr/bin/tinyproxy"});
    port_.wait_for(*process_);
  }

  std::string host_and_port() const { return "127.0.0.1:" + std::to_string(port_.number()); }

  /// "GET http://..." or "CONNECT host:port" of each request.
  std::vector<std::string> asked() const {
    std::vector<std::string> all;
    std::istringstream log(read_file(folder_ / "log"));
    for (std::string line; std::getline(log, line);) {
      const std::size_t at = line.find("Request (file descriptor ");
      if (at != std::string::npos) all.push_back(line.substr(line.find("): ", at) + 3));
    }
    return all;
  }

 private:
  ReservedPort port_;
  TemporaryFolder folder_;
  std::unique_ptr<Process> process_;
};

/// The environment names a proxy, with a login that is in nothing that is said or kept.
class ByProxy : public Fetch {
 protected:
  void SetUp() override {
    Fetch::SetUp();
    nginx_.put("a.csv", rows(1));
  }

  std::string proxy_with(const std::string& password) const {
    return "http://user:" + password + "@" + proxy_.host_and_port();
  }

  Finished load_by(const std::vector<std::string>& environment, const std::string& url,
                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> all{"-u", "no_proxy", "-u", "NO_PROXY"};
    all.insert(all.end(), environment.begin(), environment.end());
    all.push_back(PGSLUICE_BINARY);
    for (const std::string& each : arguments(url, {"-v", "--retry-for", "1s"})) all.push_back(each);
    all.insert(all.end(), more.begin(), more.end());
    Finished finished = Process(all, {.program = "/usr/bin/env"}).wait();
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret)));
    return finished;
  }

  Nginx nginx_;
  TinyProxy proxy_;
};

TEST_F(ByProxy, EachRequestGoesByIt) {
  const std::string url = nginx_.url() + "/in/a.csv";
  const Finished finished = load_by({"http_proxy=" + proxy_with(secret)}, url);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  const auto asked = proxy_.asked();
  EXPECT_EQ(nginx_.asked().size(), asked.size());
  EXPECT_THAT(asked, ::testing::Each(StartsWith("GET " + url)));
}

TEST_F(ByProxy, TlsGoesThroughIt) {
  const std::string url = nginx_.tls_url() + "/in/a.csv";
  const Finished finished =
      load_by({"https_proxy=" + proxy_with(secret)}, url, {"--ca-file", nginx_.authority().file()});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  const auto asked = proxy_.asked();
  EXPECT_FALSE(asked.empty());
  EXPECT_THAT(asked, ::testing::Each(
                         StartsWith("CONNECT " + nginx_.tls_url().substr(sizeof "https://" - 1))));
}

TEST_F(ByProxy, WhoIsNamedIsAskedDirectly) {
  for (const char* named : {"NO_PROXY=localhost,127.0.0.1", "no_proxy=127.0.0.1"}) {
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const Finished finished =
        load_by({"http_proxy=" + proxy_with(secret), named}, nginx_.url() + "/in/a.csv");
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    expect_all(1);
  }
  EXPECT_TRUE(proxy_.asked().empty());
}

TEST_F(ByProxy, BucketsAreReadByIt) {
  const S3Store store{.objects = {{"in/a b+c%.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  const Finished finished = load_by(
      {"http_proxy=" + proxy_with(secret), "AWS_CONFIG_FILE=/gone",
       "AWS_SHARED_CREDENTIALS_FILE=/gone", std::string("AWS_ACCESS_KEY_ID=") + S3Store::key_id,
       std::string("AWS_SECRET_ACCESS_KEY=") + S3Store::key_secret},
      "s3://bucket/in/*", {"--s3-endpoint", server.url()});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  EXPECT_EQ(server.asked().size(), proxy_.asked().size());
}

/// Of a bucket too it is the proxy that refuses, and no key is wrong.
TEST_F(ByProxy, ARefusalIsNotTheBuckets) {
  const S3Store store{.objects = {{"in/a.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  for (const char* const path : {"s3://bucket/in/*", "s3://bucket/in/a.csv"}) {
    const Finished finished = load_by(
        {"http_proxy=" + proxy_with("hIddEnother"), "AWS_CONFIG_FILE=/gone",
         "AWS_SHARED_CREDENTIALS_FILE=/gone", std::string("AWS_ACCESS_KEY_ID=") + S3Store::key_id,
         std::string("AWS_SECRET_ACCESS_KEY=") + S3Store::key_secret},
        path, {"--s3-endpoint", server.url()});
    EXPECT_EQ(2, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err,
                HasSubstr(std::string(path) + ": the proxy, or the server behind it, answers 401"));
  }
  EXPECT_TRUE(server.asked().empty());
}

/// A proxy that is none, or does not want us, and what is said of it.
TEST_F(ByProxy, NoRefusalShowsItsLogin) {
  const std::string at = std::string("user:") + secret + "@";
  const std::string plain = nginx_.url() + "/in/a.csv";
  const std::string tls = nginx_.tls_url() + "/in/a.csv";
  const ReservedPort nobody;
  struct Case {
    std::string proxy;
    std::string url;
    std::string words;
  };
  for (const auto& [proxy, url, words] :
       {Case{"http_proxy=" + proxy_with("hIddEnother"), plain,
             "the proxy, or the server behind it, answers 401"},
        {"http_proxy=http://" + proxy_.host_and_port(), plain, "the proxy answers 407"},
        {"https_proxy=" + proxy_with("hIddEnother"), tls, "the proxy answers 401"},
        {"https_proxy=http://" + proxy_.host_and_port(), tls, "the proxy answers 407"},
        {"http_proxy=http://" + at + "127.0.0.1:" + std::to_string(nobody.number()), plain,
         "127.0.0.1"},
        {"http_proxy=http://" + at + "nowhere.invalid:1", plain, "nowhere.invalid"},
        {"http_proxy=ftp://" + at + "127.0.0.1:1", plain, "the proxy that http_proxy"},
        {"http_proxy=" + at + "127.0.0.1:x", plain, "the proxy that http_proxy"},
        {"http_proxy=http://user:hIddEn", plain, "the proxy that http_proxy"}}) {
    SCOPED_TRACE(proxy);
    const std::vector<std::string> trusted{"--ca-file", nginx_.authority().file()};
    const Finished finished = load_by({proxy}, url, trusted);
    EXPECT_NE(0, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr(words));
    EXPECT_THAT(finished.err, Not(HasSubstr("tried again")));
    std::vector<std::string> as_json = trusted;
    as_json.insert(as_json.end(), {"--output", "json"});
    EXPECT_EQ(finished.exit_code, load_by({proxy}, url, as_json).exit_code);
  }
  EXPECT_EQ(0, count());
}

}  // namespace
}  // namespace sluice::test

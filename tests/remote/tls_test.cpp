#include <chrono>
#include <thread>

#include "remote/fetch.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A server whose certificate, for 127.0.0.1 alone, is one of an authority of our own.
class Tls : public Fetch {
 protected:
  void SetUp() override {
    Fetch::SetUp();
    output_of("cd " + folder_.path() +
              " && echo subjectAltName=IP:127.0.0.1 > names"
              " && openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem"
              " -subj /CN=test-authority -days 2 2> /dev/null"
              " && openssl req -newkey rsa:2048 -nodes -keyout s.key -out s.csr -subj /CN=server"
              " 2> /dev/null"
              " && openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out s.pem"
              " -days 2 -extfile names 2> /dev/null && mkdir files");
    folder_.write("files/a.csv", rows(1));
    server_ = std::make_unique<Process>(
        std::vector<std::string>{PGSLUICE_SOURCE_DIR "/tests/support/https_server.py",
                                 folder_ / "s.pem", folder_ / "s.key", folder_ / "files"},
        Process::Options{.program = "/usr/bin/python3"});
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!server_->out_so_far().ends_with('\n') && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(20ms);
    port_ = server_->out_so_far();
    ASSERT_TRUE(port_.ends_with('\n')) << server_->err_so_far();
    port_.pop_back();
  }

  Finished load_from(const std::string& host, const std::string& path,
                     std::vector<std::string> more = {}) {
    return pgsluice(arguments("https://" + host + ":" + port_ + path, std::move(more)), direct());
  }

  TemporaryFolder folder_;
  std::unique_ptr<Process> server_;
  std::string port_;
};

TEST_F(Tls, OnlyWhoIsTrustedIsRead) {
  const Finished unknown = load_from("127.0.0.1", "/a.csv");
  EXPECT_EQ(1, unknown.exit_code) << unknown.err;
  EXPECT_THAT(unknown.err, HasSubstr("--ca-file"));
  const std::string authority = folder_ / "ca.pem";
  const Finished other_name = load_from("localhost", "/a.csv", {"--ca-file", authority});
  EXPECT_EQ(1, other_name.exit_code) << other_name.err;
  const Finished no_file = load_from("127.0.0.1", "/a.csv", {"--ca-file", folder_ / "no.pem"});
  EXPECT_EQ(2, no_file.exit_code) << no_file.err;
  EXPECT_EQ(0, count());
  const Finished known = load_from("127.0.0.1", "/a.csv", {"--ca-file", authority});
  EXPECT_EQ(0, known.exit_code) << known.err;
  EXPECT_THAT(known.err, ::testing::Not(HasSubstr("without TLS")));
  expect_all(1);
}

TEST_F(Tls, ARedirectDoesNotLeaveIt) {
  const WebObject object{.body = rows(1)};
  WebServer plain([&](const WebServer::Asked& asked) { return object.answer(asked); });
  const std::string authority = folder_ / "ca.pem";
  const Finished left =
      load_from("127.0.0.1", "/to?" + plain.url() + "/a.csv", {"--ca-file", authority});
  EXPECT_EQ(1, left.exit_code) << left.err;
  EXPECT_THAT(left.err, HasSubstr("from https to"));
  EXPECT_TRUE(plain.asked().empty());
  const Finished kept = load_from("127.0.0.1", "/to?/a.csv", {"--ca-file", authority});
  EXPECT_EQ(0, kept.exit_code) << kept.err;
  expect_all(1);
}

}  // namespace
}  // namespace sluice::test

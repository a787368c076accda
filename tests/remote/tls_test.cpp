#include <algorithm>

#include "remote/fetch.hpp"
#include "support/nginx.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A server whose certificate, for 127.0.0.1 alone, is one of an authority of our own.
class Tls : public Fetch {
 protected:
  void SetUp() override {
    Fetch::SetUp();
    nginx_.put("a.csv", rows(1));
  }

  Finished load_from(const std::string& url, const std::string& authority = {}) {
    std::vector<std::string> more;
    if (!authority.empty()) more = {"--ca-file", authority};
    const Finished finished = pgsluice(arguments(url, more), direct());
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret)));
    return finished;
  }

  Nginx nginx_;
};

TEST_F(Tls, OnlyWhoIsTrustedIsRead) {
  const std::string url = nginx_.tls_url() + "/in/a.csv";
  const Finished unknown = load_from(url);
  EXPECT_EQ(1, unknown.exit_code) << unknown.err;
  EXPECT_THAT(unknown.err, HasSubstr("--ca-file"));
  const Authority other;
  const Finished other_authority = load_from(url, other.file());
  EXPECT_EQ(1, other_authority.exit_code) << other_authority.err;
  const std::string authority = nginx_.authority().file();
  std::string other_name = url;
  other_name.replace(other_name.find("127.0.0.1"), 9, "localhost");
  const Finished named = load_from(other_name, authority);
  EXPECT_EQ(1, named.exit_code) << named.err;
  const Finished no_file = load_from(url, "/gone/ca.pem");
  EXPECT_EQ(2, no_file.exit_code) << no_file.err;
  EXPECT_EQ(0, count());
  EXPECT_TRUE(nginx_.asked().empty()) << "nobody was asked before it was known who it is";
  const Finished known = load_from(url, authority);
  EXPECT_EQ(0, known.exit_code) << known.err;
  EXPECT_THAT(known.err, Not(HasSubstr("without TLS")));
  expect_all(1);
}

TEST_F(Tls, ARedirectDoesNotLeaveIt) {
  const std::string authority = nginx_.authority().file();
  const Finished left = load_from(nginx_.tls_url() + "/from-tls/", authority);
  EXPECT_EQ(1, left.exit_code) << left.err;
  EXPECT_THAT(left.err, HasSubstr("from https to"));
  for (const auto& asked : nginx_.asked()) EXPECT_EQ("https", asked.scheme);
  const Finished kept = load_from(nginx_.tls_url() + "/moved-301/", authority);
  EXPECT_EQ(0, kept.exit_code) << kept.err;
  expect_all(1);
}

/// It is another origin, which is told nothing.
TEST_F(Tls, ARedirectMayLeadToIt) {
  const std::string from =
      std::string("http://user:") + secret + "@" + nginx_.host_and_port() + "/to-tls/";
  const Finished finished = load_from(from, nginx_.authority().file());
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  const auto asked = nginx_.asked();
  EXPECT_TRUE(std::ranges::any_of(asked, [](const auto& a) { return a.scheme == "https"; }));
  for (const auto& each : asked) {
    const bool is_first = each.scheme == "http";
    EXPECT_EQ(is_first ? secret : "-", each.key);
    EXPECT_THAT(each.authorization, is_first ? HasSubstr("Basic ") : HasSubstr("-"));
  }
}

}  // namespace
}  // namespace sluice::test

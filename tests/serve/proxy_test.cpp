#include "serve/server.hpp"
#include "support/nginx.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// The location of docs/service.md, for this address.
std::string location_of_the_page(const std::string& address) {
  const std::string page = read_file(PGSLUICE_SOURCE_DIR "/docs/service.md");
  const std::size_t begin = page.find("```nginx\n") + 9;
  std::string text = page.substr(begin, page.find("```", begin) - begin);
  const std::string there = "http://127.0.0.1:8432";
  return text.replace(text.find(there), there.size(), address);
}

class ServeBehindNginx : public Serve {
 protected:
  void SetUp() override {
    Serve::SetUp();
    start();
    nginx_ = std::make_unique<Nginx>(location_of_the_page(address()));
  }
  std::unique_ptr<Nginx> nginx_;
};

TEST_F(ServeBehindNginx, UploadsGoThrough) {
  const std::string body = rows(1, 100'000);
  const auto answer =
      http_call(nginx_->url(), "POST", "/v1/tables/t/loads", body, {{"Content-Type", "text/csv"}});
  EXPECT_EQ(201, answer.status) << answer.body;
  EXPECT_EQ(100'000, count());
  const auto refused = http_call(nginx_->url(), "POST", "/v1/tables/t/loads?nix", body,
                                 {{"Content-Type", "text/csv"}});
  EXPECT_EQ(400, refused.status) << refused.body;
  const auto events = http_call(nginx_->url(), "GET", answer.header("location") + "/events");
  EXPECT_THAT(events.body, HasSubstr("event: end"));
}

TEST_F(ServeBehindNginx, WhatIsCutInFrontOfItIsNoLoad) {
  const std::string body = rows(1, 100'000);
  {
    HttpCall call(nginx_->url());
    call.send(head(body.size()) + body.substr(0, body.size() / 2));
    ASSERT_TRUE(is_loading());
  }
  ASSERT_TRUE(no_session_left());
  EXPECT_EQ(0, finished_loads());
  const auto whole =
      http_call(nginx_->url(), "POST", "/v1/tables/t/loads", body, {{"Content-Type", "text/csv"}});
  EXPECT_EQ(201, whole.status) << whole.body;
  EXPECT_EQ(100'000, count());
}

}  // namespace
}  // namespace sluice::test

#include "s3/sign.hpp"

#include <gmock/gmock.h>

#include <ctime>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/files.hpp"
#include "unit/s3_requests.hpp"

namespace sluice::s3 {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::chrono::sys_seconds moment(const std::string& text) {
  std::istringstream from(text);
  std::tm parts{};
  from >> std::get_time(&parts, "%Y%m%dT%H%M%SZ");
  EXPECT_TRUE(from) << text;
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

// AWS, "Authenticating Requests: Using the Authorization Header": its four examples.
class S3Examples : public ::testing::Test {
 protected:
  std::string signed_by_example(http::Request request) {
    request.url = "https://examplebucket.s3.amazonaws.com" + request.url;
    const Keys keys{.id = "AKIAIOSFODNN7EXAMPLE",
                    .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
    return header_of(sign(request, keys, {.region = "us-east-1"}, moment("20130524T000000Z")),
                     "authorization");
  }
};

TEST_F(S3Examples, GetObjectWithRange) {
  EXPECT_EQ(
      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
      "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
      "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
      signed_by_example({.url = "/test.txt", .headers = {{"Range", "bytes=0-9"}}}));
}

TEST_F(S3Examples, PutObject) {
  EXPECT_THAT(signed_by_example({.method = "PUT",
                                 .url = "/test$file.text",
                                 .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                             {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                                 .body = "Welcome to Amazon S3."}),
              EndsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(S3Examples, GetBucketLifecycle) {
  EXPECT_THAT(signed_by_example({.url = "/?lifecycle"}),
              EndsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST_F(S3Examples, ListObjects) {
  EXPECT_THAT(signed_by_example({.url = "/?max-keys=2&prefix=J"}),
              EndsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

// AWS's Signature Version 4 test suite: names as its folders have them.
struct Vector {
  const char* name;
  const char* method;
  const char* path;
  http::Headers headers;
  const char* body;
  const char* signature;
};

const Vector vectors[] = {
    {"get-vanilla",
     "GET",
     "/",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/?Param2=value2&Param1=value1",
     {},
     "",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/?Param1=value1",
     {},
     "",
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
     "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-utf8",
     "GET",
     "/\u1234",
     {},
     "",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space",
     "GET",
     "/example space/",
     {},
     "",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-relative",
     "GET",
     "/example/..",
     {},
     "",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-pointless-dot",
     "GET",
     "/./example",
     {},
     "",
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slashes",
     "GET",
     "//example//",
     {},
     "",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla",
     "POST",
     "/",
     {},
     "",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{"Content-Type", "application/x-www-form-urlencoded"}},
     "Param1=value1",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
};

TEST(SignatureSuite, OtherServices) {
  const Keys keys{.id = "AKIDEXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
  for (const Vector& each : vectors) {
    const http::Request request{.method = each.method,
                                .url = std::string("https://example.amazonaws.com") + each.path,
                                .headers = each.headers,
                                .body = each.body};
    const http::Request made = sign(request, keys, {.region = "us-east-1", .service = "service"},
                                    moment("20150830T123600Z"));
    EXPECT_THAT(header_of(made, "authorization"), EndsWith(each.signature)) << each.name;
    EXPECT_EQ("none", header_of(made, "x-amz-content-sha256")) << each.name;
  }
}

TEST(Signature, IsThatOfAnotherSigner) {
  const auto cases =
      nlohmann::json::parse(test::read_file(PGSLUICE_SOURCE_DIR "/tests/s3/signatures.json"));
  for (const auto& each : cases) {
    http::Request request{.method = each["method"], .url = each["url"], .body = each["body"]};
    for (const auto& header : each["headers"]) request.headers.emplace_back(header[0], header[1]);
    const Keys keys{.id = "AKIDEXAMPLE",
                    .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                    .token = each["token"]};
    const Scope scope{.region = each["region"], .service = each["service"]};
    const http::Request made = sign(request, keys, scope, moment(each["time"]));
    EXPECT_EQ(each["authorization"], header_of(made, "authorization")) << each.dump();
  }
  EXPECT_GE(cases.size(), 150U);
}

TEST(Signature, ReplacesAnOlderOne) {
  const http::Request request{.url = "https://a.s3.amazonaws.com/b"};
  const Scope scope{.region = "us-east-1"};
  const auto later = moment("20260102T030405Z");
  const http::Request first = sign(request, {.id = "one", .secret = "x", .token = "old"}, scope,
                                   moment("20260101T000000Z"));
  EXPECT_EQ("old", header_of(first, "x-amz-security-token"));
  const Keys keys{.id = "two", .secret = "y"};
  const http::Request again = sign(first, keys, scope, later);
  EXPECT_EQ(sign(request, keys, scope, later).headers, again.headers);
}

TEST(Signature, LeavesOutWhatProxiesChange) {
  const http::Request request{
      .url = "https://a.s3.amazonaws.com/b",
      .headers = {
          {"Accept-Encoding", "identity"}, {"User-Agent", "pgsluice"}, {"Range", "bytes=0-1"}}};
  const http::Request made =
      sign(request, {.id = "a", .secret = "b"}, {.region = "auto"}, moment("20260102T030405Z"));
  EXPECT_THAT(header_of(made, "authorization"),
              HasSubstr("SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"));
  EXPECT_EQ("identity", header_of(made, "accept-encoding"));
}

TEST(Signature, SaysByWhatItWasMade) {
  const http::Request request{.url = "https://a.s3.amazonaws.com/b"};
  const SignedBy by = signed_by(sign(request, {.id = "a/b", .secret = "s", .token = "t"},
                                     {.region = "eu-west-1"}, moment("20260102T030405Z")));
  EXPECT_EQ("a/b", by.id);
  EXPECT_EQ("t", by.token);
  EXPECT_EQ("eu-west-1", by.region);
  EXPECT_EQ("", signed_by(request).id);
}

/// What is sent beside the signature is what was there before.
TEST(Signature, ShowsNoSecret) {
  const Keys keys{.id = "a", .secret = "hidden"};
  const http::Request request{.url = "https://a.s3.amazonaws.com/b"};
  for (const auto& [name, value] :
       sign(request, keys, {.region = "auto"}, moment("20260102T030405Z")).headers)
    EXPECT_THAT(value, Not(HasSubstr("hidden")));
}

TEST(ResponseHeader, IsFoundByItsNameInAnyCase) {
  const http::Response response{.headers = {{"ETag", "\"a\""}, {"x-a", "1"}, {"X-A", "2"}}};
  EXPECT_EQ("\"a\"", response.header("etag"));
  EXPECT_EQ("1", response.header("X-a"));
  EXPECT_EQ(std::nullopt, response.header("x-"));
}

}  // namespace
}  // namespace sluice::s3

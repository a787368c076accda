#include "s3/bucket.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "base/failure.hpp"
#include "s3/process.hpp"
#include "s3/providers.hpp"
#include "support/files.hpp"
#include "unit/s3_requests.hpp"

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::chrono::sys_seconds now = *instant_of("2026-01-02T03:04:05Z");

http::Response no_answer(const http::Request& /*request*/) {
  throw Failure(FailureKind::failed, "nobody answers");
}

class S3Bucket : public ::testing::Test {
 protected:
  /// One whose keys are those of an environment that a test changes.
  Bucket bucket(const std::string& text, const Settings& settings = {}) {
    const Machine machine{.variable = [this](const std::string& name) { return variable(name); },
                          .file = [](const std::string&) { return std::nullopt; },
                          .run = nullptr,
                          .now = [] { return now; },
                          .send = no_answer,
                          .send_near = no_answer};
    auto keys = std::make_shared<KeyRing>(machine, KeyOptions{});
    return {address_of(text), settings, settings.is_anonymous ? nullptr : keys, machine.now};
  }

  std::optional<std::string> variable(const std::string& name) const {
    if (name == "AWS_ACCESS_KEY_ID") return id_;
    if (name == "AWS_SECRET_ACCESS_KEY") return "hidden";
    return std::nullopt;
  }

  std::string id_ = "AKID";
};

TEST_F(S3Bucket, AsksForAPartOfOneVersion) {
  const http::Request request = bucket("s3://bucket/a")
                                    .get({.key = "a b+ä", .version = "v/1"},
                                         {{"Range", "bytes=8-15"}, {"If-Match", "\"e-2\""}});
  EXPECT_EQ("GET", request.method);
  EXPECT_EQ("https://bucket.s3.us-east-1.amazonaws.com/a%20b%2B%C3%A4?versionId=v%2F1",
            request.url);
  EXPECT_EQ("bytes=8-15", header_of(request, "range"));
  EXPECT_EQ("\"e-2\"", header_of(request, "if-match"));
  EXPECT_EQ("20260102T030405Z", header_of(request, "x-amz-date"));
  EXPECT_THAT(header_of(request, "authorization"),
              HasSubstr("Credential=AKID/20260102/us-east-1/s3/aws4_request, SignedHeaders=host;"
                        "if-match;range;x-amz-content-sha256;x-amz-date, Signature="));
}

TEST_F(S3Bucket, AsksForAWholeObject) {
  const http::Request request = bucket("s3://bucket/a").get({.key = "a"});
  EXPECT_EQ("https://bucket.s3.us-east-1.amazonaws.com/a", request.url);
  EXPECT_EQ("none", header_of(request, "range"));
  EXPECT_EQ("none", header_of(request, "if-match"));
}

TEST_F(S3Bucket, ThatIsPublicNeedsNoKeys) {
  const http::Request request =
      bucket("s3://bucket/a", {.is_anonymous = true, .is_requester_paying = true})
          .get({.key = "a"});
  EXPECT_THAT(request.headers, ElementsAre(std::pair("x-amz-request-payer", "requester")));
}

TEST_F(S3Bucket, ThatIsPaidForByWhoAsksIsSignedForIt) {
  const http::Request request =
      bucket("s3://bucket/a", {.is_requester_paying = true}).list("a", "");
  EXPECT_EQ("requester", header_of(request, "x-amz-request-payer"));
  EXPECT_THAT(header_of(request, "authorization"), HasSubstr(";x-amz-request-payer,"));
}

TEST_F(S3Bucket, OfGoogleIsSignedForAnyRegion) {
  const http::Request request =
      bucket("gs://bucket/a", {.is_requester_paying = true}).get({.key = "a"});
  EXPECT_EQ("https://storage.googleapis.com/bucket/a", request.url);
  EXPECT_THAT(header_of(request, "authorization"), HasSubstr("/20260102/auto/s3/aws4_request"));
  EXPECT_EQ("none", header_of(request, "x-amz-request-payer"));
}

TEST_F(S3Bucket, IsListedInTheOrderOfTheSignature) {
  Bucket asked = bucket("s3://bucket/a", {.endpoint = "http://127.0.0.1:9000"});
  EXPECT_EQ("http://127.0.0.1:9000/bucket?encoding-type=url&list-type=2", asked.list("", "").url);
  EXPECT_EQ(
      "http://127.0.0.1:9000/bucket"
      "?continuation-token=1%2Bx%3D&encoding-type=url&list-type=2&prefix=a%2Fb%20",
      asked.list("a/b ", "1+x=").url);
}

TEST_F(S3Bucket, IsListedAtTheRootOfItsHost) {
  EXPECT_EQ("https://bucket.s3.us-east-1.amazonaws.com/?encoding-type=url&list-type=2",
            bucket("s3://bucket/a").list("", "").url);
  EXPECT_EQ("https://storage.googleapis.com/bucket?encoding-type=url&list-type=2",
            bucket("gs://bucket/a").list("", "").url);
}

TEST_F(S3Bucket, LearnsItsRegionOnce) {
  Bucket asked = bucket("s3://bucket/a");
  const http::Request first = asked.get({.key = "a"});
  const http::Response elsewhere{.status = 301, .headers = {{"x-amz-bucket-region", "eu-west-1"}}};
  EXPECT_TRUE(asked.learn(first, elsewhere));
  EXPECT_TRUE(asked.learn(first, elsewhere));  // another one that was under way
  const http::Request second = asked.get({.key = "a"});
  EXPECT_EQ("https://bucket.s3.eu-west-1.amazonaws.com/a", second.url);
  EXPECT_EQ("eu-west-1", signed_by(second).region);
  EXPECT_FALSE(asked.learn(second, elsewhere));
  for (const http::Response& other :
       {http::Response{.status = 404, .headers = {{"x-amz-bucket-region", "eu-west-2"}}},
        http::Response{.status = 403, .headers = {{"x-amz-bucket-region", "evil/"}}},
        http::Response{.status = 403}})
    EXPECT_FALSE(asked.learn(second, other)) << other.status;
}

TEST_F(S3Bucket, ThatIsPublicLearnsItsRegionToo) {
  Bucket asked = bucket("s3://bucket/a", {.is_anonymous = true});
  const http::Request first = asked.get({.key = "a"});
  const http::Response elsewhere{.status = 301, .headers = {{"x-amz-bucket-region", "eu-west-1"}}};
  EXPECT_TRUE(asked.learn(first, elsewhere));
  EXPECT_TRUE(asked.learn(first, elsewhere));
  EXPECT_FALSE(asked.learn(asked.get({.key = "a"}), elsewhere));
}

TEST_F(S3Bucket, StaysAtAnEndpointWithTheRegionThatItSays) {
  Bucket asked = bucket("s3://bucket/a", {.endpoint = "http://127.0.0.1:9000"});
  const http::Response response{
      .status = 400,
      .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>garage</Region></Error>"};
  EXPECT_TRUE(asked.learn(asked.get({.key = "a"}), response));
  const http::Request request = asked.get({.key = "a"});
  EXPECT_EQ("http://127.0.0.1:9000/bucket/a", request.url);
  EXPECT_EQ("garage", signed_by(request).region);
}

TEST_F(S3Bucket, TriesNewKeysWhereThoseItHadAreOld) {
  Bucket asked = bucket("s3://bucket/a");
  const http::Response expired{.status = 400, .body = "<Error><Code>ExpiredToken</Code></Error>"};
  const http::Request first = asked.get({.key = "a"});
  EXPECT_FALSE(asked.learn(first, expired));  // there are no others
  id_ = "NEW";
  EXPECT_TRUE(asked.learn(first, expired));
  const http::Request second = asked.get({.key = "a"});
  EXPECT_EQ("NEW", signed_by(second).id);
  EXPECT_TRUE(asked.learn(first, expired));  // another one that was under way
  EXPECT_FALSE(asked.learn(second, expired));
}

TEST_F(S3Bucket, SaysNoneOfItsKeys) {
  Bucket asked = bucket("s3://bucket/a");
  asked.get({.key = "a"});
  const http::Response response{
      .status = 403,
      .body = "<Error><Code>InvalidAccessKeyId</Code><Message>AKID hidden</Message></Error>"};
  EXPECT_THAT(asked.failure(response, "s3://bucket/a").what(),
              AllOf(HasSubstr("s3://bucket/a: InvalidAccessKeyId: *** *** (403)"),
                    Not(HasSubstr("AKID ")), Not(HasSubstr("hidden"))));
}

TEST(S3Program, IsRunWithoutAShell) {
  EXPECT_EQ("a $HOME;b\n", run_program({"echo", "a $HOME;b"}));
  EXPECT_EQ("", run_program({"cat"}));  // stdin is empty
}

TEST_F(S3Bucket, SaysWhatMayBeMeant) {
  const auto words = [this](const std::string& text, int status, const std::string& code,
                            const Settings& settings = {}) {
    const http::Response response{.status = status,
                                  .body = "<Error><Code>" + code + "</Code></Error>"};
    return std::string(bucket(text, settings).failure(response, text).what());
  };
  const Settings other{.endpoint = "http://127.0.0.1:9000"};
  EXPECT_THAT(words("s3://bucket/a", 404, "NoSuchBucket"), HasSubstr("--s3-endpoint"));
  EXPECT_THAT(words("s3://bucket/a", 404, "NoSuchBucket", other),
              AllOf(HasSubstr("http://127.0.0.1:9000"), Not(HasSubstr("--s3-endpoint"))));
  EXPECT_THAT(words("s3://bucket/a", 403, "AccessDenied"), Not(HasSubstr("--s3-anonymous")));
  EXPECT_THAT(words("s3://bucket/a", 403, "AccessDenied", {.is_anonymous = true}),
              HasSubstr("Nobody has signed this: --s3-anonymous"));
  EXPECT_THAT(words("s3://bucket/b/a", 404, "NoSuchKey"), HasSubstr("'s3://bucket/b/a/*.csv'"));
  EXPECT_THAT(words("s3://bucket/b/", 404, "NoSuchKey"), HasSubstr("'s3://bucket/b/*.csv'"));
  EXPECT_THAT(words("s3://bucket/b/a.csv", 404, "NoSuchKey"), Not(HasSubstr("*.csv")));
}

std::string program_failure(const std::vector<std::string>& arguments) {
  try {
    run_program(arguments);
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), Not(HasSubstr("hidden")));
    return failure.what();
  }
  return "none";
}

TEST(S3Program, SaysHowItFailed) {
  EXPECT_EQ("/gone/tool: cannot be run: No such file or directory",
            program_failure({"/gone/tool", "hidden"}));
  EXPECT_EQ("sh: ended with 3", program_failure({"sh", "-c", "echo hidden; exit 3"}));
  EXPECT_EQ("sh: was ended by signal 9", program_failure({"sh", "-c", "kill -9 $$"}));
  EXPECT_EQ("sh: writes too much", program_failure({"sh", "-c", "yes hidden"}));
}

TEST(S3Machine, IsThisOne) {
  const Machine machine = this_machine(no_answer, no_answer, {});
  ::setenv("PGSLUICE_S3_TEST", "a", 1);
  EXPECT_EQ("a", machine.variable("PGSLUICE_S3_TEST"));
  ::setenv("PGSLUICE_S3_TEST", "", 1);
  EXPECT_EQ(std::nullopt, machine.variable("PGSLUICE_S3_TEST"));
  ::unsetenv("PGSLUICE_S3_TEST");
  const test::TemporaryFolder folder;
  EXPECT_EQ("b\n", machine.file(folder.write("b", "b\n")));
  EXPECT_EQ(std::nullopt, machine.file(folder / "gone"));
  EXPECT_THROW(machine.file(folder.path()), Failure);
  EXPECT_THROW(machine.file(folder.write("c", std::string(1024 * 1024 + 1, 'c'))), Failure);
  EXPECT_EQ("c\n", machine.run({"echo", "c"}));
  EXPECT_GT(machine.now(), now - std::chrono::years(1));
}

TEST(S3Words, AreThoseOfAShell) {
  const auto words = [](const std::string& command) { return words_of(command, "a"); };
  EXPECT_THAT(words("a  b\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words("a 'b \"c' \"d 'e\" f\\ g"), ElementsAre("a", "b \"c", "d 'e", "f g"));
  EXPECT_THAT(words("a'b'\"c\" '' \"\\\"\\\\\\d\" '\\'"), ElementsAre("abc", "", "\"\\\\d", "\\"));
  EXPECT_THAT(words("$a `b` ~ *"), ElementsAre("$a", "`b`", "~", "*"));
  EXPECT_THAT(words(" "), ElementsAre());
  EXPECT_THROW(words("a 'b"), Failure);
}

}  // namespace
}  // namespace sluice::s3

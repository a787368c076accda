#include "s3/error_answer.hpp"

#include <gmock/gmock.h>

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

http::Response said(int status, const std::string& code, const std::string& message,
                    const std::string& more = "") {
  return {.status = status,
          .body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>" + message +
                  "</Message>" + more + "<RequestId>R</RequestId></Error>"};
}

std::string line(const http::Response& response, const std::vector<std::string>& secrets = {}) {
  return line_of(error_answer(response, secrets));
}

TEST(S3Error, IsOneLine) {
  EXPECT_EQ("NoSuchKey: The specified key does not exist (404)",
            line(said(404, "NoSuchKey", "The specified key does not exist.")));
  EXPECT_EQ("A: one two\\u009b (403)", line(said(403, "A", "one\ntwo&#x9b;")));
  EXPECT_EQ("SlowDown (503)", line(said(503, "SlowDown", "")));
  EXPECT_THAT(line(said(403, "A", std::string(5000, 'x'))), SizeIs(::testing::Lt(500U)));
}

TEST(S3Error, NeedsNoBody) {
  EXPECT_EQ("access denied (403)", line({.status = 403}));
  EXPECT_EQ("not found (404)", line({.status = 404, .body = "<html><h1>Not found"}));
  EXPECT_EQ("the server answered (500)", line({.status = 500, .body = "oops"}));
}

TEST(S3Error, MayBeCutOff) {
  EXPECT_EQ(
      "AccessDenied: No (403)",
      line({.status = 403, .body = "<Error><Code>AccessDenied</Code><Message>No</Message><Requ"}));
}

TEST(S3Error, OfStsStandsInAnother) {
  EXPECT_EQ(
      "AccessDenied: Not authorized (403)",
      line({.status = 403,
            .body = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>"
                    "<Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized"
                    "</Message></Error></ErrorResponse>"}));
}

TEST(S3Error, HasNoSecrets) {
  const std::string signature(64, 'a');
  const auto response =
      said(403, "SignatureDoesNotMatch",
           "id AKIDHIDDEN, secret hidden/secret, token hidden/secret+token, " + signature,
           "<AWSAccessKeyId>AKIDHIDDEN</AWSAccessKeyId><StringToSign>AWS4</StringToSign>"
           "<SignatureProvided>" +
               signature + "</SignatureProvided>");
  const std::string text =
      failure_of(error_answer(response, {"hidden/secret", "AKIDHIDDEN", "hidden/secret+token", ""}),
                 "s3://b/a")
          .what();
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("s3://b/a: SignatureDoesNotMatch: id ***, secret ***, token ***, *** (403)"),
            Not(HasSubstr("AWS4"))));
}

TEST(S3Error, SaysWhatKindItIs) {
  const auto kind = [](const http::Response& response) {
    return failure_of(error_answer(response, {}), "").kind();
  };
  EXPECT_EQ(FailureKind::usage, kind(said(404, "NoSuchBucket", "")));
  EXPECT_EQ(FailureKind::changed, kind(said(412, "PreconditionFailed", "")));
  EXPECT_EQ(FailureKind::usage, kind(said(403, "AccessDenied", "")));
}

TEST(S3Error, SaysWhetherItPasses) {
  for (const auto& response :
       {said(503, "SlowDown", ""), said(500, "InternalError", ""), said(429, "", ""),
        said(400, "RequestTimeout", ""), http::Response{.status = 502}})
    EXPECT_TRUE(error_answer(response, {}).is_passing) << response.status;
  for (const auto& response : {said(403, "AccessDenied", ""), said(404, "NoSuchKey", ""),
                               said(400, "InvalidArgument", ""), said(501, "NotImplemented", "")})
    EXPECT_FALSE(error_answer(response, {}).is_passing) << response.status;
  EXPECT_TRUE(error_answer(said(400, "ExpiredToken", ""), {}).are_keys_old);
  EXPECT_FALSE(error_answer(said(403, "AccessDenied", ""), {}).are_keys_old);
}

TEST(S3Error, SaysWhereTheBucketIs) {
  http::Response response =
      said(400, "AuthorizationHeaderMalformed", "wrong", "<Region>eu-west-1</Region>");
  EXPECT_EQ("eu-west-1", error_answer(response, {}).region);
  response.headers = {{"X-Amz-Bucket-Region", "eu-west-2"}};
  EXPECT_EQ("eu-west-2", error_answer(response, {}).region);
  response.headers = {{"X-Amz-Bucket-Region", "evil.example/"}};
  EXPECT_EQ("", error_answer(response, {}).region);
}

TEST(S3Error, AdvisesWhatToDo) {
  const auto advice = [](const std::string& code) {
    return failure_of(error_answer(said(403, code, ""), {}), "").advice();
  };
  EXPECT_THAT(advice("RequestTimeTooSkewed"), HasSubstr("clock"));
  EXPECT_THAT(advice("InvalidAccessKeyId"), HasSubstr("--s3-profile"));
  EXPECT_THAT(advice("InvalidObjectState"), HasSubstr("restore"));
  EXPECT_THAT(advice("AccessDenied"), HasSubstr("may not read it"));
  EXPECT_THAT(advice("ExpiredToken"), HasSubstr("new keys"));
  EXPECT_EQ("", failure_of(error_answer(said(400, "InvalidArgument", ""), {}), "").advice());
}

}  // namespace
}  // namespace sluice::s3

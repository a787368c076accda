#include <gmock/gmock.h>

#include "http/secrets.hpp"

namespace sluice::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Secrets, AreLeftOutHoweverTheyAreWritten) {
  Secrets secrets;
  secrets.add("to/p+secret=");
  for (const char* said : {"to/p+secret=", "to%2Fp%2Bsecret%3D", "to%2fp%2bsecret%3d",
                           "to/p secret=", "to%252Fp%252Bsecret%253D", "to/p%2bsecret="}) {
    EXPECT_EQ("a *** b", secrets.without(std::string("a ") + said + " b")) << said;
  }
  EXPECT_EQ("100% of a%20b+c %zz", secrets.without("100% of a%20b+c %zz"));
}

TEST(Secrets, PiecesOfThemAreLeftOutToo) {
  Secrets secrets;
  secrets.add("0123456789abcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ("(***)", secrets.without("(0123456789abcdef)"));
  EXPECT_EQ("(***)", secrets.without("(56789abcdefghijklmno)"));
  EXPECT_EQ("(***-***)", secrets.without("(0123456789abcdefg-jklmnopqrstuvwxyz)"));
  EXPECT_EQ("(0123456789abcde)", secrets.without("(0123456789abcde)"));
}

TEST(Secrets, ShortOnesAreWords) {
  Secrets secrets;
  secrets.add("is");
  EXPECT_EQ("this *** it: ***", secrets.without("this is it: is"));
}

TEST(Secrets, OfARequestAreThoseThatOthersMayNotSee) {
  Secrets secrets;
  secrets.add_request(
      "GET /in/a.csv?list=7&token=t0ken&X-Amz-Date=20260101 HTTP/1.1\r\nHost: host.example\r\n"
      "Authorization: Basic bmFtZTpwYXNzd29yZA==\r\nUser-Agent: pgsluice\r\nAccept: */*\r\n"
      "X-Key: h1dden\r\nRange: bytes=0-65535\r\n\r\n");
  for (const char* said : {"t0ken", "Basic bmFtZTpwYXNzd29yZA==", "bmFtZTpwYXNzd29yZA", "name",
                           "password", "name:password", "h1dden"})
    EXPECT_EQ("***", secrets.without(said)) << said;
  for (const char* said : {"host.example", "pgsluice", "*/*", "bytes=0-65535", "20260101", "7"})
    EXPECT_EQ(said, secrets.without(said));
}

TEST(Secrets, OfASignatureTheKeyIsOneAndTheRegionIsNone) {
  Secrets secrets;
  secrets.add_request(
      "GET /b/a HTTP/1.1\r\nx-amz-security-token: t0ken\r\nAuthorization: AWS4-HMAC-SHA256 "
      "Credential=AKID/20260101/eu-west-1/s3/aws4_request, "
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=0a1b2c3d\r\n\r\n");
  EXPECT_EQ("*** *** ***", secrets.without("AKID 0a1b2c3d t0ken"));
  EXPECT_EQ("***", secrets.without("AKID/20260101/eu-west-1/s3/aws4_request"));
  for (const char* said : {"eu-west-1", "x-amz-content-sha256", "AWS4-HMAC-SHA256"})
    EXPECT_EQ(said, secrets.without(said));
}

}  // namespace
}  // namespace sluice::http

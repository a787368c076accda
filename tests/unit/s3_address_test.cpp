#include "s3/address.hpp"

#include <gmock/gmock.h>

#include <map>

#include "base/failure.hpp"

namespace sluice::s3 {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    address_of(text);
  } catch (const Failure& failure) {
    EXPECT_EQ(FailureKind::usage, failure.kind());
    return failure.problem();
  }
  return "none";
}

using Variables = std::map<std::string, std::string>;

Settings settings_with(const Variables& variables, const Variables& profile, Settings flags = {},
                       const std::string& address = "s3://bucket/a") {
  const auto look_up = [](const Variables& values) {
    return [&values](const std::string& name) -> std::optional<std::string> {
      const auto at = values.find(name);
      return at == values.end() ? std::nullopt : std::optional(at->second);
    };
  };
  return settled(std::move(flags), address_of(address), look_up(variables), look_up(profile));
}

std::string endpoint_refusal(const std::string& endpoint) {
  try {
    settings_with({}, {}, {.endpoint = endpoint});
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "none";
}

std::string url_of(const std::string& text, const Settings& settings = {},
                   const std::string& region = "") {
  const Address address = address_of(text);
  return Place(address, settings, region).object_url(address.key, address.version);
}

TEST(S3Address, IsABucketAndAKey) {
  const Address address = address_of("s3://bucket/2026/a b%20+ä.csv");
  EXPECT_EQ("bucket", address.bucket);
  EXPECT_EQ("2026/a b%20+ä.csv", address.key);
  EXPECT_FALSE(address.is_google);
  EXPECT_FALSE(address.is_pattern());
  EXPECT_EQ("s3://bucket/2026/a b%20+ä.csv", address.text());
  EXPECT_EQ("/a", address_of("s3://bucket//a").key);
  EXPECT_TRUE(address_of("GS://bucket/a").is_google);
  EXPECT_TRUE(address_of("s3://bucket/*.csv").is_pattern());
}

TEST(S3Address, MayHaveAVersion) {
  const Address address = address_of("s3://bucket/a.csv?versionId=3/L4k");
  EXPECT_EQ("a.csv", address.key);
  EXPECT_EQ("3/L4k", address.version);
  EXPECT_FALSE(address.is_pattern());
  EXPECT_EQ("s3://bucket/a.csv?versionId=3/L4k", address.text());
  EXPECT_EQ("", address_of("s3://bucket/a\\?versionId=1").version);
  EXPECT_THAT(refusal("s3://bucket/*.csv?versionId=1"), HasSubstr("a pattern has no version"));
  EXPECT_THAT(refusal("gs://bucket/a?versionId=1"), HasSubstr("no versionId"));
}

TEST(S3Address, IsShownInOneWayAndWithoutKeys) {
  EXPECT_EQ("s3://bucket/a b.csv", shown("S3://bucket/a b.csv"));
  EXPECT_EQ("s3://bucket/a\\[1]b", shown("s3://bucket/a\\[1\\]b"));
  EXPECT_EQ("s3://bucket/[1]*", shown("s3://bucket/[1]*"));
  EXPECT_EQ("s3://bucket/a?versionId=1", shown("s3://bucket/a?versionId=1"));
  EXPECT_EQ("s3://bucket/a@b:c", shown("s3://bucket/a@b:c"));
  EXPECT_EQ("s3://bucket", shown("s3://bucket"));
  for (const char* const keys : {"ID:hidden", "ID:hid/den", "ID:h@dden", "hidden"}) {
    const std::string text = std::string("s3://") + keys + "@bucket/a";
    EXPECT_EQ("s3://bucket/a", shown(text));
    EXPECT_EQ("s3://bucket/a: keys do not stand in an address", refusal(text));
  }
}

TEST(S3Address, IsToldFromOtherNames) {
  EXPECT_TRUE(is_address("s3://b/c"));
  EXPECT_TRUE(is_address("gs://"));
  EXPECT_FALSE(is_address("s3:/b/c"));
  EXPECT_FALSE(is_address("https://b/c"));
  EXPECT_FALSE(is_address("a/s3://b"));
  EXPECT_FALSE(is_address(""));
}

TEST(S3Address, RefusesWhatIsNone) {
  for (const char* const text :
       {"s3://", "s3:///a", "s3://ab/c", "s3://evil.example#/c", "s3://a?b/c", "s3://a:80/c",
        "s3://buck%65t/c", "s3://../c", "s3://a b/c", "s3://bück/c"})
    EXPECT_THAT(refusal(text), HasSubstr("no name of a bucket")) << text;
  EXPECT_THAT(refusal("s3://bucket"), HasSubstr("no object"));
  EXPECT_THAT(refusal("s3://bucket/"), HasSubstr("no object"));
  EXPECT_THAT(refusal("s3://arn:aws:s3:eu-west-1:1:accesspoint/a"), HasSubstr("access points"));
  EXPECT_THAT(refusal("s3://bucket/" + std::string(1025, 'a')), HasSubstr("1024 bytes"));
  EXPECT_THAT(refusal("s3://bucket/" + std::string(9000, '{')), HasSubstr("too long"));
}

TEST(S3Place, IsTheBucketsOwnHost) {
  EXPECT_EQ("https://bucket.s3.us-east-1.amazonaws.com/a%20b%2B/~c//..%3F",
            url_of("s3://bucket/a b+/~c//..?"));
  EXPECT_EQ("https://bucket.s3.eu-central-1.amazonaws.com/a",
            url_of("s3://bucket/a", {}, "eu-central-1"));
  EXPECT_EQ("https://bucket.s3.cn-north-1.amazonaws.com.cn/a",
            url_of("s3://bucket/a", {}, "cn-north-1"));
  EXPECT_EQ("https://storage.googleapis.com/bucket/a", url_of("gs://bucket/a"));
  EXPECT_EQ("https://bucket.s3.us-east-1.amazonaws.com/a?versionId=3%2FL4k%2B",
            url_of("s3://bucket/a?versionId=3/L4k+"));
}

TEST(S3Place, HasThePathWhereTheBucketIsNoName) {
  EXPECT_EQ("https://s3.us-east-1.amazonaws.com/a.b.c/d", url_of("s3://a.b.c/d"));
  EXPECT_EQ("https://s3.us-east-1.amazonaws.com/Old_Bucket/d", url_of("s3://Old_Bucket/d"));
}

TEST(S3Place, HasThePathWhereAnEndpointIsNamed) {
  EXPECT_EQ("http://127.0.0.1:9000/bucket/a",
            url_of("s3://bucket/a", settings_with({}, {}, {.endpoint = "http://127.0.0.1:9000/"})));
  EXPECT_EQ(
      "https://host.example/s3/bucket/a",
      url_of("s3://bucket/a", settings_with({}, {}, {.endpoint = "HTTPS://Host.example/s3"})));
}

TEST(S3Place, HasARegionAlways) {
  const Address address = address_of("s3://bucket/a");
  EXPECT_EQ("us-east-1", Place(address, {}, "").region());
  EXPECT_EQ("eu-west-1", Place(address, {}, "eu-west-1").region());
  EXPECT_EQ("auto", Place(address_of("gs://bucket/a"), {}, "").region());
}

TEST(S3Settings, AreTheFlagsThenTheEnvironmentThenTheProfile) {
  const Variables all{{"AWS_ENDPOINT_URL_S3", "http://one"},
                      {"AWS_ENDPOINT_URL", "http://two"},
                      {"AWS_REGION", "eu-west-1"},
                      {"AWS_DEFAULT_REGION", "eu-west-2"}};
  const Variables some{{"AWS_ENDPOINT_URL", "http://two"}, {"AWS_DEFAULT_REGION", "eu-west-2"}};
  const Variables profile{{"endpoint_url", "http://three"}, {"region", "eu-west-3"}};
  EXPECT_EQ("http://zero", settings_with(all, profile, {.endpoint = "http://zero"}).endpoint);
  EXPECT_EQ("eu-north-1", settings_with(all, profile, {.region = "eu-north-1"}).region);
  EXPECT_EQ("http://one", settings_with(all, profile).endpoint);
  EXPECT_EQ("eu-west-1", settings_with(all, profile).region);
  EXPECT_EQ("http://two", settings_with(some, profile).endpoint);
  EXPECT_EQ("eu-west-2", settings_with(some, profile).region);
  EXPECT_EQ("http://three", settings_with({}, profile).endpoint);
  EXPECT_EQ("eu-west-3", settings_with({}, profile).region);
  EXPECT_EQ("", settings_with({}, {}).endpoint);
  EXPECT_EQ("", settings_with({}, {}).region);
  Variables ignoring = all;
  ignoring["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ("", settings_with(ignoring, profile).endpoint);
}

TEST(S3Settings, OfGooglesAreTheFlagsAlone) {
  const Variables all{{"AWS_ENDPOINT_URL", "http://two"}, {"AWS_REGION", "eu-west-1"}};
  EXPECT_EQ("", settings_with(all, all, {}, "gs://bucket/a").endpoint);
  EXPECT_EQ("", settings_with(all, all, {}, "gs://bucket/a").region);
  EXPECT_EQ("http://zero",
            settings_with(all, all, {.endpoint = "http://zero"}, "gs://bucket/a").endpoint);
}

TEST(S3Settings, RefuseWhatIsNoEndpoint) {
  for (const char* const endpoint :
       {"127.0.0.1:9000", "ftp://host", "http://", "https://host/?a=b", "https://host#a",
        "https://ho st", "https://host/a b", "https://h\\ost"})
    EXPECT_THAT(endpoint_refusal(endpoint), HasSubstr("--s3-endpoint: is no endpoint")) << endpoint;
  const std::string with_user = endpoint_refusal("https://user:hidden@host");
  EXPECT_THAT(with_user, HasSubstr("no password"));
  EXPECT_THAT(with_user, ::testing::Not(HasSubstr("hidden")));
}

TEST(S3Settings, RefuseWhatIsNoRegion) {
  for (const char* const region : {"eu west", "evil.example/", "-a", "EU", "a@b"})
    EXPECT_THROW(settings_with({}, {}, {.region = region}), Failure) << region;
}

TEST(S3Endpoint, IsAmazonsS3OrIsNot) {
  for (const char* const is : {
           "https://s3.amazonaws.com",
           "https://s3.eu-west-1.amazonaws.com/",
           "https://S3.eu-west-1.amazonaws.com:443",
           "https://s3-eu-west-1.amazonaws.com",
           "https://s3.us-gov-east-1.amazonaws.com",
           "https://s3.cn-north-1.amazonaws.com.cn",
           "https://s3.dualstack.eu-west-1.amazonaws.com",
           "https://s3-fips.dualstack.us-east-1.amazonaws.com",
           "https://s3-accelerate.amazonaws.com",
           "https://bucket.s3.eu-west-1.amazonaws.com",
           "https://bucket.vpce-1a2b-3c4d.s3.us-east-1.vpce.amazonaws.com",
       })
    EXPECT_TRUE(is_amazons_s3(is)) << is;
  for (const char* const is_not : {
           "http://s3.eu-west-1.amazonaws.com",
           "https://s3.eu-west-1.amazonaws.com:8443",
           "https://ec2-203-0-113-9.compute-1.amazonaws.com",
           "https://s3-evil-1.us-east-1.elb.amazonaws.com",
           "https://s3.us-east-1.elb.amazonaws.com",
           "https://s3.evil.compute-1.amazonaws.com",
           "https://x.execute-api.us-east-1.amazonaws.com",
           "https://s3-website-eu-west-1.amazonaws.com",
           "https://evil.s3-website.eu-west-1.amazonaws.com",
           "https://s3-evil.amazonaws.com",
           "https://s3.eu-west-1.amazonaws.com.evil.com",
           "https://s3.eu-west-1.evilamazonaws.com",
           "https://amazonaws.com",
           "https://.amazonaws.com",
       })
    EXPECT_FALSE(is_amazons_s3(is_not)) << is_not;
}

}  // namespace
}  // namespace sluice::s3

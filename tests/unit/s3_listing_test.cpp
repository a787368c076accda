#include "s3/listing.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>

#include "base/failure.hpp"
#include "s3/url_text.hpp"

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string escaped(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '&') {
      made += "&amp;";
    } else if (c == '<') {
      made += "&lt;";
    } else if (c == '"') {
      made += "&quot;";
    } else {
      made += c;
    }
  }
  return made;
}

std::string answer_of(const std::string& inner) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>bucket</Name>" +
         inner + "</ListBucketResult>";
}

std::string contents(const std::string& key, const std::string& bytes, const std::string& etag) {
  return "<Contents><Key>" + key + "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>" +
         "<ETag>" + escaped(etag) + "</ETag><Size>" + bytes +
         "</Size><StorageClass>STANDARD</StorageClass></Contents>";
}

/// A bucket that answers as S3 does, a few keys a page.
class FakeS3 {
 public:
  std::map<std::string, std::uint64_t> keys;
  std::size_t page_size = 2;
  std::string encoding = "url";
  std::vector<std::string> prefixes;  ///< of the listings that were begun
  std::vector<http::Request> requests;

  http::Response send(const http::Request& request) {
    requests.push_back(request);
    std::map<std::string, std::string> query;
    std::string text(url_parts(request.url).query);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('&'), text.size());
      const std::string each = text.substr(0, end);
      query[each.substr(0, each.find('='))] = url_decoded(each.substr(each.find('=') + 1));
      text.erase(0, end + 1);
    }
    EXPECT_EQ("2", query["list-type"]);
    EXPECT_EQ("url", query["encoding-type"]);
    if (query["continuation-token"].empty()) prefixes.push_back(query["prefix"]);
    return {.status = 200, .body = page(query["prefix"], query["continuation-token"])};
  }

 private:
  std::string page(const std::string& prefix, const std::string& token) const {
    std::string inner;
    std::size_t count = 0;
    std::string next;
    for (const auto& [key, bytes] : keys) {
      if (!key.starts_with(prefix) || (!token.empty() && "more+/=" + key <= token)) continue;
      if (count++ == page_size) break;
      inner += contents(encoding == "url" ? url_encoded(key) : escaped(key), std::to_string(bytes),
                        "\"e" + std::to_string(bytes) + "\"");
      next = "more+/=" + key;
    }
    const bool goes_on = count > page_size;
    inner += "<IsTruncated>" + std::string(goes_on ? "true" : "false") + "</IsTruncated>";
    if (!encoding.empty()) inner += "<EncodingType>" + encoding + "</EncodingType>";
    if (goes_on) inner += "<NextContinuationToken>" + escaped(next) + "</NextContinuationToken>";
    return answer_of(inner);
  }
};

std::chrono::sys_seconds some_time() {
  return std::chrono::sys_seconds(std::chrono::seconds(1'767'323'045));
}

Bucket bucket_of(const Address& address) { return {address, {}, nullptr, some_time}; }

std::vector<Object> listed(const std::string& text, const http::Send& send, const Say& say = {}) {
  Kept kept;
  const Address address = address_of(text);
  const Settings settings{.endpoint = "http://127.0.0.1:9000"};
  Bucket bucket(address, settings, nullptr, some_time);
  return list(bucket, address, send, kept, say);
}

std::vector<std::string> keys_listed(const std::string& text, FakeS3& fake) {
  std::vector<std::string> keys;
  for (const Object& each :
       listed(text, [&fake](const auto& request) { return fake.send(request); }))
    keys.push_back(each.key);
  return keys;
}

Failure failure_of_listing(const std::string& text, const http::Send& send) {
  try {
    listed(text, send);
  } catch (const Failure& failure) {
    return failure;
  }
  return {FailureKind::failed, "none"};
}

TEST(S3Listing, HasAllPages) {
  FakeS3 fake;
  for (int i = 10; i < 35; ++i) fake.keys["a/" + std::to_string(i) + ".csv"] = i;
  fake.keys["b/1.csv"] = 1;
  EXPECT_THAT(keys_listed("s3://bucket/a/*.csv", fake), SizeIs(25));
  EXPECT_THAT(fake.requests, SizeIs(13));
  EXPECT_THAT(fake.prefixes, ElementsAre("a/"));
}

TEST(S3Listing, HasKeySizeAndETag) {
  FakeS3 fake;
  fake.keys["a.csv"] = 7;
  const auto found =
      listed("s3://bucket/*", [&fake](const auto& request) { return fake.send(request); });
  EXPECT_EQ((std::vector<Object>{{.key = "a.csv", .bytes = 7, .etag = "\"e7\""}}), found);
}

TEST(S3Listing, HasOddKeys) {
  FakeS3 fake;
  std::vector<std::string> odd{" a", "a b", "a&b<c>", "a+b", "a//b", "a/../b", "a\tb", "ä%20"};
  std::ranges::sort(odd);
  for (const std::string& key : odd) fake.keys[key] = 1;
  for (const char* const encoding : {"url", ""}) {
    fake.encoding = encoding;
    EXPECT_EQ(odd, keys_listed("s3://bucket/{*,a//*,a/../*}", fake)) << encoding;
  }
}

TEST(S3Listing, LeavesOutFoldersAndWhatDoesNotMatch) {
  FakeS3 fake;
  fake.keys = {{"a/", 0}, {"a/b/", 0}, {"a/1.csv", 0}, {"a/b/2.csv", 2}, {"a/3.tsv", 3}, {"c/", 1}};
  EXPECT_THAT(keys_listed("s3://bucket/a/**", fake),
              ElementsAre("a/1.csv", "a/3.tsv", "a/b/2.csv"));
  EXPECT_THAT(keys_listed("s3://bucket/**/*.csv", fake), ElementsAre("a/1.csv", "a/b/2.csv"));
  EXPECT_THAT(keys_listed("s3://bucket/c/*", fake), ElementsAre("c/"));
}

TEST(S3Listing, LooksForEachOfAList) {
  FakeS3 fake;
  fake.keys = {{"2025/1.csv", 1}, {"2025/12/1.csv", 1}, {"2026/1.csv", 1}, {"2027/1.csv", 1}};
  EXPECT_THAT(keys_listed("s3://bucket/{2027,2025}/*.csv", fake),
              ElementsAre("2025/1.csv", "2027/1.csv"));
  EXPECT_THAT(fake.prefixes, ElementsAre("2025/", "2027/"));
}

TEST(S3Listing, MayFindNothing) {
  FakeS3 fake;
  fake.keys["a"] = 1;
  EXPECT_THAT(keys_listed("s3://bucket/*.csv", fake), IsEmpty());
}

TEST(S3Listing, GoesToTheRegionThatAnAnswerNames) {
  FakeS3 fake;
  fake.keys["a"] = 1;
  const Address address = address_of("s3://bucket/*");
  Bucket bucket = bucket_of(address);
  std::vector<std::string> hosts;
  const http::Send send = [&](const http::Request& request) -> http::Response {
    hosts.emplace_back(url_parts(request.url).authority);
    if (hosts.size() > 1) return fake.send(request);
    return {.status = 301, .headers = {{"x-amz-bucket-region", "eu-west-3"}}};
  };
  Kept kept;
  const auto found = list(bucket, address, send, kept);
  EXPECT_THAT(found, SizeIs(1));
  EXPECT_THAT(
      hosts, ElementsAre("bucket.s3.us-east-1.amazonaws.com", "bucket.s3.eu-west-3.amazonaws.com"));
}

TEST(S3Listing, EndsWhereRegionsSendFromOneToTheOther) {
  const Address address = address_of("s3://bucket/*");
  Bucket bucket = bucket_of(address);
  int asked = 0;
  const http::Send send = [&asked](const http::Request&) -> http::Response {
    return {.status = 301, .headers = {{"x-amz-bucket-region", "r" + std::to_string(++asked % 2)}}};
  };
  Kept kept;
  EXPECT_THROW(list(bucket, address, send, kept), Failure);
  EXPECT_EQ(3, asked);
}

TEST(S3Listing, SaysWhyItIsRefused) {
  const Failure failure = failure_of_listing("s3://bucket/*", [](const auto&) -> http::Response {
    return {.status = 403,
            .body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"};
  });
  EXPECT_EQ("s3://bucket/*: AccessDenied: Access Denied (403)", failure.problem());
}

/// Pages as they are written here: what is in each, and the token of the next one.
struct Pages {
  std::vector<std::pair<std::vector<std::string>, std::string>> pages;
  std::size_t asked = 0;

  http::Send sender() {
    return [this](const http::Request&) -> http::Response {
      const auto& [keys, next] = pages[asked++ % pages.size()];
      std::string inner = "<IsTruncated>" + std::string(next.empty() ? "false" : "true") +
                          "</IsTruncated><NextContinuationToken>" + next +
                          "</NextContinuationToken>";
      for (const std::string& key : keys) inner += contents(key, "1", "\"e\"");
      return {.status = 200, .body = answer_of(inner)};
    };
  }
};

TEST(S3Listing, ThatGoesRoundIsRefused) {
  for (Pages pages : {Pages{{{{"a"}, "A"}, {{"b"}, "B"}, {{"c"}, "A"}, {{"d"}, "B"}}},
                      Pages{{{{}, "A"}, {{}, "B"}, {{}, "A"}}},
                      Pages{{{{"a", "b"}, "A"}, {{"b"}, "B"}, {{"c"}, "C"}}},
                      Pages{{{{"b"}, "A"}, {{"a"}, "B"}, {{"a", "b"}, "C"}, {{"c"}, ""}}}}) {
    const Failure failure = failure_of_listing("s3://bucket/*", pages.sender());
    EXPECT_EQ(FailureKind::failed, failure.kind());
    EXPECT_THAT(failure.problem(),
                AllOf(HasSubstr("goes round in a circle"), HasSubstr("http://127.0.0.1:9000")));
    EXPECT_GE(3U, pages.asked);
  }
}

TEST(S3Listing, MayBeOfAServerThatSortsNothingAndHavePagesWithoutKeys) {
  Pages pages{{{{"c", "a"}, "A"}, {{}, "B"}, {{"b", "a"}, "C"}, {{"aa"}, ""}}};
  EXPECT_THAT(listed("s3://bucket/*", pages.sender()), SizeIs(4));
}

TEST(S3Listing, LeavesOutKeysThatNoObjectOfS3Has) {
  const std::string longest(1024, 'k');
  Pages pages{{{{"a", longest, longest + "k", std::string(60'000, 'l')}, ""}}};
  std::vector<std::string> said;
  const auto found = listed("s3://bucket/*", pages.sender(),
                            [&said](const std::string& text) { said.push_back(text); });
  EXPECT_THAT(found, SizeIs(2));
  EXPECT_THAT(said, ElementsAre(AllOf(HasSubstr("2 keys are left out"), HasSubstr("1024 bytes"))));
}

TEST(S3Listing, KeepsNoMoreThanACommandCanName) {
  std::size_t asked = 0;
  const http::Send send = [&asked](const http::Request&) -> http::Response {
    std::string inner = "<IsTruncated>true</IsTruncated><NextContinuationToken>" +
                        std::to_string(++asked) + "</NextContinuationToken>";
    for (std::size_t i = 10'000; i < 18'000; ++i)
      inner += contents(std::string(1000, static_cast<char>('a' + asked)) + std::to_string(i), "1",
                        "\"e\"");
    return {.status = 200, .body = answer_of(inner)};
  };
  const Failure failure = failure_of_listing("s3://bucket/*", send);
  EXPECT_THAT(failure.problem(), AllOf(HasSubstr("matches too much"), HasSubstr("128")));
  EXPECT_THAT(failure.advice(), HasSubstr("narrower pattern"));
  EXPECT_EQ(17U, asked);
}

std::string page_failure(const std::string& body) {
  try {
    page_of(body, "s3://b/*");
  } catch (const Failure& failure) {
    EXPECT_EQ(FailureKind::failed, failure.kind());
    return failure.problem();
  }
  return "none";
}

TEST(S3Page, IsRefusedWhereItIsNone) {
  const std::string whole = "<IsTruncated>false</IsTruncated>";
  EXPECT_EQ("none", page_failure(answer_of(whole)));
  EXPECT_THAT(page_failure(""), HasSubstr("is no XML"));
  EXPECT_THAT(page_failure("<html>"), HasSubstr("is no XML"));
  EXPECT_THAT(page_failure("<html/>"), HasSubstr("is none"));
  EXPECT_THAT(page_failure("<Error><Code>SlowDown</Code></Error>"), HasSubstr("is none"));
  EXPECT_THAT(page_failure(answer_of("")), HasSubstr("whether it is whole"));
  EXPECT_THAT(page_failure(answer_of("<IsTruncated>true</IsTruncated>")), HasSubstr("where"));
  EXPECT_THAT(page_failure(answer_of("<EncodingType>b64</EncodingType>" + whole)),
              HasSubstr("encoding"));
  EXPECT_THAT(page_failure(answer_of(whole + contents("", "1", ""))), HasSubstr("without a key"));
  for (const char* const size :
       {"", "-1", "1x", "1.5", " 1", "99999999999999999999", "9223372036854775808"})
    EXPECT_THAT(page_failure(answer_of(whole + contents("a", size, ""))), HasSubstr("size"))
        << size;
}

TEST(S3Page, ReadsETagsForIfMatch) {
  const std::string whole = "<IsTruncated>false</IsTruncated>";
  const auto etag_of = [&whole](const std::string& etag) {
    return page_of(answer_of(whole + contents("a", "1", etag)), "").objects.at(0).etag;
  };
  EXPECT_EQ("\"a-2\"", etag_of("\"a-2\""));
  EXPECT_EQ("\"a-2\"", etag_of("a-2"));
  EXPECT_EQ("W/\"a\"", etag_of("W/\"a\""));
  EXPECT_EQ("", etag_of(""));
  EXPECT_EQ("", etag_of("a\nX-Injected: 1"));
}

TEST(S3Page, EntitiesAreHarmless) {
  std::string bomb = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY a0 \"lol\">";
  for (int i = 1; i < 30; ++i) {
    const std::string one = "&a" + std::to_string(i - 1) + ";";
    bomb += "<!ENTITY a" + std::to_string(i) + " \"" + one + one + one + one + "\">";
  }
  bomb += "]><ListBucketResult><Name>&a29;</Name></ListBucketResult>";
  EXPECT_THAT(page_failure(bomb), HasSubstr("document type"));
  EXPECT_THAT(page_failure("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"),
              HasSubstr("document type"));
}

TEST(S3Page, HasBounds) {
  const std::string end = "<IsTruncated>false</IsTruncated>";
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  EXPECT_THAT(page_failure(deep), HasSubstr("nested too deep"));
  EXPECT_THAT(page_failure(answer_of("<Name>" + std::string(70'000, 'a') + "</Name>" + end)),
              HasSubstr("too long"));
  EXPECT_THAT(page_failure(std::string(17 * 1024 * 1024, ' ')), HasSubstr("too long"));
}

/// Cut and flipped, an answer is read or refused, and nothing else.
TEST(S3Page, SurvivesDamage) {
  const std::string good =
      answer_of(contents("a%20b", "12", "\"e\"") + contents("c&amp;d", "0", "\"f-2\"") +
                "<IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
                "<NextContinuationToken>1/x+y==</NextContinuationToken>");
  EXPECT_EQ("none", page_failure(good));
  for (std::size_t end = 0; end < good.size(); ++end)
    EXPECT_NE("none", page_failure(good.substr(0, end))) << end;
  std::mt19937 drawn(19);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    for (std::size_t flips = 1 + drawn() % 3; flips > 0; --flips)
      bad[drawn() % bad.size()] = static_cast<char>(drawn());
    if (drawn() % 4 == 0) bad.erase(drawn() % bad.size(), drawn() % 20);
    if (page_failure(bad) != "none") ++refused;
  }
  EXPECT_GT(refused, 5'000U);
}

}  // namespace
}  // namespace sluice::s3

#include <gmock/gmock.h>

#include <ctime>

#include "base/failure.hpp"
#include "http/address.hpp"
#include "http/answer.hpp"
#include "http/client.hpp"
#include "http/judge.hpp"
#include "http/object_reader.hpp"
#include "source/remote.hpp"
#include "support/web_server.hpp"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using test::WebObject;
using test::WebServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Address, IsToldFromPaths) {
  for (const char* url : {"http://h", "https://h/a", "HTTPS://h/a", "Http://x"})
    EXPECT_TRUE(is_url(url)) << url;
  for (const char* path : {"http:/h", "https", "httpx://h", "a/https://h", "", "-", "ftp://h/a"})
    EXPECT_FALSE(is_url(path)) << path;
}

TEST(Address, NamesHaveNoSecrets) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"https://h/a.csv", "https://h/a.csv"},
      {"HTTPS://Host.example:443/a b.csv#part", "https://Host.example/a%20b.csv"},
      {"https://u:p%40w@h:8443/a?x=1&token=s&y=2", "https://h:8443/a?x=1&y=2"},
      {"https://h/a?X-Amz-Signature=s&X-Amz-Credential=c&x-amz-date=d&versionId=7",
       "https://h/a?versionId=7"},
      {"https://h/a?X-Goog-Signature=s", "https://h/a"},
      {"https://h/a?sv=1&se=2&sp=r&sig=s&comp=x", "https://h/a?comp=x"},
      {"https://h/a?Expires=1&Signature=s&Key-Pair-Id=k", "https://h/a"},
      {"https://h/a?access_token=s&tokens=3", "https://h/a?tokens=3"},
      {"https://h/a?%74oken=s&X%2DAmz%2DSignature=s&b=%20", "https://h/a?b=%20"},
      {"https://h/a?X_Amz_Signature=s;b=2;token=s;c=3", "https://h/a?b=2;c=3"},
      {"https://h/a?b=1;2&token=s;t;u&c=3", "https://h/a?b=1;2&c=3"},
      {"https://h/a?private_token=s&KEY=s&auth=s&auth-token=s&Client_Secret=s", "https://h/a"},
      {"https://h/a?sas=s&jwt=s&code=s&sessionId=s&Policy=s&pwd=s&refreshToken=s", "https://h/a"},
      {"https://h/a?OSSAccessKeyId=s&q-signature=s&x-oss-process=s&x-cos-a=s", "https://h/a"},
      {"https://h/a?&&b=1&", "https://h/a?b=1"},
      {"https://h", "https://h/"},
  };
  for (const auto& [url, name] : cases) EXPECT_EQ(name, shown_url(url)) << url;
}

TEST(Address, KeepsALoginAside) {
  const Address address = address_of("https://us%3Aer:p%40ss@Host/a");
  EXPECT_EQ("https://Host/a", address.url);
  EXPECT_EQ("us:er", address.user);
  EXPECT_EQ("p@ss", address.password);
  EXPECT_TRUE(address.has_login);
  EXPECT_EQ(address_of("https://host:443/b").origin, address.origin);
  EXPECT_NE(address_of("http://host/a").origin, address.origin);
  EXPECT_NE(address_of("https://host:8443/a").origin, address.origin);
}

TEST(Address, WhatIsNoUrlIsSaidWithoutItsSecrets) {
  for (const char* url :
       {"https://us er:hidden@h:x/a?token=hidden", "https://u:hid/den@h:99999/",
        "http://u:hidden@/a", "https://u:hidden@h:port/a?sig=hidden", "https://u:p?hidden@h/",
        "https://u:abc#hidden@h/", "https:/u:hidden@h/", "https:u:hidden@h/",
        "https://hidden:12?ss@h/", "https://hidden:12#ss@h/", "HTTP:hidden:x@h://"}) {
    EXPECT_TRUE(is_url(url)) << url;
    try {
      address_of(url);
      ADD_FAILURE() << url;
    } catch (const Failure& failure) {
      EXPECT_EQ(FailureKind::usage, failure.kind());
      EXPECT_THAT(failure.what(), Not(HasSubstr("hid"))) << url;
    }
    EXPECT_THAT(shown_url(url), Not(HasSubstr("hid"))) << url;
  }
}

TEST(Address, RedirectsLeadNowhereElse) {
  const Address from = address_of("https://u:p@h/in/a.csv?x=1");
  EXPECT_EQ("https://h/in/b.csv", address_behind(from, "b.csv").url);
  EXPECT_EQ("https://h/b.csv", address_behind(from, "/b.csv").url);
  EXPECT_EQ("https://other/b", address_behind(from, "//other/b").url);
  EXPECT_FALSE(address_behind(from, "https://other/b").has_login);
  EXPECT_THROW(address_behind(from, "http://h/b"), Failure);
  EXPECT_THROW(address_behind(from, "file:///etc/passwd"), Failure);
  EXPECT_THROW(address_behind(from, "ftp://h/b"), Failure);
  EXPECT_EQ("https://h/b", address_behind(address_of("http://h/a"), "https://h/b").url);
}

TEST(Address, AFileHasTheNameOfItsLastPart) {
  EXPECT_EQ("a.csv.gz", file_name_of("https://h/in/a.csv.gz?x=/b"));
  EXPECT_EQ("a b.csv", file_name_of("https://h/a%20b.csv"));
  EXPECT_EQ("a..b", file_name_of("https://h/a%2F..%2Fb"));
  for (const char* url : {"https://h", "https://h/", "https://h/a/", "https://h/%2e%2e"})
    EXPECT_EQ("", file_name_of(url)) << url;
}

TEST(Address, ObjectsOfBucketsAreRemoteToo) {
  FetchOptions options;
  std::vector<std::string> paths{"S3://bucket/a", "gs://bucket/a"};
  source::hide_secrets(paths, options);
  EXPECT_THAT(paths, ElementsAre("s3://bucket/a", "gs://bucket/a"));
  EXPECT_TRUE(options.urls->empty());
  std::vector<std::string> wrong{"s3://ID:hidden@bucket/a"};
  EXPECT_THROW(source::hide_secrets(wrong, options), Failure);
  EXPECT_THAT(wrong, ElementsAre("s3://bucket/a"));
  wrong = {"s3://bucket/a.csv?X-Amz-Date=1&X-Amz-Signature=hidden"};
  EXPECT_THROW(source::hide_secrets(wrong, options), Failure);
  EXPECT_THAT(wrong, ElementsAre("s3://bucket/a.csv"));
  EXPECT_EQ("s3://bucket/a?.csv", source::shown_remote("s3://bucket/a?.csv"));
  EXPECT_TRUE(source::is_remote("s3://bucket/a"));
  EXPECT_FALSE(source::is_in_bucket("https://bucket/a"));
  EXPECT_EQ("a[1].csv", source::file_name_of_remote("s3://bucket/in/a\\[1].csv"));
  EXPECT_EQ("", source::file_name_of_remote("s3://bucket/in/.."));
}

TEST(Address, TwoThatDifferInSecretsAloneAreRefused) {
  FetchOptions options;
  std::vector<std::string> paths{"a.csv", "https://h/a?sig=1", "https://h/a?sig=1"};
  source::hide_secrets(paths, options);
  EXPECT_THAT(paths, ElementsAre("a.csv", "https://h/a", "https://h/a"));
  EXPECT_EQ("https://h/a?sig=1", options.urls->at("https://h/a"));
  source::hide_secrets(paths, options);  // once more changes nothing
  EXPECT_EQ("https://h/a?sig=1", options.urls->at("https://h/a"));
  std::vector<std::string> other{"https://h/a?sig=2"};
  EXPECT_THROW(source::hide_secrets(other, options), Failure);
  EXPECT_THAT(other, ElementsAre("https://h/a"));
}

Response answer(int status, Headers headers = {}) {
  return {.status = status, .headers = std::move(headers), .body = {}};
}

TEST(Answer, ContentRangesAreExact) {
  const auto range = content_range_of(answer(206, {{"content-range", "bytes 5-9/100"}}));
  ASSERT_TRUE(range);
  EXPECT_EQ(5, range->first);
  EXPECT_EQ(9, range->last);
  EXPECT_EQ(100, range->total);
  EXPECT_FALSE(content_range_of(answer(206, {{"Content-Range", "bytes 0-9/*"}}))->total);
  for (const char* wrong : {"bytes 9-5/100", "bytes 0-9/5", "bytes 0-9/10x", "0-9/10", "bytes */10",
                            "bytes -1-9/10", "bytes 0-9", "bytes 0-18446744073709551616/10", ""})
    EXPECT_FALSE(content_range_of(answer(206, {{"Content-Range", wrong}}))) << wrong;
}

TEST(Answer, OnlyStrongETagsCount) {
  EXPECT_EQ("\"a\"", strong_etag_of(answer(200, {{"etag", "\"a\""}})));
  for (const char* weak : {"W/\"a\"", "a", "\"\"", "\"", ""})
    EXPECT_EQ("", strong_etag_of(answer(200, {{"ETag", weak}}))) << weak;
}

TEST(Answer, ChunksAloneTellAnEnd) {
  const auto coding = [](Headers headers) { return coding_of(answer(200, std::move(headers))); };
  EXPECT_EQ(Coding::none, coding({}));
  const std::vector<std::pair<const char*, Coding>> cases{{"chunked", Coding::chunks},
                                                          {" Chunked ", Coding::chunks},
                                                          {"identity", Coding::none},
                                                          {"", Coding::none},
                                                          {"identity, chunked", Coding::chunks},
                                                          {"chunked, identity", Coding::other},
                                                          {"chunked, chunked", Coding::other},
                                                          {"chunked;a=b", Coding::other},
                                                          {"xchunked", Coding::other},
                                                          {"gzip, chunked", Coding::other},
                                                          {"x-foo", Coding::other}};
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(expected, coding({{"transfer-ENCODING", text}})) << text;
  EXPECT_EQ(Coding::other,
            coding({{"Transfer-Encoding", "gzip"}, {"Transfer-Encoding", "chunked"}}));
  EXPECT_EQ(Coding::chunks,
            coding({{"Transfer-Encoding", "identity"}, {"Transfer-Encoding", "chunked"}}));
}

TEST(Judge, ALengthHoldsInEachCoding) {
  const auto facts = [](const char* coding, const char* length) {
    Headers headers;
    if (*coding != 0) headers.emplace_back("Transfer-Encoding", coding);
    if (*length != 0) headers.emplace_back("Content-Length", length);
    return facts_of(answer(200, headers));
  };
  for (const char* coding : {"", "identity", "chunked"}) {
    EXPECT_EQ(7, facts(coding, "7").length) << coding;
    EXPECT_TRUE(facts(coding, "7").tells_end) << coding;
  }
  EXPECT_FALSE(facts("identity", "").tells_end);
  EXPECT_FALSE(facts("", "").tells_end);
  EXPECT_TRUE(facts("chunked", "").tells_end);
  EXPECT_TRUE(facts("", "0").has_ranges) << "of nothing there is nothing to ask for";
  EXPECT_FALSE(facts("chunked", "0").has_ranges);
  EXPECT_FALSE(facts("identity", "0").has_ranges);
}

TEST(Answer, APackingThatNobodyReadsIsNamed) {
  for (const char* packing : {"br", "BR", "gzip, br", "deflate ,gzip"})
    EXPECT_NE("", unread_packing(answer(200, {{"content-encoding", packing}}))) << packing;
  for (const char* packing :
       {"", "identity", "gzip", "x-gzip", "zstd", "aws-chunked", "utf-8", ","})
    EXPECT_EQ("", unread_packing(answer(200, {{"content-encoding", packing}}))) << packing;
  for (const int status : {200, 206}) {
    const Response packed = answer(
        status, {{"Content-Encoding", "br"}, {"Content-Range", "bytes 0-9/10"}, {"ETag", "\"a\""}});
    EXPECT_EQ(Verdict::unreadable, judge({0, 10, true}, nullptr, packed, "").verdict);
  }
}

TEST(Answer, APageIsToldByItsType) {
  for (const char* type : {"text/html", "Text/HTML; charset=utf-8", "text/html ;x"})
    EXPECT_TRUE(is_page(answer(200, {{"content-type", type}}))) << type;
  for (const char* type : {"text/csv", "text/html5", ""})
    EXPECT_FALSE(is_page(answer(200, {{"content-type", type}}))) << type;
}

TEST(Answer, RetryAfterIsSecondsOrADate) {
  EXPECT_EQ(7s, retry_after_of(answer(503, {{"Retry-After", "7"}}), 0));
  const std::int64_t at = 784111777;
  EXPECT_EQ(10s, retry_after_of(answer(503, {{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}}),
                                at - 10));
  EXPECT_EQ(
      0s, retry_after_of(answer(503, {{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}}), at + 10));
  EXPECT_FALSE(retry_after_of(answer(503, {{"Retry-After", "soon"}}), 0));
  EXPECT_FALSE(retry_after_of(answer(503), 0));
}

struct Judged {
  std::string what;
  Asked asked;
  bool is_first;
  Response answer;
  Verdict verdict;
};

TEST(Judge, TellsWhatAnAnswerIs) {
  const ObjectFacts known{.length = 100, .etag = "\"a\"", .has_ranges = true, .tells_end = true};
  const Asked first{0, 10, true};
  const Asked next{10, 20, true};
  const auto part = [](const char* range, const char* etag) {
    return answer(206, {{"ETag", etag}, {"Content-Range", range}});
  };
  const std::vector<Judged> cases{
      {"the first part", first, true, part("bytes 0-9/100", "\"a\""), Verdict::take},
      {"weak", first, true, part("bytes 0-9/100", "W/\"a\""), Verdict::ask_for_all},
      {"weak, and all", first, true, part("bytes 0-9/10", "W/\"a\""), Verdict::take},
      {"no total", first, true, part("bytes 0-9/*", "\"a\""), Verdict::ask_for_all},
      {"another place", first, true, part("bytes 1-9/100", "\"a\""), Verdict::ask_for_all},
      {"too much", first, true, part("bytes 0-10/100", "\"a\""), Verdict::ask_for_all},
      {"a byte of nothing", first, true, part("bytes 0-0/0", "\"a\""), Verdict::ask_for_all},
      {"no ranges", first, true, answer(200), Verdict::take},
      {"an empty object", first, true, answer(416), Verdict::ask_for_all},
      {"missing", first, true, answer(404), Verdict::refused},
      {"forbidden", first, true, answer(403), Verdict::refused},
      {"busy", first, true, answer(503), Verdict::again},
      {"too often", first, true, answer(429), Verdict::again},
      {"nothing", first, true, answer(204), Verdict::refused},
      {"coded", first, true, answer(200, {{"Transfer-Encoding", "gzip"}}), Verdict::unreadable},
      {"coded again", next, false, answer(206, {{"Transfer-Encoding", "x"}}), Verdict::unreadable},
      {"elsewhere", first, true, answer(302, {{"Location", "/b"}}), Verdict::elsewhere},
      {"nowhere", first, true, answer(302), Verdict::refused},
      {"a part of all", {0, 10, false}, true, part("bytes 0-9/100", "\"a\""), Verdict::refused},
      {"the next part", next, false, part("bytes 10-19/100", "\"a\""), Verdict::take},
      {"less of it", next, false, part("bytes 10-12/100", "\"a\""), Verdict::take},
      {"another ETag", next, false, part("bytes 10-19/100", "\"b\""), Verdict::changed},
      {"the same, weak", next, false, part("bytes 10-19/100", "W/\"a\""), Verdict::changed},
      {"another length", next, false, part("bytes 10-19/101", "\"a\""), Verdict::changed},
      {"another part", next, false, part("bytes 11-19/100", "\"a\""), Verdict::changed},
      {"more than asked", next, false, part("bytes 10-20/100", "\"a\""), Verdict::changed},
      {"all for a part", next, false, answer(200, {{"ETag", "\"a\""}}), Verdict::changed},
      {"another version", next, false, answer(412), Verdict::changed},
      {"shorter", next, false, answer(416), Verdict::changed},
      {"gone", next, false, answer(404), Verdict::changed},
      {"forbidden by now", next, false, answer(403), Verdict::refused},
      {"busy by now", next, false, answer(500), Verdict::again},
      {"all again",
       {10, 0, false},
       false,
       answer(200, {{"ETag", "\"a\""}, {"Content-Length", "100"}}),
       Verdict::take},
      {"all of another length",
       {10, 0, false},
       false,
       answer(200, {{"ETag", "\"a\""}, {"Content-Length", "99"}}),
       Verdict::changed},
      {"all of another version",
       {10, 0, false},
       false,
       answer(200, {{"ETag", "\"b\""}, {"Content-Length", "100"}}),
       Verdict::changed},
  };
  for (const Judged& each : cases) {
    const Judgement judged = judge(each.asked, each.is_first ? nullptr : &known, each.answer, "");
    EXPECT_EQ(each.verdict, judged.verdict) << each.what << judged.why;
  }
}

class Reading : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("no_proxy", "*", 1);
    for (int i = 0; i < 40'000; ++i) object_.body += std::to_string(i * 7919 % 100'003) + "\n";
    options_.part_bytes = 64 * limits::KiB;
    options_.retry_for = 1min;
    options_.stall_max = 1min;
  }

  std::unique_ptr<ObjectReader> open(const std::string& path = "/a") {
    return std::make_unique<ObjectReader>(address_of(server_.url() + path), options_);
  }
  static std::string rest_of(ObjectReader& reader) {
    std::string text;
    std::string buffer(10'000, '\0');
    while (const std::size_t got = reader.read_some(buffer.data(), buffer.size()))
      text.append(buffer, 0, got);
    return text;
  }

  WebObject object_;
  FetchOptions options_;
  WebServer server_{[this](const WebServer::Asked& asked) { return object_.answer(asked); }};
};

TEST_F(Reading, GivesAllBytesInTheirOrder) {
  for (const std::size_t jobs : {1, 2, 7}) {
    options_.jobs = jobs;
    const auto reader = open();
    EXPECT_EQ(object_.body, rest_of(*reader));
    const std::size_t parts = (object_.body.size() + options_.part_bytes - 1) / options_.part_bytes;
    EXPECT_EQ(std::min(jobs, parts) * options_.part_bytes, reader->memory_bytes());
  }
}

TEST_F(Reading, GoesBackAndForth) {
  const auto reader = open();
  std::string text(1000, '\0');
  ASSERT_EQ(1000, reader->read_some(text.data(), text.size()));
  ASSERT_TRUE(reader->seek(0));
  EXPECT_EQ(object_.body, rest_of(*reader));
  ASSERT_TRUE(reader->seek(100'001));
  EXPECT_EQ(object_.body.substr(100'001), rest_of(*reader));
  ASSERT_TRUE(reader->seek(object_.body.size()));
  EXPECT_EQ("", rest_of(*reader));
  EXPECT_FALSE(reader->seek(object_.body.size() + 1));
  ASSERT_TRUE(reader->seek(3));
  EXPECT_EQ(object_.body.substr(3), rest_of(*reader));
}

TEST_F(Reading, WithoutRangesGoesBackByReadingAgain) {
  object_.has_ranges = false;
  const auto reader = open();
  EXPECT_EQ(object_.body, rest_of(*reader));
  ASSERT_TRUE(reader->seek(100'001));
  EXPECT_EQ(object_.body.substr(100'001), rest_of(*reader));
}

TEST_F(Reading, WhatStandsStillIsAskedForFromThere) {
  options_.stall_max = 500ms;
  std::atomic<int> stalls = 0;
  server_.answer_by([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object_.answer(asked);
    if (asked.range && asked.range->first == 2 * options_.part_bytes && stalls++ == 0) {
      answer.cut_at = 1000;
      answer.stands_still = true;
    }
    return answer;
  });
  const auto reader = open();
  EXPECT_EQ(object_.body, rest_of(*reader));
  bool goes_on = false;
  for (const auto& asked : server_.asked())
    goes_on |= asked.range && asked.range->first == 2 * options_.part_bytes + 1000;
  EXPECT_TRUE(goes_on);
}

TEST_F(Reading, AReaderThatIsBusyIsNoStall) {
  options_.retry_for = 0ms;  // a second attempt would fail
  options_.stall_max = 5s;
  object_.has_ranges = false;
  while (object_.body.size() < 16 * limits::MiB) object_.body += object_.body;
  const auto reader = open();
  std::string text(1000, '\0');
  ASSERT_LT(0, reader->read_some(text.data(), text.size()));
  std::this_thread::sleep_for(6s);
  ASSERT_TRUE(reader->seek(0));
  EXPECT_TRUE(object_.body == rest_of(*reader));
  EXPECT_EQ(1, server_.asked().size());
}

TEST_F(Reading, StopEndsAWait) {
  options_.stall_max = 1h;
  server_.answer_by([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object_.answer(asked);
    answer.delay = 1h;
    return answer;
  });
  const auto reader = open();
  std::thread stops([&] {
    std::this_thread::sleep_for(200ms);
    reader->stop();
  });
  const auto began = std::chrono::steady_clock::now();
  char byte = 0;
  EXPECT_EQ(0, reader->read_some(&byte, 1));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 20s);
  stops.join();
}

TEST_F(Reading, AnEmptyObjectIsEmpty) {
  object_.body.clear();
  EXPECT_EQ("", rest_of(*open()));
  object_.etag.clear();
  EXPECT_EQ("", rest_of(*open()));
}

TEST_F(Reading, HeadersEndSomewhere) {
  using End = WebServer::Answer::End;
  for (const End end : {End::by_length, End::in_chunks_without_end}) {
    server_.answer_by([&](const WebServer::Asked&) {
      return WebServer::Answer{.headers = {{"ETag", "\"a\""}},
                               .body = object_.body,
                               .end = end,
                               .has_endless_headers = true};
    });
    const auto reader = open();
    try {
      rest_of(*reader);
      ADD_FAILURE() << "is read";
    } catch (const Failure& failure) {
      EXPECT_THAT(failure.what(), HasSubstr("of headers"));
    }
    EXPECT_EQ(1, server_.asked().size()) << "is not asked for again";
  }
}

TEST_F(Reading, RedirectsEndSomewhere) {
  server_.answer_by([&](const WebServer::Asked& asked) {
    if (asked.path == "/a") return object_.answer(asked);
    WebServer::Answer answer{.status = 302};
    const int left = std::stoi(asked.path.substr(1));
    const std::string to = left > 1 ? "/" + std::to_string(left - 1) : "/a";
    answer.headers.emplace_back("Location", to);
    return answer;
  });
  EXPECT_EQ(object_.body, rest_of(*open("/10")));
  // Where they lead is asked at once for the parts behind the first.
  std::size_t redirected = 0;
  for (const auto& asked : server_.asked()) redirected += asked.path != "/a";
  EXPECT_EQ(10, redirected);
  EXPECT_THROW(rest_of(*open("/11")), Failure);
}

TEST_F(Reading, APlaceForAWhileIsLookedUpAgain) {
  std::atomic<int> place = 0;
  server_.answer_by([&](const WebServer::Asked& asked) {
    if (asked.path == "/a") {
      WebServer::Answer answer{.status = 307};
      answer.headers.emplace_back("Location", "/place" + std::to_string(++place));
      return answer;
    }
    const bool is_over = asked.range && asked.range->first >= 2 * options_.part_bytes;
    if (asked.path == "/place1" && is_over) return WebServer::Answer{.status = 403};
    return object_.answer(asked);
  });
  EXPECT_EQ(object_.body, rest_of(*open()));
  EXPECT_LE(2, place);
}

TEST_F(Reading, ASmallRequestHasItsAnswer) {
  server_.answer_by([&](const WebServer::Asked& asked) {
    WebServer::Answer answer{.status = asked.method == "PUT" ? 201 : 404};
    answer.headers.emplace_back("X-Was", asked.header("x-is"));
    answer.body = "said";
    return answer;
  });
  Client client(Connecting{.ca_file = {}, .connect_timeout = 5s});
  const Send send = client.sender();
  const Response put = send({.method = "PUT",
                             .url = server_.url() + "/x",
                             .headers = {{"X-Is", "here"}},
                             .body = "text"});
  EXPECT_EQ(201, put.status);
  EXPECT_EQ("here", put.header("x-was"));
  EXPECT_EQ("said", put.body);
  EXPECT_EQ(404,
            send({.method = "GET", .url = server_.url() + "/y", .headers = {}, .body = {}}).status);
  EXPECT_THROW(send({.method = "GET", .url = "http://127.0.0.1:1/", .headers = {}, .body = {}}),
               Failure);
  client.stop();
  EXPECT_THROW(send({.method = "GET", .url = server_.url() + "/y", .headers = {}, .body = {}}),
               Failure);
}

TEST_F(Reading, ASignedRequestIsSentAsItIsAndFollowsNothing) {
  server_.answer_by([&](const WebServer::Asked& asked) {
    WebServer::Answer answer{.status = 307};
    answer.headers.emplace_back("Location", "/elsewhere");
    answer.body = asked.path;
    return answer;
  });
  Client client(Connecting{.ca_file = {}, .connect_timeout = 5s, .is_signed = true});
  const Response answer = client.send({.url = server_.url() + "/a/../b?x=%2a", .body = {}});
  EXPECT_EQ(307, answer.status);
  EXPECT_EQ("/a/../b?x=%2a", answer.body);
  EXPECT_EQ(1, server_.asked().size());
}

TEST_F(Reading, NoProxyIsBetweenWhatIsNear) {
  const Request request{.url = server_.url() + "/a", .body = {}};
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::unsetenv("no_proxy");
  Client far(Connecting{.ca_file = {}, .connect_timeout = 5s});
  EXPECT_THROW(far.send(request), Failure);
  Client near(Connecting{.ca_file = {}, .connect_timeout = 5s, .is_near = true});
  EXPECT_EQ(200, near.send(request).status);
  ::unsetenv("http_proxy");
  ::setenv("no_proxy", "*", 1);
}

TEST_F(Reading, AClientWaitsNoLongerThanItIsTold) {
  server_.answer_by([&](const WebServer::Asked&) { return WebServer::Answer{.delay = 1h}; });
  Client client(Connecting{.ca_file = {}, .connect_timeout = 5s}, 200ms);
  EXPECT_THROW(client.send({.url = server_.url() + "/a", .body = {}}), Failure);
}

}  // namespace
}  // namespace sluice::http

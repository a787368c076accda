#include "remote/fetch.hpp"
#include "remote/s3_fetch.hpp"

/// What a server may say beside an object, or instead of it.
namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Answer = WebServer::Answer;
using Asked = WebServer::Asked;
using End = Answer::End;

std::string half_of(const std::string& text) {
  return text.substr(0, text.find('\n', text.size() / 2) + 1);
}

/// A body that is cut where a line ends is no whole one, whatever the coding is called.
TEST_F(Fetch, ACodingIsNoEnd) {
  const std::string all = rows(1);
  const std::string length = std::to_string(all.size());
  struct Case {
    WebServer::Answer answer;
    const char* words;
  };
  const auto cut = [&all](std::vector<std::pair<std::string, std::string>> headers) {
    return Answer{.headers = std::move(headers), .body = half_of(all), .end = End::by_closing};
  };
  const char* const coding = "Transfer-Encoding";
  const std::vector<Case> cases{
      {cut({{coding, "identity"}}), "neither how long it is nor where it ends"},
      {cut({{coding, "identity"}, {"Content-Length", length}}), "before its end"},
      {cut({{coding, "identity"}, {"Content-Length", length}, {"ETag", "\"a\""}}),
       "before its end"},
      {cut({{coding, "x-foo"}}), "in a coding that is not read (x-foo)"},
      {Answer{.headers = {{"Content-Encoding", "br"}}, .body = all},
       "packed in a way that is not read (br)"},
      {cut({{coding, "x-foo"}, {"Content-Length", length}}),
       "in a coding that is not read (x-foo)"},
      {cut({{coding, "\x1b[31mEVIL\x07"}}), "not read (\\x1b[31mEVIL\\x07)"},
      {cut({{coding, "identity"}, {"Content-Length", "0"}}), "more than it has said"},
      {Answer{.headers = {{"Content-Length", length}}, .body = half_of(all), .end = End::in_chunks},
       "before its end"},
      {Answer{.headers = {{"Content-Length", "0"}}, .body = all, .end = End::in_chunks},
       "more than it has said"},
  };
  for (const Case& each : cases) {
    SCOPED_TRACE(each.words);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    WebServer server([&](const Asked&) { return each.answer; });
    const Finished finished = load(server, "/a.csv", {"--retry-for", "1s"});
    EXPECT_NE(0, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr(each.words));
    EXPECT_GT(20'000, count());
  }
}

/// Each thing that was sent, as a server may say it again: in its reason, and as a code.
TEST_F(Fetch, WhatIsSaidAgainIsNotShown) {
  const std::vector<std::string> headers{"x-key", "authorization"};
  for (const int status : {403, 503}) {
    for (const std::string& name : headers) {
      SCOPED_TRACE(name + std::to_string(status));
      WebServer server([&](const Asked& asked) {
        const std::string said = asked.header(name);
        return Answer{.status = status,
                      .body = "<Error><Code>" + said + "</Code></Error>",
                      .reason = "sorry, " + said};
      });
      const Finished finished = load(server, "/a.csv", {"--retry-for", "0s"});
      EXPECT_NE(0, finished.exit_code);
      EXPECT_THAT(finished.err, AllOf(HasSubstr("sorry, ***"), Not(HasSubstr("dXNlcjpo"))));
    }
  }
  WebServer server([&](const Asked& asked) {
    const std::string path = asked.path;
    return Answer{.status = 503, .reason = "what is " + path.substr(path.find('='))};
  });
  EXPECT_THAT(load(server, "/a.csv", {"--retry-for", "0s"}).err, HasSubstr("what is =***"));
}

TEST_F(Fetch, ACodeIsAWord) {
  WebServer server([](const Asked&) {
    return Answer{.status = 403, .body = "<Code>" + std::string(65, 'A') + "</Code>"};
  });
  EXPECT_THAT(load(server, "/a.csv").err, Not(HasSubstr("AAAA")));
}

TEST_F(S3Fetch, WhatIsSaidAgainIsNotShown) {
  for (const int status : {403, 503}) {
    for (const char* name : {"authorization", "x-amz-security-token"}) {
      SCOPED_TRACE(name + std::to_string(status));
      std::string sent;
      WebServer server([&](const Asked& asked) {
        const std::string said = asked.header(name);
        sent = said;
        return Answer{
            .status = status,
            .body = "<Error><Code>" + said + "</Code><Message>" + said + "</Message></Error>",
            .reason = said};
      });
      for (const char* path : {"s3://bucket/a.csv", "s3://bucket/*.csv"}) {
        const Finished finished =
            load_s3(server, path, {"--retry-for", "2s"}, with({"AWS_SESSION_TOKEN=hIddEn/t+a=="}));
        EXPECT_NE(0, finished.exit_code);
        EXPECT_THAT(finished.err, HasSubstr(std::to_string(status)));
        ASSERT_LT(8, sent.size());
        EXPECT_THAT(finished.err, Not(HasSubstr(sent.substr(sent.size() - 8))));
      }
    }
  }
}

TEST_F(Fetch, APageToLogInIsNamed) {
  WebObject object{.body = rows(1)};
  WebServer server([&](const Asked& asked) {
    Answer answer = object.answer(asked);
    answer.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
    return answer;
  });
  const Finished page = load(server, "/a.csv");
  EXPECT_EQ(0, page.exit_code) << page.err;
  const std::string words = "the server calls it text/html";
  ASSERT_THAT(page.err, HasSubstr(words));
  EXPECT_EQ(page.err.find(words), page.err.rfind(words)) << "once";
  db().run("truncate t; drop schema pgsluice cascade");
  EXPECT_THAT(load(server, "/a.HTML").err, Not(HasSubstr(words)));
}

TEST_F(Fetch, ARefusalNamesTheWayIn) {
  int status = 401;
  WebServer server([&](const Asked&) { return Answer{.status = status}; });
  for (status = 401; status <= 403; status += 2)
    EXPECT_THAT(load(server, "/a.csv").err, AllOf(HasSubstr("--http-header"), HasSubstr("netrc")));
  status = 404;
  EXPECT_THAT(load(server, "/in/*.csv").err, HasSubstr("Patterns are for s3://"));
  EXPECT_THAT(load(server, "/in/a.csv").err, Not(HasSubstr("Patterns")));
}

TEST_F(S3Fetch, AKeyIsShownInOneLine) {
  S3Store store{.objects = {{"a\nb.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  const Finished finished = load_s3(server, "s3://bucket/a\nb.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, AllOf(HasSubstr("b.csv -> public.t"), Not(HasSubstr("a\nb"))));
}

}  // namespace
}  // namespace sluice::test

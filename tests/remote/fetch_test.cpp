#include <atomic>
#include <csignal>
#include <thread>

#include "base/limits.hpp"
#include "remote/fetch.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using End = WebServer::Answer::End;

WebServer::Handler of(const WebObject& object) {
  return [&object](const WebServer::Asked& asked) { return object.answer(asked); };
}

TEST_F(Fetch, IsLoadedOnceAndKnownByItsETag) {
  const WebObject object{.body = rows(1)};
  WebServer server(of(object));
  const Finished first = load(server, "/in/a.csv");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.out, HasSubstr("stored 20,000 rows"));
  EXPECT_THAT(first.err, HasSubstr("note: " + server.url() + " is asked without TLS"));
  expect_all(1);
  EXPECT_EQ(server.url() + "/in/a.csv?v=1",
            db().value("select source_path from pgsluice.loads where state = 'finished'"));
  server.answer_by(of(object));
  const Finished again = load(server, "/in/a.csv");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.out, HasSubstr("already"));
  expect_all(1);
  EXPECT_GT(object.body.size() / (64 * 1024) / 2, server.asked().size())
      << "only its beginning is looked at";
}

TEST_F(Fetch, ANewVersionIsNoneOfTheOld) {
  WebObject object{.body = rows(1)};
  WebServer server(of(object));
  EXPECT_EQ(0, load(server, "/a.csv").exit_code);
  object = {.body = rows(1) + "20001,1,more\n", .etag = "\"v2\""};
  const Finished refused = load(server, "/a.csv");
  EXPECT_NE(0, refused.exit_code);
  EXPECT_EQ(20'000, count());
  const Finished grown = load(server, "/a.csv", {"--grown", "append"});
  EXPECT_EQ(0, grown.exit_code) << grown.err;
  EXPECT_EQ(20'001, count());
}

TEST_F(Fetch, WithoutAStrongETagItComesInOneAnswer) {
  for (const char* etag : {"", "W/\"v1\""}) {
    SCOPED_TRACE(etag);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const WebObject object{.body = rows(1), .etag = etag};
    WebServer server(of(object));
    const Finished finished = load(server, "/a.csv");
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("one answer, as the server has no strong ETag"));
    expect_all(1);
    EXPECT_EQ(2, server.asked().size());
    const Finished again = load(server, "/a.csv");
    EXPECT_EQ(0, again.exit_code) << again.err;
    expect_all(1);
  }
}

TEST_F(Fetch, WithoutRangesItComesInOneAnswer) {
  const WebObject object{.body = rows(1), .has_ranges = false};
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object.answer(asked);
    if (times++ == 0) answer.cut_at = answer.body.size() / 2;
    return answer;
  });
  const Finished finished = load(server, "/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("one answer, as the server has no ranges"));
  expect_all(1);
  EXPECT_EQ("\"v1\"", server.asked().back().header("if-match"));
}

TEST_F(Fetch, AnEndThatNobodyTellsIsNoEnd) {
  WebObject object{.body = rows(1), .etag = "", .has_ranges = false};
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object.answer(asked);
    answer.end = End::by_closing;
    return answer;
  });
  const Finished plain = load(server, "/a.csv");
  EXPECT_EQ(1, plain.exit_code) << plain.err;
  EXPECT_THAT(plain.err, HasSubstr("neither how long it is nor where it ends"));
  EXPECT_GT(20'000, count());
  db().run("truncate t; drop schema pgsluice cascade");
  object.body = piped("gzip -1", object.body);
  object.body.resize(object.body.size() - 20);
  const Finished cut = load(server, "/a.csv.gz");
  EXPECT_EQ(1, cut.exit_code) << cut.err;
  EXPECT_GT(20'000, count());
}

/// What is packed may go on behind an end of its own: several members are one text.
TEST_F(Fetch, ThePackedEndsAsNobodyTells) {
  const std::string text = rows(1);
  const std::string half = text.substr(0, text.find('\n', text.size() / 2) + 1);
  for (const char* packer : {"gzip -1", "bzip2 -1", "xz -0", "zstd -q -1", "lz4 -q -1"}) {
    SCOPED_TRACE(packer);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const std::string first = piped(packer, half);
    const std::string body = first + piped(packer, text.substr(half.size()));
    bool is_told = false;
    std::size_t sent = first.size();
    WebServer server([&](const WebServer::Asked&) {
      return WebServer::Answer{.body = body.substr(0, sent),
                               .end = is_told ? End::in_chunks : End::by_closing};
    });
    const Finished cut = load(server, "/a.csv");
    EXPECT_EQ(1, cut.exit_code) << cut.err;
    EXPECT_THAT(cut.err, HasSubstr("neither how long it is nor where it ends"));
    EXPECT_GT(20'000, count());
    is_told = true;
    sent = body.size();
    const Finished whole = load(server, "/a.csv");
    EXPECT_EQ(0, whole.exit_code) << whole.err;
    expect_all(1);
  }
}

TEST_F(Fetch, ATarHasAnEndOfItsOwn) {
  const TemporaryFolder folder;
  folder.write("a.csv", rows(1));
  output_of("cd " + folder.path() + " && tar -cf a.tar a.csv");
  std::string body = read_file(folder / "a.tar");
  WebServer server([&](const WebServer::Asked&) {
    return WebServer::Answer{.body = body, .end = End::by_closing};
  });
  const Finished whole = load(server, "/a.tar");
  EXPECT_EQ(0, whole.exit_code) << whole.err;
  expect_all(1);
  db().run("truncate t; drop schema pgsluice cascade");
  body.resize(body.find_last_not_of('\0') / 512 * 512 + 512);
  const Finished cut = load(server, "/a.tar");
  EXPECT_EQ(1, cut.exit_code) << cut.err;
}

TEST_F(Fetch, WhatIsCutWithoutAnETagIsLoadedByTheNextRun) {
  const WebObject object{.body = rows(1), .etag = ""};
  const auto cut = [&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object.answer(asked);
    answer.end = End::in_chunks;
    if (answer.status == 206) return answer;
    answer.cut_at = answer.body.size() / 2;
    answer.then = until_chunks_are_stored(1);
    return answer;
  };
  WebServer server(cut);
  const Finished first = load(server, "/a.csv", {"--retry-for", "2s"});
  EXPECT_EQ(1, first.exit_code) << first.err;
  EXPECT_THAT(first.err, HasSubstr("before its end"));
  EXPECT_GT(20'000, count());
  EXPECT_LT(0, count());
  server.answer_by(of(object));
  const Finished next = load(server, "/a.csv");
  EXPECT_EQ(0, next.exit_code) << next.err;
  expect_all(1);
}

TEST_F(Fetch, ASlowServerIsWaitedFor) {
  const WebObject object{.body = rows(1)};
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object.answer(asked);
    if (times++ == 3) answer.slow_bytes = 3;
    return answer;
  });
  const Finished finished = load(server, "/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
}

/// The load waits for its table, and asks for nothing meanwhile.
TEST_F(Fetch, AConnectionThatWasClosedMeanwhileIsMadeAnew) {
  constexpr int many = 100'000;
  const WebObject object{.body = rows(1, many)};
  WebServer server(of(object));
  Session other(url());
  other.run("begin; lock table t in share mode");
  Process process(arguments(server.url() + "/a.csv", {"--fetch-jobs", "1"}), direct());
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 't'::regclass "
                 "and not granted)"));
  std::size_t asked = 0;
  while (asked != server.asked().size()) {
    asked = server.asked().size();
    std::this_thread::sleep_for(200ms);
  }
  const std::size_t connections = server.end_connections();
  other.run("commit");
  const Finished finished = process.wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(many, db().number("select count(distinct id) from t"));
  EXPECT_EQ(many, count());
  EXPECT_LT(asked, server.asked().size());
  EXPECT_EQ(connections + 1, server.end_connections()) << "it was kept, and one came for it";
}

TEST_F(Fetch, AnotherHostIsToldNoSecret) {
  const WebObject object{.body = rows(1)};
  WebServer other(of(object));
  WebServer server([&](const WebServer::Asked&) {
    WebServer::Answer answer{.status = 302};
    answer.headers.emplace_back("Location", other.url() + "/there.csv?sig=" + secret);
    return answer;
  });
  const Finished finished = load(server, "/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  ASSERT_FALSE(server.asked().empty());
  for (const auto& asked : server.asked()) {
    EXPECT_EQ(secret, asked.header("x-key"));
    EXPECT_THAT(asked.header("authorization"), HasSubstr("Basic "));
    EXPECT_EQ("identity", asked.header("accept-encoding"));
  }
  ASSERT_FALSE(other.asked().empty());
  for (const auto& asked : other.asked()) {
    EXPECT_EQ("", asked.header("x-key"));
    EXPECT_EQ("", asked.header("authorization"));
  }
}

/// It may have a login for whoever is not named in it.
TEST_F(Fetch, WhoIsRedirectedToIsToldNothingOfNetrc) {
  const WebObject object{.body = rows(1)};
  WebServer other(of(object));
  WebServer server([&](const WebServer::Asked&) {
    WebServer::Answer answer{.status = 302};
    answer.headers.emplace_back("Location", other.url() + "/there.csv");
    return answer;
  });
  const TemporaryFolder home;
  home.write(".netrc", std::string("default login user password ") + secret + "\n");
  Process::Options options = direct();
  options.environment.push_back("HOME=" + (home / ""));
  const Finished finished = pgsluice(arguments(server.url() + "/a.csv"), options);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  ASSERT_FALSE(server.asked().empty());
  EXPECT_THAT(server.asked().front().header("authorization"), HasSubstr("Basic "));
  ASSERT_FALSE(other.asked().empty());
  for (const auto& asked : other.asked()) EXPECT_EQ("", asked.header("authorization"));
}

TEST_F(Fetch, HeadersMayStandInAFile) {
  const WebObject object{.body = rows(1)};
  WebServer server(of(object));
  const TemporaryFolder folder;
  const std::string file = folder.write(
      "headers", std::string("# mine\nAuthorization: Bearer ") + secret + "\r\n\nX-A: b\n");
  const Finished finished = pgsluice(
      {"load", server.url() + "/a.csv", "-t", "t", "-d", url(), "--http-header", "@" + file},
      direct());
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(std::string("Bearer ") + secret, server.asked().front().header("authorization"));
  EXPECT_EQ("b", server.asked().front().header("x-a"));
  for (const char* wrong : {"hIddEn", ": hIddEn", "Range: hIddEn", "A b: hIddEn"}) {
    const Finished refused =
        pgsluice({"load", server.url() + "/a.csv", "-t", "t", "-d", url(), "--http-header", wrong},
                 direct());
    EXPECT_EQ(2, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("--http-header"), Not(HasSubstr(secret))));
  }
}

TEST_F(Fetch, WrongUsageShowsNoSecret) {
  const std::string url = std::string("https://u:") + secret + "@127.0.0.1:1/a?sig=" + secret;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{url},
        {"load", url},
        {"load", url, "-t"},
        {"lod", url, "-t", "t"},
        {"load", "a.csv", "-t", "t", "--http-header"},
        {"load", url, "-t", "t", "--after", "delete"},
        {"load", url, url + "x", "-t", "t"},
        {"load", std::string("https://u:") + secret + "@h:x/a", "-t", "t"},
        {"inspect", url + " "},
        {"migrate", "status", url}}) {
    std::vector<std::string> whole = arguments;
    if (arguments.size() > 3) whole.insert(whole.end(), {"-d", this->url()});
    const Finished finished = pgsluice(whole, direct());
    EXPECT_NE(0, finished.exit_code);
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret))) << arguments.front();
  }
  const Finished after =
      pgsluice({"load", url, "-t", "t", "-d", this->url(), "--after", "delete"}, direct());
  EXPECT_EQ(2, after.exit_code);
  EXPECT_THAT(after.err, HasSubstr("acts on files of this machine"));
}

/// What is written otherwise than it is shown is no secret.
TEST_F(Fetch, AServerAloneIsShownAsItIs) {
  WebServer server([](const WebServer::Asked&) { return WebServer::Answer{.status = 404}; });
  const Finished finished = pgsluice(arguments(server.url()), direct());
  EXPECT_EQ(2, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr(server.url() + "/: the server answers 404"));
}

TEST_F(Fetch, ListsNameURLs) {
  const WebObject object{.body = rows(1)};
  WebServer server(of(object));
  const TemporaryFolder folder;
  const std::string list = folder.write("list", url_with_secrets(server, "/a.csv") + "\n" +
                                                    url_with_secrets(server, "/a.csv") + "\n");
  const Finished finished =
      pgsluice({"load", "@" + list, "-t", "t", "-d", url(), "--output", "json"}, direct());
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret)));
  EXPECT_THAT(finished.out, HasSubstr(server.url() + "/a.csv?v=1"));
  expect_all(1);
}

TEST_F(Fetch, RejectsAreNamedAfterTheObject) {
  const WebObject object{.body = rows(1, 100) + "x,1,bad\n"};
  WebServer server(of(object));
  const TemporaryFolder folder;
  std::vector<std::string> arguments{"-C", folder.path(), PGSLUICE_BINARY};
  for (const std::string& each :
       this->arguments(url_with_secrets(server, "/in/a%2Fb.csv.gz"), {"--max-rejects", "5"}))
    arguments.push_back(each);
  const Finished finished =
      pgsluice(arguments, {.environment = {"no_proxy=*"}, .program = "/usr/bin/env"});
  EXPECT_EQ(3, finished.exit_code) << finished.err;
  EXPECT_THAT(read_file(folder / "ab.rejects.csv"), HasSubstr("x,1,bad"));
  EXPECT_THAT(read_file(folder / "ab.rejects.jsonl"), Not(HasSubstr(secret)));
}

TEST_F(Fetch, IsInspectedCheckedAndPlanned) {
  const WebObject object{.body = piped("gzip -1", rows(1))};
  WebServer server(of(object));
  const std::string url = url_with_secrets(server, "/in/trips.csv.gz");
  const Finished inspected = pgsluice({"inspect", url}, direct());
  EXPECT_EQ(0, inspected.exit_code) << inspected.err;
  EXPECT_THAT(inspected.out,
              AllOf(HasSubstr("trips"), HasSubstr("20,000"), Not(HasSubstr(secret))));
  const Finished checked = pgsluice({"check", url, "-t", "t", "-d", this->url()}, direct());
  EXPECT_EQ(0, checked.exit_code) << checked.err;
  EXPECT_EQ(0, count());
  const auto memory_of = [&](std::vector<std::string> more) {
    // Else their number follows how far away the server seems to be.
    more.insert(more.end(), {"--jobs", "2"});
    const Finished planned = load(server, "/in/trips.csv.gz", std::move(more));
    EXPECT_EQ(0, planned.exit_code) << planned.err;
    const std::string mark = "\"memory_bytes_max\":";
    const std::size_t at = planned.out.find(mark);
    return at == std::string::npos ? 0 : std::stoll(planned.out.substr(at + mark.size()));
  };
  const auto one = memory_of({"--dry-run", "--output", "json", "--fetch-jobs", "1"});
  const auto four = memory_of({"--dry-run", "--output", "json", "--fetch-jobs", "4"});
  EXPECT_EQ(3 * 64 * 1024, four - one);
  const Finished limited = load(server, "/in/trips.csv.gz", {"--limit", "10"});
  EXPECT_EQ(0, limited.exit_code) << limited.err;
  EXPECT_EQ(10, count());
}

TEST_F(Fetch, ArchivesAreReadAsFilesAre) {
  const TemporaryFolder folder;
  folder.write("a.csv", rows(1));
  output_of("cd " + folder.path() + " && zip -q a.zip a.csv && tar -cf a.tar a.csv");
  for (const char* name : {"a.zip", "a.tar"}) {
    SCOPED_TRACE(name);
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const WebObject object{.body = read_file(folder / name)};
    WebServer server(of(object));
    const Finished finished = load(server, std::string("/") + name);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    expect_all(1);
  }
}

TEST_F(Fetch, ATableIsMadeForIt) {
  db().run("drop table t");
  for (const bool has_ranges : {true, false}) {
    db().run("drop table if exists t; drop schema if exists pgsluice cascade");
    const WebObject object{
        .body = rows(1), .etag = has_ranges ? "\"a\"" : "", .has_ranges = has_ranges};
    WebServer server(of(object));
    const Finished finished = load(server, "/a.csv", {"--create"});
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    expect_all(1);
  }
}

TEST_F(Fetch, ASignalEndsAWait) {
  WebServer server([](const WebServer::Asked&) {
    WebServer::Answer answer;
    answer.delay = 1h;
    return answer;
  });
  Process process(arguments(server.url() + "/a.csv"), direct());
  while (server.asked().empty() && process.running()) std::this_thread::sleep_for(10ms);
  const auto sent = std::chrono::steady_clock::now();
  process.signal(SIGTERM);
  const Finished finished = process.wait();
  EXPECT_EQ(128 + SIGTERM, finished.exit_code) << finished.err;
  EXPECT_LT(std::chrono::steady_clock::now() - sent, 20s);
}

/// What has come of a short object is not stored as all of it.
TEST_F(Fetch, ASignalInTheMiddleOfAShortObjectStoresNothing) {
  const WebObject first{.body = rows(1, 10)};
  {
    WebServer server(of(first));
    ASSERT_EQ(0, load(server, "/first.csv").exit_code) << "it makes the ledger";
  }
  std::string body = "id,v,x\n";
  for (int i = 0; i < 25'000; ++i)
    body += std::to_string(10'000 + i) + ",2,a text of some length\n";
  ASSERT_LT(body.size(), limits::first_chunk_bytes);
  const std::size_t cut = body.find("27000,2") + 15;
  std::atomic<bool> is_sent = false;
  WebServer server([&](const WebServer::Asked&) {
    WebServer::Answer answer{.body = body, .cut_at = cut, .stands_still = true};
    answer.then = [&is_sent] { is_sent = true; };
    return answer;
  });
  Process process({"load", server.url() + "/a.csv", "-t", "t", "-d", url(), "--progress", "none"},
                  direct());
  while (!is_sent && process.running()) std::this_thread::sleep_for(10ms);
  std::this_thread::sleep_for(500ms);  // for it to read what has come: else there is less to see
  process.signal(SIGTERM);
  const Finished finished = process.wait();
  EXPECT_EQ(128 + SIGTERM, finished.exit_code) << finished.err;
  EXPECT_EQ(10, count());
}

class Killed : public Fetch, public ::testing::WithParamInterface<const char*> {};

TEST_P(Killed, ItGoesOn) {
  const WebObject object{.body = rows(1), .etag = GetParam()};
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = object.answer(asked);
    // Its middle does not come before it is killed.
    if (asked.range && asked.range->first >= 640 * 1024) answer.delay = 1h;
    if (!asked.range) {
      answer.cut_at = answer.body.size() * 2 / 3;
      answer.stands_still = true;
    }
    return answer;
  });
  {
    Process process(arguments(url_with_secrets(server, "/a.csv"), {"--fetch-jobs", "1"}), direct());
    wait_for_chunks(2);
    process.signal(SIGKILL);
    EXPECT_EQ(128 + SIGKILL, process.wait().exit_code);
  }
  ASSERT_TRUE(no_session_left());
  const std::int64_t before = count();
  EXPECT_LT(0, before);
  EXPECT_GT(20'000, before);
  server.answer_by(of(object));
  const Finished finished = load(server, "/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("resuming load"));
  expect_all(1);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutETag, Killed, ::testing::Values("\"v1\"", ""));

}  // namespace
}  // namespace sluice::test

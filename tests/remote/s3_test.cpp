#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <set>
#include <thread>

#include "remote/s3_fetch.hpp"
#include "support/patience.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(S3Fetch, IsLoadedOnceAndKnownByItsETag) {
  S3Store store{.objects = {{"in/a b.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  const Finished first = load_s3(server, "S3://bucket/in/a b.csv");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_THAT(first.out, HasSubstr("stored 20,000 rows"));
  EXPECT_THAT(first.err, HasSubstr("note: " + server.url() + " is asked without TLS"));
  expect_all(1);
  EXPECT_EQ("s3://bucket/in/a b.csv",
            db().value("select source_path from pgsluice.loads where state = 'finished'"));
  for (const auto& asked : server.asked()) {
    EXPECT_THAT(asked.header("authorization"), HasSubstr("AWS4-HMAC-SHA256"));
    EXPECT_EQ("", asked.header("x-key")) << "headers are for URLs";
    EXPECT_EQ(is_later_part(asked) ? "\"v1\"" : "", asked.header("if-match"));
  }
  server.answer_by(store.handler());
  const Finished again = load_s3(server, "s3://bucket/in/a b.csv");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.out, HasSubstr("already"));
  EXPECT_GT(store.objects.begin()->second.body.size() / (64 * 1024) / 2, server.asked().size())
      << "only its beginning is looked at";
}

TEST_F(S3Fetch, IsUnpackedInspectedAndChecked) {
  const S3Store store{.objects = {{"trips.csv.gz", {.body = piped("gzip -1", rows(1))}}}};
  WebServer server(store.handler());
  const std::string path = "s3://bucket/trips.csv.gz";
  const Finished inspected = pgsluice({"inspect", path, "--s3-endpoint", server.url()}, with());
  EXPECT_EQ(0, inspected.exit_code) << inspected.err;
  EXPECT_THAT(inspected.out, AllOf(HasSubstr("trips"), HasSubstr("20,000")));
  const Finished checked = pgsluice({"check", path, "-t", "t", "-d", url()},
                                    with({"AWS_ENDPOINT_URL_S3=" + server.url()}));
  EXPECT_EQ(0, checked.exit_code) << checked.err;
  EXPECT_EQ(0, count());
  const Finished loaded = load_s3(server, path);
  EXPECT_EQ(0, loaded.exit_code) << loaded.err;
  expect_all(1);
}

TEST_F(S3Fetch, WhatIsPublicNeedsNoKeys) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}, .is_public = true};
  WebServer server(store.handler());
  const Finished finished =
      load_s3(server, "s3://bucket/a.csv", {"--s3-anonymous", "--s3-requester-pays"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  for (const auto& asked : server.asked()) {
    EXPECT_EQ("", asked.header("authorization"));
    EXPECT_EQ("requester", asked.header("x-amz-request-payer"));
  }
}

TEST_F(S3Fetch, AVersionIsAskedFor) {
  const S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  const Finished finished = load_s3(server, "s3://bucket/a.csv?versionId=3/L+4", {"-v"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("keys for S3 are of the environment"));
  for (const auto& asked : server.asked())
    EXPECT_EQ("/bucket/a.csv?versionId=3%2FL%2B4", asked.path);
  EXPECT_EQ("s3://bucket/a.csv?versionId=3/L+4",
            db().value("select source_path from pgsluice.loads"));
}

TEST_F(S3Fetch, TheRegionIsWhatTheServerSays) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}, .region = "eu-west-1"};
  WebServer elsewhere([](const WebServer::Asked&) { return WebServer::Answer{}; });
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    if (times++ > 0) return store.answer(asked);
    WebServer::Answer answer = s3_error(301, "PermanentRedirect");
    answer.headers.emplace_back("x-amz-bucket-region", "eu-central-1");
    answer.headers.emplace_back("Location", elsewhere.url() + "/bucket/a.csv");
    return answer;
  });
  const Finished finished = load_s3(server, "s3://bucket/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  EXPECT_TRUE(elsewhere.asked().empty());
  EXPECT_THAT(server.asked()[1].header("authorization"), HasSubstr("/eu-central-1/s3/"));
  EXPECT_THAT(server.asked()[2].header("authorization"), HasSubstr("/eu-west-1/s3/"));
}

TEST_F(S3Fetch, KeysThatExpireAreRenewed) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}, .token = "hIddEn1"};
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    S3Store now = store;
    if (times++ > 3) now.token = "hIddEn2";
    return now.answer(asked);
  });
  const TemporaryFolder folder;
  const std::string program = folder.write(
      "keys", "#!/bin/sh\necho >> " + (folder / "asked") +
                  "\necho '{\"Version\": 1, \"AccessKeyId\": \"" + S3Store::key_id +
                  "\", \"SecretAccessKey\": \"" + S3Store::key_secret +
                  "\", \"SessionToken\": \"hIddEn'$(wc -l < " + (folder / "asked") + ")'\"}'\n");
  const std::string config =
      folder.write("config", "[profile dev]\ncredential_process = sh " + program + "\n");
  const Process::Options options{.environment = {"no_proxy=*", "AWS_CONFIG_FILE=" + config,
                                                 "AWS_SHARED_CREDENTIALS_FILE=/gone"}};
  const Finished finished =
      load_s3(server, "s3://bucket/a.csv", {"--s3-profile", "dev", "-v"}, options);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("profile dev"));
  expect_all(1);
  EXPECT_EQ("\n\n", read_file(folder / "asked"));
}

struct Refusal {
  const char* name;
  WebServer::Answer answer;
  /// Of the first part, and of a later one.
  int exit_codes[2];
  const char* words;
};

const Refusal refusals[] = {
    {"AccessDenied", s3_error(403, "AccessDenied"), {2, 2}, "AccessDenied: it is so (403)"},
    {"NoSuchKey", s3_error(404, "NoSuchKey"), {2, 7}, "404"},
    {"NoSuchBucket", s3_error(404, "NoSuchBucket"), {2, 7}, "404"},
    {"SkewedClock", s3_error(403, "RequestTimeTooSkewed"), {2, 2}, "set this machine's clock"},
    {"ExpiredToken", s3_error(400, "ExpiredToken"), {1, 1}, "Get new keys"},
    {"Archived", s3_error(403, "InvalidObjectState"), {2, 2}, "restore it"},
    {"ElsewhereUnsaid", s3_error(301, "PermanentRedirect"), {1, 1}, "--s3-region"},
    {"OtherKeys", s3_error(403, "InvalidAccessKeyId"), {2, 2}, "--s3-profile"},
    {"NoXml", {.status = 403, .body = "<html>hIddEn"}, {2, 2}, "access denied (403)"},
    {"SlowDown", s3_error(503, "SlowDown"), {1, 1}, "(SlowDown); it was tried again for 1.0 s"},
    {"RequestTimeout", s3_error(400, "RequestTimeout"), {1, 1}, "(RequestTimeout); it was tried"},
};

class S3Refused : public S3Fetch,
                  public ::testing::WithParamInterface<std::tuple<std::size_t, bool>> {};

/// It is said what is wrong and what to do; and once that is done, the same command ends it.
TEST_P(S3Refused, IsSaidAndMadeGood) {
  const auto [number, is_later] = GetParam();
  const Refusal& refusal = refusals[number];
  const S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  WebServer server([&, is_later = is_later](const WebServer::Asked& asked) {
    const bool is_met = asked.range && (asked.range->first >= 512 * 1024) == is_later;
    return is_met ? refusal.answer : store.answer(asked);
  });
  const Finished refused = load_s3(server, "s3://bucket/a.csv", {"--retry-for", "1s"});
  EXPECT_EQ(refusal.exit_codes[is_later ? 1 : 0], refused.exit_code) << refused.err;
  EXPECT_THAT(refused.err, AllOf(HasSubstr("s3://bucket/a.csv"), HasSubstr(refusal.words)));
  EXPECT_GT(20'000, count());
  EXPECT_EQ(is_later, count() > 0);
  server.answer_by(store.handler());
  const Finished again = load_s3(server, "s3://bucket/a.csv");
  EXPECT_EQ(0, again.exit_code) << again.err;
  expect_all(1);
}

std::string name_of_refusal(const ::testing::TestParamInfo<S3Refused::ParamType>& info) {
  return std::string(refusals[std::get<0>(info.param)].name) +
         (std::get<1>(info.param) ? "Later" : "AtFirst");
}

INSTANTIATE_TEST_SUITE_P(EachAnswer, S3Refused,
                         ::testing::Combine(::testing::Range<std::size_t>(0, std::size(refusals)),
                                            ::testing::Bool()),
                         name_of_refusal);

TEST_F(S3Fetch, WhatTheServerItselfFindsWrongIsSaid) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  const Finished other = load_s3(server, "s3://bucket/a.csv", {}, with({}, "hIddEnother"));
  EXPECT_EQ(2, other.exit_code);
  EXPECT_THAT(other.err, AllOf(HasSubstr("SignatureDoesNotMatch"), HasSubstr("--s3-profile")));
  EXPECT_EQ(2, load_s3(server, "s3://bucket/b.csv").exit_code);
  EXPECT_EQ(2, load_s3(server, "s3://other/a.csv").exit_code);
}

TEST_F(S3Fetch, AClockThatIsWrongIsMadeUpFor) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  store.clock_ahead = -2h;
  WebServer server(store.handler());
  for (const char* path : {"s3://bucket/a.csv", "s3://bucket/*.csv"}) {
    server.answer_by(store.handler());
    const Finished finished = load_s3(server, path);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    const std::string note = "bucket bucket: this machine's clock is ";
    const std::size_t at = finished.err.find(note);
    EXPECT_THAT(finished.err, HasSubstr("ahead of the server's: requests are signed by that"));
    EXPECT_EQ(std::string::npos, finished.err.find(note, at + 1)) << finished.err;
  }
  expect_all(1);
}

TEST_F(S3Fetch, WhatIsTriedAgainIsNotedOnce) {
  const S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    return times++ % 2 == 0 ? s3_error(503, "SlowDown") : store.answer(asked);
  });
  const Finished finished = load_s3(server, "s3://bucket/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  const std::string note = "s3://bucket/a.csv: the server answers 503";
  const std::size_t at = finished.err.find(note);
  ASSERT_NE(std::string::npos, at) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("(SlowDown); it is tried again (see --retry-for)"));
  EXPECT_EQ(std::string::npos, finished.err.find(note, at + 1)) << finished.err;
  EXPECT_EQ("", load_s3(server, "s3://bucket/a.csv", {"--quiet"}).err);
}

TEST_F(S3Fetch, ProgressHasATotal) {
  const S3Store store{.objects = {{"a.csv", {.body = "\xef\xbb\xbf" + rows(1)}},
                                  {"b.csv.gz", {.body = piped("gzip -1", rows(2))}}}};
  WebServer server(store.handler());
  const auto total = [&](const std::string& path, const char* key) {
    const Finished finished = pgsluice(
        {"load", path, "-t", "t", "-d", url(), "--progress", "json", "--s3-endpoint", server.url()},
        with());
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    const std::size_t at = finished.err.rfind(std::string("\"") + key + "\":");
    return at == std::string::npos
               ? 0
               : std::atoll(finished.err.c_str() + finished.err.find(':', at) + 1);
  };
  EXPECT_EQ(rows(1).size(), total("s3://bucket/a.csv", "bytes_total"));
  EXPECT_EQ(store.objects.at("b.csv.gz").body.size(),
            total("s3://bucket/b.csv.gz", "packed_bytes_total"));
}

TEST_F(S3Fetch, WhatInspectProposesFindsItThere) {
  const S3Store store{.objects = {{"trips.csv", {.body = rows(1)}}}};
  WebServer server(store.handler());
  const Finished inspected = pgsluice({"inspect", "s3://bucket/trips.csv", "--s3-endpoint",
                                       server.url(), "--s3-region", "us-east-1"},
                                      with());
  EXPECT_EQ(0, inspected.exit_code) << inspected.err;
  EXPECT_THAT(inspected.out, HasSubstr("pgsluice load s3://bucket/trips.csv -t trips"));
  EXPECT_THAT(inspected.out, AllOf(HasSubstr("--s3-endpoint " + server.url()),
                                   HasSubstr("--s3-region us-east-1")));
}

TEST_F(S3Fetch, ASignalEndsAListing) {
  const S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  const TemporaryFolder folder;
  const std::string list = folder.write("list", "s3://bucket/*.csv\n");
  for (const std::string& path : {std::string("s3://bucket/*.csv"), "@" + list}) {
    WebServer server([&](const WebServer::Asked& asked) {
      WebServer::Answer answer = store.answer(asked);
      answer.delay = 1h;
      return answer;
    });
    Process process(s3_arguments(server, path), with());
    while (server.asked().empty() && process.running()) std::this_thread::sleep_for(10ms);
    const auto began = std::chrono::steady_clock::now();
    process.signal(SIGINT);
    EXPECT_EQ(128 + SIGINT, process.wait().exit_code) << path;
    EXPECT_GT(30s, std::chrono::steady_clock::now() - began);
  }
}

TEST_F(S3Fetch, WithoutKeysItIsSaidWhoWasAsked) {
  WebServer server([](const WebServer::Asked&) { return WebServer::Answer{}; });
  const Process::Options nobody{
      .environment = {"no_proxy=*", "AWS_CONFIG_FILE=/gone", "AWS_SHARED_CREDENTIALS_FILE=/gone"}};
  for (const char* path : {"s3://bucket/a.csv", "s3://bucket/*.csv"}) {
    const Finished refused = load_s3(server, path, {}, nobody);
    EXPECT_EQ(2, refused.exit_code);
    EXPECT_THAT(refused.err,
                AllOf(HasSubstr("no keys for S3: asked were the environment, profile default"),
                      HasSubstr("--s3-anonymous")));
  }
  EXPECT_TRUE(server.asked().empty());
}

TEST_F(S3Fetch, WrongUsageShowsNoSecret) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"s3://AKIDhIddEn:hIddEn/1@bucket/a.csv", "-t", "t"},
        {"s3://AKIDhIddEn:hIddEn/1@bucket/a.csv", "-t"},
        {"s3://bucket", "-t", "t"},
        {"s3://bucket/a.csv", "-t", "t", "--after", "delete"},
        {"s3://bucket/a.csv", "-t", "t", "--s3-endpoint", "ftp://a"},
        {"s3://bucket/a.csv", "-t", "t", "--s3-region", "a b"},
        {"s3://bucket/a.csv", "-t", "t", "--s3-profile", "gone"}}) {
    std::vector<std::string> whole{"load", "-d", url()};
    whole.insert(whole.end(), arguments.begin(), arguments.end());
    const Finished finished = pgsluice(whole, with());
    EXPECT_EQ(2, finished.exit_code) << finished.err;
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret))) << arguments.back();
  }
}

TEST_F(S3Fetch, WhatIsLostOnTheWayIsAskedForAgain) {
  const S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  std::set<std::uint64_t> met;
  std::mutex mutex;
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = store.answer(asked);
    const std::lock_guard lock(mutex);
    const bool begins_a_part = asked.range && asked.range->first % (64 * 1024) == 0;
    if (!begins_a_part || !met.insert(asked.range->first).second) return answer;
    if (met.size() % 3 == 0) return s3_error(503, "SlowDown");
    answer.cut_at = answer.body.size() / 2;
    return answer;
  });
  const Finished finished = load_s3(server, "s3://bucket/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
}

TEST_F(S3Fetch, NoTwoVersionsAreMixed) {
  S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  S3Store next{.objects = {{"a.csv", {.body = rows(2), .etag = "\"v2\""}}}};
  WebServer server([&](const WebServer::Asked& asked) {
    const bool is_replaced = asked.range && asked.range->first >= 512 * 1024;
    return (is_replaced ? next : store).answer(asked);
  });
  const Finished finished = load_s3(server, "s3://bucket/a.csv");
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("s3://bucket/a.csv changed while it was read"));
  EXPECT_EQ(0, of_other_versions(1));
}

TEST_F(S3Fetch, GoesOnWhereItWasKilled) {
  const S3Store store{.objects = {{"a.csv", {.body = rows(1)}}}};
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = store.answer(asked);
    // Its middle does not come before it is killed.
    if (asked.range && asked.range->first >= 640 * 1024) answer.delay = 1h;
    return answer;
  });
  {
    Process process(s3_arguments(server, "s3://bucket/a.csv", {"--fetch-jobs", "1"}), with());
    wait_for_chunks(2);
    process.signal(SIGKILL);
    EXPECT_EQ(128 + SIGKILL, process.wait().exit_code);
  }
  ASSERT_TRUE(no_session_left());
  const std::int64_t before = count();
  EXPECT_LT(0, before);
  EXPECT_GT(20'000, before);
  server.answer_by(store.handler());
  const Finished finished = load_s3(server, "s3://bucket/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("resuming load"));
  expect_all(1);
}

/// Small ones, with a version each.
S3Store many() {
  S3Store store{.page_size = 2};
  int version = 0;
  for (const char* key : {"2026/01/a [1].csv", "2026/01/b.csv", "2026/02/c{1,2}.csv", "2026/02/",
                          "2026/02/d.tsv", "2026/d\nd.csv", "2027/e.csv", "2026/01/b.rejects.csv"})
    store.objects[key] = {.body = "id,v,x\n1," + std::to_string(++version) + ",a\n"};
  store.objects["2026/02/"].body.clear();
  return store;
}

TEST_F(S3Fetch, EachObjectOfAPatternIsLoadedByItself) {
  const S3Store store = many();
  WebServer server(store.handler());
  const Finished first = load_s3(server, "s3://bucket/2026/**/*.csv");
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ("1,2,3,6", db().value("select string_agg(v::text, ',' order by v) from t"));
  EXPECT_EQ(
      "s3://bucket/2026/01/a \\[1].csv s3://bucket/2026/01/b.csv "
      "s3://bucket/2026/02/c\\{1,2}.csv s3://bucket/2026/d\nd.csv",
      db().value("select string_agg(source_path, ' ' order by load_id) from pgsluice.loads"));
  EXPECT_LT(2, std::ranges::count_if(server.asked(), is_listing));
  const Finished again = load_s3(server, "s3://bucket/2026/**/*.csv");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(4, count());
  // What the ledger says is what one of them is called.
  const Finished one = load_s3(server, "s3://bucket/2026/01/a \\[1].csv");
  EXPECT_EQ(0, one.exit_code) << one.err;
  EXPECT_THAT(one.out, HasSubstr("already"));
  const Finished none = load_s3(server, "s3://bucket/2026/*.gz");
  EXPECT_EQ(2, none.exit_code);
  EXPECT_THAT(none.err, HasSubstr("s3://bucket/2026/*.gz: no object matches this pattern"));
}

TEST_F(S3Fetch, AListingIsTriedAgainAndRefused) {
  const S3Store store = many();
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    if (is_listing(asked) && times++ % 2 == 0) return s3_error(503, "SlowDown");
    return store.answer(asked);
  });
  const TemporaryFolder folder;
  const std::string list = folder.write("list", "s3://bucket/2027/*\ns3://bucket/2026/01/b*.csv\n");
  const Finished finished = load_s3(server, "@" + list);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("2,7", db().value("select string_agg(v::text, ',' order by v) from t"));
  server.answer_by([](const WebServer::Asked&) { return s3_error(403, "AccessDenied"); });
  const Finished refused = load_s3(server, "s3://bucket/2026/*");
  EXPECT_EQ(2, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("s3://bucket/2026/*: AccessDenied"));
}

/// There is no such region, and no such host.
TEST_F(S3Fetch, AHostThatIsUnknownIsNoServerOfAmazons) {
  for (const std::string path : {"s3://bucket/a.csv", "s3://bucket/*.csv"}) {
    const Finished finished =
        pgsluice(arguments(path, {"--s3-region", "no-region-0", "--s3-anonymous"}), with());
    EXPECT_EQ(1, finished.exit_code);
    EXPECT_THAT(finished.err, HasSubstr("pgsluice: " + path + ": Could not resolve host"));
    EXPECT_THAT(finished.err, HasSubstr("--s3-endpoint URL says where"));
  }
}

TEST_F(S3Fetch, AJobLoadsWhatIsNew) {
  S3Store store;
  store.objects["else.csv"] = {.body = "id,v,x\n0,1,a\n"};
  WebServer server(store.handler());
  const TemporaryFolder folder;
  const std::string config =
      folder.write("pgsluice.toml",
                   "[[job]]\nname = \"s3\"\ncron = \"@every 1s\"\nload = \"s3://bucket/in/*.csv\"\n"
                   "table = \"t\"\nflags = [\"--s3-endpoint\", \"" +
                       server.url() + "\"]\n");
  std::string said;
  const auto run_until = [&](const std::string& state) {
    std::string now;
    is_seen([&] {
      const Finished ran =
          pgsluice({"schedule", "run", "--once", "--config", config, "-d", url()}, with());
      EXPECT_EQ(0, ran.exit_code) << ran.err;
      EXPECT_THAT(ran.out + ran.err, Not(HasSubstr(secret)));
      said += ran.err;
      now = db().value(
          "select count(*) || ' ' || (select count(*) > 0 from pgsluice.job_runs) from t");
      return now == state || HasFailure();
    });
    return now;
  };
  EXPECT_EQ("0 true", run_until("0 true")) << "nothing matches, and there is nothing to do";
  EXPECT_THAT(said, HasSubstr("said: no new files"));
  store.objects["in/a.csv"] = {.body = "id,v,x\n1,1,a\n"};
  EXPECT_EQ("1 true", run_until("1 true"));
  store.objects["in/b.csv"] = {.body = "id,v,x\n2,1,a\n"};
  EXPECT_EQ("2 true", run_until("2 true"));
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.job_runs where state = 'failed'"));
}

}  // namespace
}  // namespace sluice::test

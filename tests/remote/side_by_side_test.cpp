#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>

#include "remote/s3_fetch.hpp"
#include "support/patience.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Small objects, which are fetched side by side and stored together.
class ManyFetch : public S3Fetch {
 protected:
  static std::string row(int id) { return "id,v,x\n" + std::to_string(id) + ",1,a\n"; }

  static S3Store numbered(int count) {
    S3Store store;
    for (int i = 0; i < count; ++i) {
      store.objects["in/" + std::to_string(1000 + i) + ".csv"] = {
          .body = row(i), .etag = "\"" + std::to_string(i) + "\""};
    }
    return store;
  }

  /// Answers as the store does when so many have asked at once, and from then on a moment later;
  /// counts how many wait for that at once.
  WebServer::Handler counted(const S3Store& store, int least) {
    return [this, &store, least](const WebServer::Asked& asked) {
      if (is_listing(asked)) return store.answer(asked);
      const int now = ++under_way_;
      for (int most = most_; now > most && !most_.compare_exchange_weak(most, now);) {
      }
      is_seen([this, least] { return most_ >= least; });
      std::this_thread::sleep_for(20ms);
      --under_way_;
      return store.answer(asked);
    };
  }

  static std::ptrdiff_t gets(const WebServer& server) {
    const auto asked = server.asked();
    return static_cast<std::ptrdiff_t>(asked.size()) - std::ranges::count_if(asked, is_listing);
  }

  Finished load_all(const WebServer& server, const std::vector<std::string>& more = {}) {
    return load_s3(server, "s3://bucket/in/*", more);
  }

  std::int64_t transactions() { return db().number("select count(distinct xmin::text) from t"); }

  std::atomic<int> under_way_ = 0;
  std::atomic<int> most_ = 0;
};

TEST_F(ManyFetch, AreFetchedAtOnceAndStoredTogether) {
  const S3Store store = numbered(100);
  WebServer server(counted(store, 5));
  const Finished finished = load_all(server);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(100, count());
  EXPECT_EQ(100, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
  EXPECT_EQ(100, gets(server)) << "one request each";
  EXPECT_LT(4, most_);
  EXPECT_GE(32, most_);
  EXPECT_GT(20, transactions());
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(ManyFetch, NoMoreAtOnceThanIsSaid) {
  const S3Store store = numbered(40);
  WebServer server(counted(store, 2));
  const Finished finished = load_all(server, {"--fetch-jobs", "2"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(40, count());
  EXPECT_EQ(2, most_);
}

TEST_F(ManyFetch, UrlsGoSoToo) {
  S3Store store = numbered(40);
  WebServer server([&](const WebServer::Asked& asked) {
    const std::string path = asked.path.substr(0, asked.path.find('?'));
    std::this_thread::sleep_for(5ms);
    return store.objects.at(path.substr(1)).answer(asked);
  });
  const TemporaryFolder folder;
  std::string list;
  for (const auto& [key, object] : store.objects)
    list += url_with_secrets(server, "/" + key) + "\n";
  const std::string path = folder.write("list", list);
  const auto load_list = [&] { return pgsluice(arguments("@" + path), direct()); };
  const Finished first = load_list();
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ(40, count());
  EXPECT_EQ(40u, server.asked().size());
  EXPECT_GT(10, transactions());
  const Finished again = load_list();
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(40, count());
  EXPECT_EQ(80u, server.asked().size());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What is larger than it looks, or is at first not to be had, has a turn of its own.
TEST_F(ManyFetch, OthersAmongThemGoByThemselves) {
  S3Store store = numbered(20);
  store.objects["in/1005a.csv"] = {.body = rows(1), .etag = "\"large\""};
  store.objects["in/1006a.csv.gz"] = {.body = piped("gzip", row(1006)), .etag = "\"gz\""};
  store.objects["in/1007a.csv.gz"] = {
      .body = piped("gzip", "id,v,x\n" + std::string(2'000'000, '\n')), .etag = "\"wide\""};
  store.objects["in/1008a.csv"] = {.body = "", .etag = "\"empty\""};
  std::atomic<int> times = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    const bool is_lost = asked.path == "/bucket/in/1009.csv" && times++ == 0;
    return is_lost ? s3_error(503, "SlowDown") : store.answer(asked);
  });
  const Finished finished = load_all(server, {"--blank-lines", "skip"});
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(20'000 + 20 + 1, count());
  EXPECT_EQ(24, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
  EXPECT_EQ("", ledger_disagreement("t"));
}

TEST_F(ManyFetch, OneThatFailsIsSaid) {
  const S3Store store = numbered(20);
  WebServer server([&](const WebServer::Asked& asked) {
    return asked.path == "/bucket/in/1009.csv" ? s3_error(403, "AccessDenied")
                                               : store.answer(asked);
  });
  const Finished finished = load_all(server, {"--keep-going"});
  EXPECT_EQ(2, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("s3://bucket/in/1009.csv: AccessDenied"));
  EXPECT_EQ(19, count());
  server.answer_by(store.handler());
  EXPECT_EQ(0, load_all(server).exit_code);
  EXPECT_EQ(20, count());
  EXPECT_EQ(1, gets(server));
}

/// Each is judged when what is in front of it is in the ledger, in its group and behind it.
TEST_F(ManyFetch, TheSameContentComesOnce) {
  S3Store store = numbered(80);
  store.objects["in/1002a.csv"] = {.body = row(1), .etag = "\"a\""};
  store.objects["in/1077a.csv"] = {.body = row(3) + "3,2,b\n", .etag = "\"b\""};
  WebServer server(store.handler());
  const Finished finished = load_all(server, {"--keep-going"});
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, AllOf(HasSubstr("1002a.csv"), HasSubstr("--same-content"),
                                  HasSubstr("1077a.csv"), HasSubstr("--grown")));
  EXPECT_EQ(80, count());
  EXPECT_EQ(80, db().number("select count(distinct id) from t"));
}

TEST_F(ManyFetch, AnInterruptionIsGoneOnFrom) {
  const S3Store store = numbered(200);
  std::atomic<bool> waits = true;
  WebServer server([&](const WebServer::Asked& asked) {
    WebServer::Answer answer = store.answer(asked);
    if (asked.path == "/bucket/in/1150.csv" && waits) answer.delay = 1h;
    return answer;
  });
  {
    Process process(s3_arguments(server, "s3://bucket/in/*"), with());
    wait_for_chunks(20);
    process.signal(SIGINT);
    EXPECT_EQ(128 + SIGINT, process.wait().exit_code);
  }
  ASSERT_TRUE(no_session_left());
  EXPECT_GT(200, count());
  waits = false;
  const Finished finished = load_all(server);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(200, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

}  // namespace
}  // namespace sluice::test

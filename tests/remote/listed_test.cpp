#include <algorithm>
#include <utility>

#include "remote/s3_fetch.hpp"
#include "support/patience.hpp"

namespace sluice::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Objects that a listing names with ETag and length: what the ledger knows by these is not asked
/// for.
class ListedFetch : public S3Fetch {
 protected:
  /// in/0000.csv with a row of id 0, and so on.
  static S3Store numbered(int count) {
    S3Store store;
    for (int i = 0; i < count; ++i) store.objects[key(i)] = object(i, 1);
    return store;
  }
  static std::string key(int number) {
    const std::string digits = std::to_string(number);
    return "in/" + std::string(4 - digits.size(), '0') + digits + ".csv";
  }
  /// What changes has another ETag, as its bytes do.
  static WebObject object(int id, int version) {
    const std::string values = std::to_string(id) + "," + std::to_string(version);
    return {.body = "id,v,x\n" + values + ",a\n", .etag = "\"" + values + "\""};
  }

  struct Requests {
    std::ptrdiff_t lists = 0;
    std::ptrdiff_t gets = 0;

    bool operator==(const Requests&) const = default;
  };
  static Requests requests(const WebServer& server) {
    const auto asked = server.asked();
    const std::ptrdiff_t lists = std::ranges::count_if(asked, is_listing);
    return {lists, static_cast<std::ptrdiff_t>(asked.size()) - lists};
  }

  Finished load_all(const WebServer& server, const std::vector<std::string>& more = {}) {
    return load_s3(server, "s3://bucket/in/*.csv", more);
  }
};

TEST_F(ListedFetch, WhatIsKnownIsNotAskedFor) {
  constexpr int count_of_all = 2500;
  S3Store store = numbered(count_of_all);
  WebServer server(store.handler());
  const Finished first = load_all(server);
  ASSERT_EQ(0, first.exit_code) << first.err.substr(0, 2000);
  ASSERT_EQ(count_of_all, count());
  server.answer_by(store.handler());
  const Finished again = load_all(server);
  EXPECT_EQ(0, again.exit_code) << again.err.substr(0, 2000);
  EXPECT_THAT(again.out, HasSubstr("2,500 files that are in already"));
  EXPECT_EQ((Requests{.lists = 3, .gets = 0}), requests(server));
  EXPECT_EQ(count_of_all, count());
}

TEST_F(ListedFetch, WhatIsNewIsLoaded) {
  S3Store store = numbered(5);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  store.objects[key(7)] = object(7, 1);
  server.answer_by(store.handler());
  const Finished again = load_all(server);
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(6, count());
  EXPECT_EQ((Requests{.lists = 1, .gets = 1}), requests(server));
  for (const auto& asked : server.asked())
    EXPECT_EQ(is_listing(asked) ? "" : "\"7,1\"", asked.header("if-match"));
}

TEST_F(ListedFetch, WhatHasChangedIsLoadedAgain) {
  S3Store store = numbered(5);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  store.objects[key(2)] = object(2, 2);
  const Finished again = load_all(server);
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ("1,2", db().value("select string_agg(v::text, ',' order by v) from t where id = 2"))
      << "as of a local file of other content under the same name";
  EXPECT_EQ(6, count());
}

/// Another upload of the same: it is read once more, and known from then on.
TEST_F(ListedFetch, WhatWasPutThereAgainIsComparedOnce) {
  S3Store store = numbered(5);
  store.objects[key(3)].body = rows(1);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  for (const int i : {2, 3}) store.objects[key(i)].etag = "\"again\"";
  const auto gets_of = [&](const std::vector<std::string>& more) {
    server.answer_by(store.handler());
    const Finished finished = load_all(server, more);
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    return requests(server).gets;
  };
  EXPECT_LE(2, gets_of({"--dry-run"}));
  EXPECT_LE(2, gets_of({})) << "a dry run keeps nothing";
  EXPECT_EQ(0, gets_of({}));
  EXPECT_EQ(20'004, count());
}

/// Under another name it is another object: nothing of the load that has brought it changes.
TEST_F(ListedFetch, WhatIsSkippedAsTheSameContentIsNotTakenForIt) {
  S3Store store = numbered(1);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  const char* const stamps = "select string_agg(source_stamp, ',') from pgsluice.loads";
  const std::string before = db().value(stamps);
  store.objects[key(7)] = store.objects[key(0)];
  store.objects[key(7)].etag = "\"copy\"";
  const Finished again = load_all(server, {"--same-content", "skip"});
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_EQ(before, db().value(stamps));
}

TEST_F(ListedFetch, WhatHasGrownIsRefusedAsALocalFileIs) {
  S3Store store = numbered(5);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  WebObject& grown = store.objects[key(2)];
  grown = {.body = grown.body + "22,1,a\n", .etag = "\"grown\""};
  const Finished again = load_all(server);
  EXPECT_EQ(7, again.exit_code) << again.err;
  EXPECT_THAT(again.err, AllOf(HasSubstr(key(2)), HasSubstr("--grown")));
  EXPECT_EQ(5, count());
}

TEST_F(ListedFetch, OtherOptionsAreNotTakenForTheSame) {
  S3Store store = numbered(3);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  const Finished other = load_all(server, {"--null", "a"});
  EXPECT_NE(0, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("--null"));
  // What means the same is found out by a look.
  server.answer_by(store.handler());
  EXPECT_EQ(0, load_all(server, {"--delimiter", ","}).exit_code);
  EXPECT_LT(0, requests(server).gets);
  EXPECT_EQ(3, count());
}

TEST_F(ListedFetch, RereadReadsAllTheSame) {
  S3Store store = numbered(3);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  // The server says that it is the same, and it is not.
  store.objects[key(1)].body = "id,v,x\n1,7,b\n";
  const Finished known = load_all(server);
  EXPECT_EQ(0, known.exit_code);
  EXPECT_EQ(3, count());
  server.answer_by(store.handler());
  const Finished reread = load_all(server, {"--reread"});
  EXPECT_EQ(0, reread.exit_code) << reread.err;
  EXPECT_EQ(4, count()) << "it is another content";
  EXPECT_LE(3, requests(server).gets);
}

TEST_F(ListedFetch, WhoseRowsAreGoneIsLoadedAgain) {
  S3Store store = numbered(3);
  WebServer server(store.handler());
  ASSERT_EQ(0, load_all(server).exit_code);
  db().run("truncate t");
  EXPECT_EQ(0, load_all(server).exit_code);
  EXPECT_EQ(3, count());
  EXPECT_EQ("", ledger_disagreement("t"));
}

/// What is there when it is read is as good as what was there when it was listed, and it is said.
TEST_F(ListedFetch, WhatChangesBehindTheListingIsReadAsItIsNow) {
  S3Store store = numbered(3);
  S3Store later = store;
  later.objects[key(1)] = object(1, 2);
  WebServer server([&](const WebServer::Asked& asked) {
    return (is_listing(asked) ? store : later).answer(asked);
  });
  const Finished finished = load_all(server);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err,
              HasSubstr("s3://bucket/in/0001.csv has changed since it was listed, and is read as "
                        "it is now"));
  EXPECT_EQ(2, db().number("select v from t where id = 1"));
  server.answer_by(later.handler());
  EXPECT_EQ(0, load_all(server).exit_code);
  EXPECT_EQ((Requests{.lists = 1, .gets = 0}), requests(server)) << "the ledger has what was read";
}

TEST_F(ListedFetch, AJobAsksForNothingThatItKnows) {
  S3Store store = numbered(3);
  WebServer server(store.handler());
  const TemporaryFolder folder;
  const std::string config =
      folder.write("pgsluice.toml",
                   "[[job]]\nname = \"s3\"\ncron = \"@every 1s\"\nload = "
                   "\"s3://bucket/in/*.csv\"\ntable = \"t\"\nflags = [\"--s3-endpoint\", \"" +
                       server.url() + "\"]\n");
  // Slots are due once a second; on a slow machine several of them at a time, of which one runs.
  std::int64_t ran_before = 0;
  const auto run_once_more = [&] {
    return is_seen([&] {
      const Finished ran =
          pgsluice({"schedule", "run", "--once", "--config", config, "-d", url()}, with());
      EXPECT_EQ(0, ran.exit_code) << ran.err;
      const std::int64_t now =
          db().number("select count(*) from pgsluice.job_runs where state = 'ran'");
      return std::exchange(ran_before, now) < now || HasFailure();
    });
  };
  ASSERT_TRUE(run_once_more());
  EXPECT_EQ(3, count());
  server.answer_by(store.handler());
  ASSERT_TRUE(run_once_more());
  EXPECT_LE(1, requests(server).lists);
  EXPECT_EQ(0, requests(server).gets);
}

}  // namespace
}  // namespace sluice::test

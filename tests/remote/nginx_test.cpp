#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "remote/fetch.hpp"
#include "support/nginx.hpp"
#include "support/server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// What the web server that most people have does with our requests.
class FromNginx : public Fetch {
 protected:
  Finished load_from(const std::string& path, const std::vector<std::string>& more = {}) {
    return load_url(nginx_.url() + path, more);
  }

  Finished load_url(const std::string& url, const std::vector<std::string>& more = {}) {
    const Finished finished = pgsluice(arguments(url, more), direct());
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr(secret)));
    return finished;
  }

  void begin_anew() { db().run("truncate t; drop schema if exists pgsluice cascade"); }

  Nginx nginx_;
};

TEST_F(FromNginx, PartsAreOfOneVersion) {
  const std::string text = rows(1);
  for (const bool is_packed : {false, true}) {
    begin_anew();
    const std::string name = is_packed ? "a.csv.gz" : "a.csv";
    const std::string bytes = is_packed ? piped("gzip -1", text) : text;
    nginx_.put(name, bytes);
    const std::size_t before = nginx_.asked().size();
    const Finished first = load_from("/in/" + name);
    EXPECT_EQ(0, first.exit_code) << first.err;
    expect_all(1);
    auto asked = nginx_.asked();
    asked.erase(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(before));
    std::set<std::string> ranges;
    std::set<std::string> etags;
    for (const auto& each : asked) {
      EXPECT_EQ("206", each.status);
      EXPECT_EQ("identity", each.accept_encoding);
      EXPECT_TRUE(ranges.insert(each.range).second) << each.range << " is asked for twice";
      etags.insert(each.if_match);
    }
    EXPECT_LE(bytes.size() / (64 * 1024), ranges.size());
    ASSERT_EQ(2, etags.size()) << "none at first, and then always the same";
    EXPECT_TRUE(etags.contains("-"));
    const Finished again = load_from("/in/" + name);
    EXPECT_EQ(0, again.exit_code) << again.err;
    EXPECT_THAT(again.out, HasSubstr("already"));
    expect_all(1);
  }
}

TEST_F(FromNginx, WithoutRangesItComesInOneAnswer) {
  nginx_.put("a.csv", rows(1));
  const Finished finished = load_from("/whole/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("one answer, as the server has no ranges"));
  expect_all(1);
  const Finished again = load_from("/whole/a.csv");
  EXPECT_EQ(0, again.exit_code) << again.err;
  EXPECT_THAT(again.out, HasSubstr("already"));
}

TEST_F(FromNginx, NothingIsPackedOnTheWay) {
  nginx_.put("a.csv", rows(1));
  output_of("curl --silent --fail --noproxy '*' --output /dev/null -H 'Accept-Encoding: gzip' " +
            nginx_.url() + "/packing/a.csv");
  ASSERT_NE("-", nginx_.asked().front().packed_by) << "it would be, for those who want it";
  const Finished finished = load_from("/packing/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  const auto asked = nginx_.asked();
  EXPECT_LT(10, asked.size());
  for (std::size_t i = 1; i < asked.size(); ++i) {
    EXPECT_EQ("-", asked[i].packed_by);
    EXPECT_EQ("206", asked[i].status);
  }
}

/// Files that are packed where they are may be said to be packed on the way.
TEST_F(FromNginx, BytesAreTakenAsTheyAre) {
  nginx_.put("a.csv.gz", piped("gzip -1", rows(1)));
  const Finished finished = load_from("/said-to-be-packed/a.csv.gz");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
}

TEST_F(FromNginx, RedirectsAreFollowed) {
  nginx_.put("a.csv", rows(1));
  for (const char* moved : {"301", "302", "303", "307", "308"}) {
    SCOPED_TRACE(moved);
    begin_anew();
    const Finished finished = load_from(std::string("/moved-") + moved + "/");
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    expect_all(1);
  }
  const std::size_t before = nginx_.asked().size();
  const Finished round = load_from("/round/");
  EXPECT_EQ(1, round.exit_code) << round.err;
  EXPECT_THAT(round.err, HasSubstr("10 times"));
  EXPECT_EQ(11, nginx_.asked().size() - before);
}

TEST_F(FromNginx, AFileThatIsReplacedEndsIt) {
  nginx_.put("a.csv", rows(1));
  Process process(arguments(nginx_.url() + "/slow/a.csv", {"--fetch-jobs", "1"}), direct());
  const auto until = std::chrono::steady_clock::now() + 1min;
  while (nginx_.asked().empty() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(10ms);
  nginx_.put("a.csv", rows(2), 2);
  const Finished finished = process.wait();
  EXPECT_EQ(7, finished.exit_code) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("changed while it was read"));
  EXPECT_EQ("412", nginx_.asked().back().status);
  EXPECT_EQ(0, of_other_versions(1));
}

TEST_F(FromNginx, ItClosesConnectionsWhenItLikes) {
  nginx_.put("a.csv", rows(1));
  const Finished finished = load_from("/few/a.csv");
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
  const auto asked = nginx_.asked();
  EXPECT_LT(10, asked.size());
  // How many connections there are depends on which part is there first.
  const auto count_of = [&](const std::string& number) {
    return std::ranges::count(asked, number, [](const auto& each) { return each.number; });
  };
  EXPECT_LT(0, count_of("2"));
  EXPECT_EQ(asked.size(), count_of("1") + count_of("2")) << "each is closed behind its second";
}

TEST_F(FromNginx, WhoAsksIsSaidInTheURL) {
  nginx_.put("a.csv", rows(1));
  const Finished nobody = load_from("/locked/a.csv");
  EXPECT_EQ(2, nobody.exit_code) << nobody.err;
  EXPECT_THAT(nobody.err, HasSubstr("the server answers 401"));
  const std::string at = "@" + nginx_.host_and_port() + "/locked/a.csv";
  const Finished other = load_url(std::string("http://user:") + secret + "1" + at);
  EXPECT_EQ(2, other.exit_code) << other.err;
  EXPECT_EQ(0, count());
  const Finished finished = load_url(std::string("http://user:") + secret + at);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  expect_all(1);
}

TEST_F(FromNginx, WhatIsNotThereIsSaid) {
  const Finished gone = load_from("/in/gone.csv");
  EXPECT_EQ(2, gone.exit_code) << gone.err;
  EXPECT_THAT(gone.err, AllOf(HasSubstr("404"), HasSubstr("/in/gone.csv")));
  nginx_.put("empty.csv", "");
  const Finished empty = load_from("/in/empty.csv");
  EXPECT_EQ(0, empty.exit_code) << empty.err;
  EXPECT_EQ(0, count());
}

}  // namespace
}  // namespace sluice::test

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/database.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "support/web_server.hpp"

namespace sluice::test {
namespace {

struct Example {
  const char* name;
  const char* output;
};

/// What each program of examples/ prints.
class Examples : public DatabaseTest, public ::testing::WithParamInterface<Example> {};

TEST_P(Examples, PrintsWhatItShows) {
  Process::Options options;
  options.program = PGSLUICE_EXAMPLES "/example_";
  options.program += GetParam().name;
  std::vector<std::string> arguments;
  if (std::string(GetParam().name) == "pool") arguments.push_back(url());
  const Finished finished = Process(arguments, options).wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ(GetParam().output, finished.out);
}

using LoadExample = DatabaseTest;

TEST_F(LoadExample, LoadsRowsThatItMakes) {
  db().run("create table t (id int, name text)");
  const auto run = [this] {
    return Process({url(), "t"}, {.program = PGSLUICE_EXAMPLES "/example_load"}).wait();
  };
  const Finished first = run();
  EXPECT_EQ(0, first.exit_code) << first.err;
  EXPECT_EQ("100000 rows\n", first.out);
  EXPECT_EQ("nothing to do: 100000 rows\n", run().out);
  EXPECT_EQ(100000, db().number("select count(*) from t"));
  db().run("alter table t drop column name");
  const Finished refused = run();
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_NE(std::string::npos, refused.err.find("column")) << refused.err;
}

TEST(Example, FetchesAFewAtATime) {
  const WebObject object{.body = std::string(100'000, 'x')};
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  WebServer server([&](const WebServer::Asked& asked) {
    const int now = ++running;
    for (int before = most; before < now && !most.compare_exchange_weak(before, now);) continue;
    is_seen([&most] { return most >= 2; });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    --running;
    return asked.path == "/gone" ? WebServer::Answer{.status = 404} : object.answer(asked);
  });
  std::vector<std::string> urls;
  for (const char* path : {"/a", "/gone", "/b", "/c", "/d"}) urls.push_back(server.url() + path);
  const Finished finished =
      Process(urls, {.environment = {"no_proxy=*"}, .program = PGSLUICE_EXAMPLES "/example_fetch"})
          .wait();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("100000 bytes\nfailed\n100000 bytes\n100000 bytes\n100000 bytes\n", finished.out);
  EXPECT_EQ(2, most);
}

INSTANTIATE_TEST_SUITE_P(
    All, Examples,
    ::testing::Values(
        Example{"chunks", "4 numbers, sum 10\n4 numbers, sum 26\n2 numbers, sum 19\n"},
        Example{"deadline", "42\nnot done in time\n"},
        Example{"gather", "1 4 9 16 25 \n49 failed \n"},
        Example{"offload", "42, and the loop ticked meanwhile\n"},
        Example{"pool", "inserted 1000\n333 334 333 \n"},
        Example{"rate_limiter", "50 messages at 500 a second took their time\n"},
        Example{"retry", "connected at attempt 3\n"},
        Example{"semaphore", "page 1\npage 2\npage 3\npage 4\npage 5\nat most 2 at a time\n"},
        Example{"task_group", "the disk is full; the clock ticked until then\n"},
        Example{"work_queue", "sum 5050\n"}),
    [](const auto& example) { return std::string(example.param.name); });

}  // namespace
}  // namespace sluice::test

#include <future>

#include "remote/s3_fetch.hpp"

namespace sluice::test {
namespace {

/// One large object for several commands (--join): each fetches what it loads, and no more.
class SharedObject : public S3Fetch {};

TEST_F(SharedObject, IsFetchedInPartsByWhoLoadsThem) {
  S3Store store;
  store.objects["big.csv"] = {.body = rows(1, 600'000), .etag = "\"1\""};
  WebServer server([&store](const WebServer::Asked& asked) {
    WebServer::Answer answer = store.answer(asked);
    answer.delay = std::chrono::milliseconds(5);
    return answer;
  });
  const auto load = [&] {
    return load_s3(server, "s3://bucket/big.csv", {"--join", "--segment-size", "512KiB"});
  };
  auto other = std::async(std::launch::async, load);
  const Finished finished = load();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  const Finished finished_too = other.get();
  EXPECT_EQ(0, finished_too.exit_code) << finished_too.err;
  EXPECT_EQ(600'000, db().number("select count(*) from t"));
  EXPECT_EQ(600'000, db().number("select count(distinct id) from t"));
  EXPECT_EQ(2, db().number("select count(distinct held_by) from pgsluice.segments"));
  // But for who looks at the beginning, as the load is not entered yet.
  std::uint64_t fetched = 0;
  for (const WebServer::Asked& asked : server.asked())
    if (asked.range && asked.range->first >= 512 * 1024)
      fetched += asked.range->second + 1 - asked.range->first;
  // Of each segment, so small here, some of the next one is read for the end of its last record.
  EXPECT_LT(fetched, store.objects["big.csv"].body.size() * 7 / 4);
}

}  // namespace
}  // namespace sluice::test

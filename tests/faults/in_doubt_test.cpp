#include <atomic>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

std::string numbers(int count) {
  std::string csv = "id\n";
  for (int i = 1; i <= count; ++i) csv += std::to_string(i) + "\n";
  return csv;
}

/// The connection is cut after COMMIT was sent and before its answer arrived: the client cannot
/// know whether the chunk is stored. The next attempt asks the ledger's key, and each row is there
/// once.
TEST_F(DatabaseTest, LostAnswerToACommitLosesAndDoublesNothing) {
  db().run("create table t (id int)");
  TemporaryFolder folder;
  for (const std::size_t lost : {1UL, 2UL, 5UL}) {
    // COPY's data ends with CopyDone ('c', length 4); what runs in the same query behind it is the
    // COMMIT.
    std::atomic<std::size_t> ends = 0;
    std::atomic<std::size_t> swallowed = 0;
    const std::string copy_done("c\0\0\0\4", 5);
    Proxy proxy(url(), [&](std::size_t, Proxy::Direction direction, const std::string& bytes) {
      if (direction != Proxy::Direction::to_server || !bytes.ends_with(copy_done))
        return Proxy::Action::pass;
      if (++ends > lost) return Proxy::Action::pass;
      ++swallowed;
      return Proxy::Action::swallow;
    });
    plan::LoadOptions options;
    options.path = folder.write("in.csv", numbers(1000));
    options.table = "t";
    options.chunk_bytes = 500;
    options.again = true;
    options.truncate = true;
    const Loaded loaded = run_load(proxy.url(url()), options);
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ(lost, swallowed.load());
    EXPECT_EQ(lost, loaded.report.retries);
    EXPECT_EQ(1000, db().number("select count(*) from t"));
    EXPECT_EQ(500500, db().number("select sum(id) from t"));
    EXPECT_EQ(1000U, loaded.report.total.rows_stored);
    EXPECT_EQ("", ledger_disagreement("t"));
  }
  EXPECT_TRUE(no_session_left());
}

/// Without a ledger the same cut cannot be resolved: the load says so and stops, instead of
/// guessing.
TEST_F(DatabaseTest, WithoutLedgerALostAnswerStopsTheLoad) {
  db().run("create table t (id int)");
  TemporaryFolder folder;
  std::atomic<bool> done = false;
  const std::string copy_done("c\0\0\0\4", 5);
  Proxy proxy(url(), [&](std::size_t, Proxy::Direction direction, const std::string& bytes) {
    const bool here = direction == Proxy::Direction::to_server && bytes.ends_with(copy_done) &&
                      !done.exchange(true);
    return here ? Proxy::Action::swallow : Proxy::Action::pass;
  });
  plan::LoadOptions options;
  options.path = folder.write("in.csv", numbers(10));
  options.table = "t";
  options.use_ledger = false;
  const Loaded loaded = run_load(proxy.url(url()), options);
  EXPECT_FALSE(loaded.ok());
  EXPECT_EQ(0U, loaded.report.retries);
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <atomic>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/loading.hpp"
#include "support/process.hpp"
#include "support/proxy.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// Does `action` to the end of the COPY with this number, from 0, and to no other.
Proxy::Judge at_copy_done(std::size_t number, Proxy::Action action,
                          std::atomic<std::size_t>& ends) {
  return [=, &ends](std::size_t, Proxy::Direction direction, const std::string& bytes) {
    const std::string copy_done("c\0\0\0\4", 5);
    const bool is_end = direction == Proxy::Direction::to_server && bytes.ends_with(copy_done);
    return is_end && ends++ == number ? action : Proxy::Action::pass;
  };
}

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

/// A file of one chunk is entered, stored and finished by one transaction: it may be committed, or
/// its backend may have heard nothing of the loss and hold the locks of the load.
TEST_F(DatabaseTest, ALostAnswerToAFileOfOneChunkIsFoundOut) {
  db().run("create table t (id int)");
  TemporaryFolder folder;
  plan::LoadOptions options;
  options.path = folder.write("0.csv", "id\n0\n");
  options.table = "t";
  ASSERT_TRUE(run_load(url(), options).ok());
  for (const auto action : {Proxy::Action::swallow, Proxy::Action::hold, Proxy::Action::reset}) {
    SCOPED_TRACE(static_cast<int>(action));
    db().run("truncate t");
    std::atomic<std::size_t> ends = 0;
    Proxy proxy(url(), at_copy_done(0, action, ends));
    options.path = folder.write(std::to_string(static_cast<int>(action)) + ".csv",
                                numbers(10 + static_cast<int>(action)));
    // Where it is held the silence is noticed; elsewhere a server that is slow is no silent one.
    const bool is_held = action == Proxy::Action::hold;
    const Loaded loaded = run_load(proxy.url(url()), options, is_held ? 3s : limits::stall_default);
    proxy.release();
    ASSERT_TRUE(loaded.ok()) << loaded.message;
    EXPECT_EQ(load::LoadReport::Status::stored, loaded.report.status);
    EXPECT_LE(1U, loaded.report.retries);
    if (!is_held) {
      EXPECT_EQ(1U, loaded.report.retries);
    }
    const std::uint64_t rows = 10 + static_cast<std::uint64_t>(action);
    EXPECT_EQ(rows, loaded.report.now.rows_stored);
    EXPECT_EQ(rows, static_cast<std::uint64_t>(db().number("select count(distinct id) from t")));
    EXPECT_EQ(rows, static_cast<std::uint64_t>(db().number("select count(*) from t")));
    EXPECT_EQ("", ledger_disagreement("t"));
  }
  EXPECT_TRUE(no_session_left());
}

/// What another run has stored before is told as that, also behind a lost connection.
TEST_F(DatabaseTest, ALostConnectionMakesNoFormerLoadOurs) {
  db().run("create table t (id int)");
  TemporaryFolder folder;
  plan::LoadOptions options;
  options.path = folder.write("in.csv", numbers(10));
  options.table = "t";
  ASSERT_TRUE(run_load(url(), options).ok());
  std::atomic<std::size_t> sent = 0;
  Proxy proxy(url(), [&sent](std::size_t, Proxy::Direction, const std::string& bytes) {
    const bool is_first = bytes.contains(" */ begin isolation level") && sent++ == 0;
    return is_first ? Proxy::Action::reset : Proxy::Action::pass;
  });
  const Loaded loaded = run_load(proxy.url(url()), options);
  ASSERT_TRUE(loaded.ok()) << loaded.message;
  EXPECT_EQ(2U, sent.load());
  EXPECT_EQ(load::LoadReport::Status::nothing_to_do, loaded.report.status);
  EXPECT_EQ(10, db().number("select count(*) from t"));
}

TEST_F(DatabaseTest, ALostAnswerToAGroupOfFilesIsNotTakenForFormerLoads) {
  db().run("create table t (id int)");
  for (const auto action : {Proxy::Action::swallow, Proxy::Action::hold}) {
    SCOPED_TRACE(static_cast<int>(action));
    TemporaryFolder folder;
    for (int i = 101; i <= 140; ++i)
      folder.write(std::to_string(i) + ".csv", "id\n" + std::to_string(i) + "\n7\n");
    db().run("drop schema if exists pgsluice cascade; truncate t");
    std::atomic<std::size_t> ends = 0;
    Proxy proxy(url(), at_copy_done(1, action, ends));
    const Finished finished =
        pgsluice({"load", folder.path(), "-t", "t", "-d", proxy.url(url()), "--progress", "none",
                  "--jobs", "2", "--stall-timeout", action == Proxy::Action::hold ? "3s" : "5min"});
    proxy.release();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_LT(ends.load(), 20U) << "they go in groups";
    EXPECT_THAT(finished.out + finished.err, Not(HasSubstr("nothing to do")));
    EXPECT_EQ(80, db().number("select count(*) from t"));
    EXPECT_EQ(40, db().number("select count(*) from pgsluice.loads where state = 'finished'"));
    EXPECT_EQ("", ledger_disagreement("t"));
  }
  EXPECT_TRUE(no_session_left());
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <csignal>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// What is recorded is in the future, as the clock of the database ran ahead when it was: the job
/// runs all the same, and somebody is told.
class SlotsAhead : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table ticks (at timestamptz default clock_timestamp())");
    folder_.write("tick.sql", "insert into ticks default values");
    folder_.write("pgsluice.toml", "dbname = \"" + url() +
                                       "\"\n[[job]]\nname = \"tick\"\ncron = \"@every "
                                       "1s\"\nsql = \"tick.sql\"\n");
    ASSERT_EQ(0, pgsluice({"schedule", "run", "--once", "--config", config()}).exit_code);
  }
  std::string config() const { return folder_ / "pgsluice.toml"; }
  void expect_ticks() {
    db().run("truncate ticks");
    Process scheduler({"schedule", "run", "--config", config()});
    const bool has_ticked = comes_true("select count(*) >= 2 from ticks");
    scheduler.signal(SIGTERM);
    const Finished done = scheduler.wait();
    EXPECT_TRUE(has_ticked) << done.err;
    EXPECT_THAT(done.err, HasSubstr("which is in the future"));
  }

  TemporaryFolder folder_;
};

TEST_F(SlotsAhead, FirstSeenTomorrow) {
  db().run("update pgsluice.jobs set since = now() + interval '1 day'");
  expect_ticks();
}

TEST_F(SlotsAhead, LastSlotNextYear) {
  db().run(
      "insert into pgsluice.job_runs (project, job, slot, state, runner) select project, job, "
      "date_trunc('second', now() + interval '1 year'), 'ran', 'x' from pgsluice.jobs");
  expect_ticks();
}

/// A field of seconds is no ornament.
TEST_F(SlotsAhead, ASlotBeginsAtItsSecond) {
  folder_.write("pgsluice.toml",
                "dbname = \"" + url() +
                    "\"\n[[job]]\nname = \"even\"\ncron = \"TZ=Asia/Kolkata */2 * * "
                    "* * *\"\nsql = \"tick.sql\"\n");
  Process scheduler({"schedule", "run", "--config", config()});
  EXPECT_TRUE(comes_true(
      "select count(*) >= 4 from pgsluice.job_runs where job = 'even' and state = 'ran'"));
  scheduler.signal(SIGTERM);
  scheduler.wait();
  EXPECT_EQ(0, db().number("select count(*) from pgsluice.job_runs where job = 'even' and "
                           "(extract(second from slot)::int % 2 <> 0 or claimed_at < slot)"));
  // Of a busy machine the quickest counts.
  EXPECT_EQ(1,
            db().number("select (min(claimed_at - slot) < interval '900 milliseconds')::int from "
                        "pgsluice.job_runs where job = 'even' and state = 'ran'"));
  EXPECT_EQ("*/2 * * * * * Asia/Kolkata",
            db().value("select schedule from pgsluice.jobs where job = 'even'"));
}

}  // namespace
}  // namespace sluice::test

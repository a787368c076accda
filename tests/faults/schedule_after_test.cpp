#include <gmock/gmock.h>

#include <chrono>
#include <csignal>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;

/// b comes after a, and c after b.
class JobsAfterOthers : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run(
        "create table ticks (job text, at timestamptz default clock_timestamp()); create table "
        "mood (fails bool); insert into mood values (false)");
    for (const std::string name : {"a", "b", "c"})
      folder_.write(name + ".sql",
                    "do $$ begin if '" + name +
                        "' = 'a' and (select fails from mood) then raise 'out of sorts'; end if; "
                        "end $$;\ninsert into ticks (job) values ('" +
                        name + "')");
    configure("@every 1s");
  }
  void configure(const std::string& cron, const std::string& more_of_b = "") {
    folder_.write("pgsluice.toml",
                  "dbname = \"" + url() +
                      "\"\n[scheduler]\nlost_after = \"3s\"\n"
                      "[[job]]\nname = \"c\"\nafter_job = \"b\"\nsql = \"c.sql\"\n"
                      "[[job]]\nname = \"b\"\nafter_job = \"a\"\nsql = \"b.sql\"\n" +
                      more_of_b + "[[job]]\nname = \"a\"\ncron = \"" + cron +
                      "\"\nsql = \"a.sql\"\n");
  }
  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"schedule", "run", "--config", folder_ / "pgsluice.toml"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static void stop(Process& process) {
    process.signal(SIGTERM);
    const Finished stopped = process.wait();
    EXPECT_THAT(stopped.exit_code, ::testing::AnyOf(0, 143)) << stopped.err;
  }
  std::int64_t runs(const std::string& where) {
    return db().number("select count(*) from pgsluice.job_runs where " + where);
  }
  /// Each slot that ran behind another one began when that one's had ended.
  void expect_in_order() {
    EXPECT_EQ(0, db().number(
                     "select count(*) from pgsluice.job_runs r left join pgsluice.job_runs b on "
                     "b.slot = r.slot and b.job = case r.job when 'c' then 'b' else 'a' end where "
                     "r.job <> 'a' and r.state = 'ran' and (b.state is distinct from 'ran' or "
                     "b.finished_at > r.claimed_at)"));
  }

  TemporaryFolder folder_;
};

TEST_F(JobsAfterOthers, RunTheSameSlotsInTheirOrderOnTwoHosts) {
  Process first(command());
  Process second(command());
  ASSERT_TRUE(
      comes_true("select count(*) >= 8 from pgsluice.job_runs where job = 'c' and state = 'ran'"));
  stop(first);
  stop(second);
  expect_in_order();
  EXPECT_EQ(0, runs("state not in ('ran', 'skipped', 'missed', 'interrupted')"));
  EXPECT_EQ(runs("state = 'ran'"), db().number("select count(*) from ticks"));
}

TEST_F(JobsAfterOthers, AllInOneCallOfOnce) {
  configure("@every 24h");
  ASSERT_EQ(0, pgsluice(command({"--once"})).exit_code);
  EXPECT_EQ(0, runs("true"));
  db().run("update pgsluice.jobs set since = now() - interval '24 hours'");
  const Finished ran = pgsluice(command({"--once"}));
  EXPECT_EQ(0, ran.exit_code) << ran.err;
  EXPECT_EQ(3, runs("state = 'ran'"));
  EXPECT_EQ(1, db().number("select count(distinct slot) from pgsluice.job_runs"));
  expect_in_order();
  EXPECT_EQ(0, pgsluice(command({"--once"})).exit_code);
  EXPECT_EQ(3, db().number("select count(*) from ticks"));
}

TEST_F(JobsAfterOthers, ThatFailAreLeftOutWithAWord) {
  configure("@every 24h");
  ASSERT_EQ(0, pgsluice(command({"--once"})).exit_code);
  db().run(
      "update mood set fails = true; update pgsluice.jobs set since = now() - interval '24 hours'");
  const Finished failed = pgsluice(command({"--once"}));
  EXPECT_EQ(1, failed.exit_code);
  EXPECT_THAT(failed.err, HasSubstr("skipped: job \"a\", which it comes after, failed"));
  EXPECT_THAT(failed.err, HasSubstr("skipped: job \"b\", which it comes after, was skipped"));
  EXPECT_EQ(2, runs("state = 'skipped'"));
  EXPECT_EQ(0, db().number("select count(*) from ticks"));
}

/// The scheduler dies while a runs, or before b has begun: another one goes on.
TEST_F(JobsAfterOthers, GoOnAfterAKill) {
  configure("@every 24h");
  ASSERT_EQ(0, pgsluice(command({"--once"})).exit_code);
  db().run("update pgsluice.jobs set since = now() - interval '24 hours'");
  // As if it had been killed right behind the end of a.
  db().run(
      "insert into pgsluice.job_runs (job, slot, state, runner, finished_at, project) select 'a', "
      "date_trunc('day', now()), 'ran', 'x', clock_timestamp(), project from pgsluice.jobs where "
      "job = 'a'");
  const Finished ran = pgsluice(command({"--once"}));
  EXPECT_EQ(0, ran.exit_code) << ran.err;
  EXPECT_EQ(1, runs("job = 'b' and state = 'ran'"));
  EXPECT_EQ(1, runs("job = 'c' and state = 'ran'"));
  EXPECT_EQ(2, db().number("select count(*) from ticks"));
}

TEST_F(JobsAfterOthers, WaitForWhatIsUnderWay) {
  db().run("create table busy ()");
  folder_.write("a.sql", "-- pgsluice: lock-timeout 0\nlock table busy");
  Session holder(url());
  holder.run("begin; lock table busy");
  Process process(command());
  ASSERT_TRUE(comes_true(
      "select count(*) >= 2 from pgsluice.job_runs where job = 'a' and state = 'skipped'"));
  EXPECT_EQ(0, runs("job <> 'a'"));
  holder.run("commit");
  ASSERT_TRUE(
      comes_true("select count(*) >= 1 from pgsluice.job_runs where job = 'c' and state = 'ran'"));
  EXPECT_LE(1, runs("job = 'b' and state = 'skipped' and message like '%was skipped%'"));
  stop(process);
  expect_in_order();
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "support/migrations.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds lock_timeout{1000};

/// Somebody who reads and writes a table all the time, and how long that took at most.
class Load {
 public:
  Load(const std::string& url, std::string statement)
      : thread_([this, url, statement] {
          Session session(url);
          while (!is_over_) {
            const auto began = Clock::now();
            session.run(statement);
            const auto took = Clock::now() - began;
            if (took > longest_) longest_ = took;
            ++count_;
          }
        }) {}
  ~Load() { end(); }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Clock::duration end() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
    return longest_;
  }
  int count() const { return count_; }

 private:
  std::atomic<bool> is_over_ = false;
  std::atomic<int> count_ = 0;
  Clock::duration longest_{};
  std::thread thread_;
};

class Safe : public MigrationTest {
 protected:
  Safe() {
    db().run(
        "create table small (id bigint, a text); insert into small values (1, 'x');"
        "create table large (id bigint, a text); insert into large select g, repeat('x', 40) from "
        "generate_series(1, 400000) g;"
        // What takes its time, whatever the machine.
        "create function slow(text) returns bool language plpgsql immutable as $$ begin perform "
        "pg_sleep(0.001); return true; end $$");
  }
  Finished up_safe(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"--safe", "--safe-size", "10MB", "--lock-timeout",
                               std::to_string(lock_timeout.count()) + "ms"});
    return up(more);
  }
};

/// A statement that would take minutes, and one that would wait for them.
TEST_F(Safe, ALoadIsNeverBlockedLongerThanTheLockTimeout) {
  const struct {
    const char* sql;
    const char* said;
  } cases[] = {
      {"alter table large add constraint c check (slow(a))",
       "--safe: it would keep others from large"},
      {"select 1;\nalter table large alter column a type bytea using case when slow(a) then "
       "''::bytea end",
       "002_x.sql:2:1: "},
      {"alter table large add column b text;\nselect count(*) from large where slow(large.a)",
       "it runs while large is locked (line 1)"},
      {"do $$ begin alter table large add column c text; perform pg_sleep(60); end $$",
       "--safe: what it locks is not known"},
      {"-- pgsluice: no-transaction\nalter table large add constraint c check (slow(a))",
       "--safe: it would keep others from large"},
      {"-- pgsluice: no-transaction\nbegin; alter table large add column c text; select "
       "pg_sleep(60); commit",
       "--safe: what it locks is not known"},
      {"create index on large (a) where slow(a)",
       "create index concurrently on large (a) where slow(a);"},
      {"update small set a = 'y';\nlock table large; select pg_sleep(60)",
       "it runs while large is locked (line 2)"},
  };
  write("001_first.sql", "select 1");
  ASSERT_EQ(0, up().exit_code);
  for (const auto& one : cases) {
    SCOPED_TRACE(one.sql);
    write("002_x.sql", one.sql);
    Load reads(url(), "select * from large where id = 7 limit 1");
    Load writes(url(), "insert into large values (0, 'y')");
    const Finished finished = up_safe();
    const auto slack = std::chrono::milliseconds(900);  // of a busy machine
    EXPECT_LT(reads.end(), lock_timeout + slack);
    EXPECT_LT(writes.end(), lock_timeout + slack);
    EXPECT_GT(reads.count() + writes.count(), 10);
    EXPECT_EQ(1, finished.exit_code) << finished.out;
    EXPECT_THAT(finished.err, HasSubstr(one.said));
    EXPECT_THAT(finished.err, HasSubstr("002_x.sql:"));
    if (!std::string(one.sql).starts_with("--")) {
      EXPECT_EQ("1 applied", history());
    }
    migrate("repair", {"--forget", "2"});
  }
}

TEST_F(Safe, WhatBlocksByAnotherWayIsRefusedToo) {
  db().run(
      "create index large_i on large (id, a); create table parent (id int);"
      "create table child () inherits (parent); insert into child select g from generate_series(1, "
      "800000) g; create function locks() returns int language plpgsql as $$ begin lock table "
      "large in access exclusive mode; return 1; end $$; cluster large using large_i");
  const std::string alone = "-- pgsluice: no-transaction\n";
  for (const std::string& sql :
       {alone + "vacuum full large", alone + "vacuum (analyze, verbose, full) large",
        alone + "cluster large", alone + "reindex table large", alone + "reindex index large_i",
        alone + "reindex (concurrently false) table large",
        std::string("alter table parent alter id type numeric"),
        std::string("select locks();\nselect pg_sleep(2)"),
        std::string("insert into small select locks(), 'x';\nselect pg_sleep(2)")}) {
    SCOPED_TRACE(sql);
    write("001_x.sql", sql);
    const Finished finished = up({"--safe", "--safe-size", "1MB", "--lock-timeout", "20ms"});
    EXPECT_EQ(1, finished.exit_code) << finished.out;
    EXPECT_THAT(finished.err, HasSubstr("--safe: "));
    migrate("repair", {"--forget", "1"});
  }
}

TEST_F(Safe, WhatIsShortOrBlocksNobodyIsApplied) {
  write("001_a.sql",
        "alter table large add column b text;\n"
        "alter table large add constraint b_check check (b <> '') not valid;");
  write("002_b.sql", "alter table large validate constraint b_check");
  write("003_c.sql",
        "-- pgsluice: no-transaction\ncreate index concurrently large_id on large (id)");
  write("004_d.sql", "create table copy as select * from large; update small set a = 'z'");
  write("005_e.sql",
        "-- pgsluice: no-transaction\nvacuum (analyze) large; reindex table concurrently large");
  EXPECT_EQ(0, up_safe().exit_code);
  EXPECT_EQ("1 applied, 2 applied, 3 applied, 4 applied, 5 applied", history());
}

/// Longer than the lock timeout, but of what is not large, or of rows alone.
TEST_F(Safe, TimeIsNoMatterWhereNobodyWaits) {
  write("001_a.sql", "select pg_sleep(1.5)");
  write("002_b.sql", "alter table small add constraint c check (pg_sleep(1.5) is not null)");
  write("003_c.sql",
        "update small set a = 'z' where slow(a) and pg_sleep(1.5) is not null; alter table "
        "large add column c text");
  const Finished finished = up_safe();
  EXPECT_EQ(0, finished.exit_code) << finished.err;
}

TEST_F(Safe, ALockThatIsNotGivenIsTriedAgain) {
  write("001_a.sql", "alter table large add column b text");
  Session other(url());
  other.run("begin; lock table large in access share mode");
  Process process(command("up", {"--safe", "--safe-size", "1MB", "--lock-timeout", "300ms"}));
  ASSERT_TRUE(process.says("; again in "));
  other.run("rollback");
  EXPECT_EQ(0, process.wait().exit_code);
}

TEST_F(Safe, NeedsALockTimeout) {
  write("001_a.sql", "-- pgsluice: lock-timeout 0\nalter table large add column b text");
  const Finished finished = up_safe();
  EXPECT_EQ(2, finished.exit_code);
  EXPECT_THAT(finished.err, HasSubstr("without a lock timeout nothing is safe"));
  EXPECT_EQ(0, up().exit_code);
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <thread>

#include "cli/every_command.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/gate.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// What a load promises, tried with the program as people call it.
class Promises : public DatabaseTest {
 protected:
  void SetUp() override { db().run("create table t (id int, v text)"); }

  Finished load(const std::string& file, std::vector<std::string> more = {},
                Process::Options options = {}) {
    std::vector<std::string> arguments{"load", file, "-t", "t", "--progress", "none", "-d", url()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return pgsluice(std::move(arguments), std::move(options));
  }
  std::int64_t rows() { return db().number("select count(*) from t"); }
  /// The most at a time.
  std::int64_t sessions_during(const std::vector<std::string>& arguments) {
    // Those of a command before it may be about to end.
    EXPECT_TRUE(no_session_left());
    Process process(arguments);
    std::int64_t most = 0;
    while (process.running()) {
      most = std::max(most, sessions());
      std::this_thread::sleep_for(5ms);
    }
    const Finished finished = process.wait();
    EXPECT_EQ(0, finished.exit_code) << finished.err;
    EXPECT_GT(most, 0);
    return most;
  }
  static std::string lines(int first, int end) {
    std::string csv = "id,v\n";
    for (int i = first; i < end; ++i)
      csv += std::to_string(i) + ",text of " + std::to_string(i) + "\n";
    return csv;
  }

  TemporaryFolder folder_;
};

TEST_F(Promises, OtherSpellingsOfTheSameOptionsAreTheSameLoad) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(in).exit_code);
  const std::vector<std::vector<std::string>> spellings{{"--encoding", "utf-8"},
                                                        {"--encoding", "UTF8"},
                                                        {"--delimiter", ","},
                                                        {"--header", "match"},
                                                        {"--columns", "id,v", "--header", "skip"},
                                                        {"--map", "id=id"},
                                                        {"--ignore-extra"},
                                                        {"--set", "synchronous_commit=off"},
                                                        {"--lock-timeout", "5s"},
                                                        {"--truncate"}};
  for (const auto& spelling : spellings) {
    const Finished again = load(in, spelling);
    EXPECT_EQ(0, again.exit_code) << spelling.front() << again.err;
    EXPECT_THAT(again.out, HasSubstr("nothing to do")) << spelling.front();
  }
  EXPECT_EQ(2, rows());
  const Finished other = load(in, {"--null", "a"});
  EXPECT_EQ(7, other.exit_code);
  EXPECT_THAT(other.err, HasSubstr("--null: \"\" then, \"a\" now"));
  EXPECT_EQ(7, load(in, {"--limit", "1"}).exit_code);
  EXPECT_EQ(2, rows());
}

TEST_F(Promises, AFileAndAStreamOfItsBytesAreOneLoad) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,b\n");
  ASSERT_EQ(0, load(in).exit_code);
  EXPECT_THAT(load("-", {}, {.input = in}).out, HasSubstr("nothing to do"));
  const std::string other = folder_.write("other.csv", "id,v\n3,c\n");
  ASSERT_EQ(0, load("-", {}, {.input = other}).exit_code);
  EXPECT_THAT(load(other).out, HasSubstr("nothing to do"));
  EXPECT_EQ(3, rows());
}

TEST_F(Promises, TheSameContentUnderAnotherNameIsNotLeftOutWithoutAWord) {
  const std::string first = folder_.write("hour-00.csv", "id,v\n1,ok\n");
  const std::string second = folder_.write("hour-01.csv", "id,v\n1,ok\n");
  ASSERT_EQ(0, load(first).exit_code);
  const Finished refused = load(second);
  EXPECT_EQ(7, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr(second + " has the same content as " + first));
  EXPECT_THAT(load(second, {"--same-content", "skip"}).out, HasSubstr("nothing to do"));
  EXPECT_EQ(1, rows());
  EXPECT_EQ(0, load(second, {"--same-content", "load"}).exit_code);
  EXPECT_EQ(2, rows());
  EXPECT_THAT(load(first).out, HasSubstr("nothing to do"));
  const std::string empty = folder_.write("empty-0.csv", "id,v\n");
  const std::string empty_too = folder_.write("empty-1.csv", "id,v\n");
  EXPECT_EQ(0, load(empty).exit_code);
  EXPECT_EQ(0, load(empty_too).exit_code);
}

TEST_F(Promises, AFileThatHasGrownIsNeverLoadedTwice) {
  for (const int rows_before : {10, 30'000}) {
    db().run("truncate t; drop schema if exists pgsluice cascade");
    const std::string in = folder_.write("log.csv", lines(0, rows_before));
    ASSERT_EQ(0, load(in).exit_code);
    folder_.write("log.csv", lines(0, rows_before + 5));
    const Finished refused = load(in);
    EXPECT_EQ(7, refused.exit_code) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("--grown append"));
    const Finished appended = load(in, {"--grown", "append"});
    EXPECT_EQ(0, appended.exit_code) << appended.err;
    EXPECT_EQ(rows_before + 5, rows());
    EXPECT_THAT(load(in).out, HasSubstr("nothing to do"));
    folder_.write("log.csv", lines(0, rows_before + 9));
    EXPECT_EQ(0, load(in, {"--grown", "append"}).exit_code) << "once more, behind the last one";
    EXPECT_EQ(rows_before + 9, rows());
    EXPECT_EQ(rows_before + 9, db().number("select count(distinct id) from t"));
  }
}

/// However short it was, and whatever it was before.
TEST_F(Promises, AStreamThatHasGrownIsNeverLoadedTwice) {
  for (const bool was_file : {false, true}) {
    for (const int rows_before : {1, 10, 3'000, 30'000}) {
      SCOPED_TRACE((was_file ? "a file of " : "a stream of ") + std::to_string(rows_before));
      db().run("truncate t; drop schema if exists pgsluice cascade");
      ASSERT_EQ(0, load(folder_.write("other.csv", "id,v\n-1,a\n")).exit_code);
      const std::string in = folder_.write("log.csv", lines(0, rows_before));
      ASSERT_EQ(0, (was_file ? load(in) : load("-", {}, {.input = in})).exit_code);
      const std::string grown = folder_.write("grown.csv", lines(0, rows_before + 5));
      const Finished refused = load("-", {}, {.input = grown});
      EXPECT_EQ(7, refused.exit_code) << refused.err;
      EXPECT_THAT(refused.err, HasSubstr("--grown append"));
      const Finished appended = load("-", {"--grown", "append"}, {.input = grown});
      EXPECT_EQ(0, appended.exit_code) << appended.err;
      EXPECT_THAT(load("-", {}, {.input = grown}).out, HasSubstr("nothing to do"));
      const std::string more = folder_.write("more.csv", lines(0, rows_before + 9));
      EXPECT_EQ(0, load("-", {"--grown", "append"}, {.input = more}).exit_code);
      EXPECT_EQ(rows_before + 10, rows());
      EXPECT_EQ(rows_before + 10, db().number("select count(distinct id) from t"));
    }
  }
}

TEST_F(Promises, ATornFileIsNotAppendedTo) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n2,trunc");
  ASSERT_EQ(0, load(in).exit_code);
  folder_.write("in.csv", "id,v\n1,a\n2,truncated\n");
  EXPECT_EQ(7, load(in).exit_code);
  const Finished appended = load(in, {"--grown", "append"});
  EXPECT_EQ(7, appended.exit_code);
  EXPECT_THAT(appended.err, HasSubstr("no line end"));
  EXPECT_EQ(0, load(in, {"--grown", "load", "--truncate"}).exit_code);
  EXPECT_EQ("truncated", db().value("select v from t where id = 2"));
}

TEST_F(Promises, AnUpsertGoesBackToAnOldState) {
  db().run("drop table t; create table t (id int primary key, v text)");
  const std::string a = folder_.write("a.csv", "id,v\n1,A\n");
  const std::string b = folder_.write("b.csv", "id,v\n1,B\n");
  for (const auto& [file, v] : {std::pair{a, "A"}, std::pair{b, "B"}, std::pair{a, "A"}}) {
    const Finished loaded = load(file, {"--on-conflict", "update"});
    EXPECT_EQ(0, loaded.exit_code) << loaded.err;
    EXPECT_EQ(v, db().value("select v from t"));
  }
  EXPECT_THAT(load(a, {"--on-conflict", "update"}).out, HasSubstr("nothing to do"));
}

TEST_F(Promises, AllFilesOfACommandShareAFewConnections) {
  std::vector<std::string> arguments{"load"};
  for (int i = 0; i < 300; ++i)
    arguments.push_back(folder_.write("part" + std::to_string(i) + ".csv", lines(i, i + 2)));
  arguments.insert(arguments.end(), {"-t", "t", "-j", "2", "--progress", "none", "-d", url()});
  EXPECT_LE(sessions_during(arguments), 4);
  EXPECT_EQ(600, rows());
}

TEST_F(Promises, AllFilesOfAJobShareAFewConnections) {
  for (int i = 0; i < 130; ++i) folder_.write("part" + std::to_string(i) + ".csv", lines(i, i + 2));
  const std::string jobs = folder_.write("jobs.toml",
                                         "[[job]]\nname = \"all\"\ncron = \"@every 1h\"\nload = "
                                         "[\"part*.csv\"]\ntable = \"t\"\nsettle = \"0s\"\n");
  const std::vector<std::string> once{"schedule", "run", "--once", "--config", jobs, "-d", url()};
  ASSERT_EQ(0, pgsluice(once).exit_code);
  db().run("update pgsluice.jobs set since = now() - interval '3 hours'");
  EXPECT_LE(sessions_during(once), 6) << "with those of the scheduler";
  EXPECT_EQ(260, rows());
}

/// A table that changes while it is loaded: the types have the same width, so that the server would
/// take the bytes of one for the other.
TEST_F(Promises, ATableThatChangesStopsTheLoad) {
  const std::string in = folder_.write("big.csv", lines(0, 120'000));
  const std::vector<std::vector<std::string>> ways{
      {}, {"--writer", "insert"}, {"--on-conflict", "nothing"}, {"--atomic=resumable"}};
  const std::vector<std::string> changes{
      "alter table t alter id type float4", "alter table t alter id type oid using id::oid",
      "alter table t alter id type int8",
      "alter table t rename to t_old; create table t (like t_old including all)"};
  for (const auto& way : ways) {
    for (const std::string& change : changes) {
      db().run("drop table if exists t, t_old; create table t (id int primary key, v text)");
      std::vector<std::string> arguments{
          "load",       in,     "-t",           "t",     "--again",     "-d", url(), "-j", "2",
          "--progress", "none", "--chunk-size", "64KiB", "--retry-for", "3s"};
      arguments.insert(arguments.end(), way.begin(), way.end());
      const bool is_staged = way == std::vector<std::string>{"--atomic=resumable"};
      // What is staged does not come by the table before its end: it goes slowly.
      if (is_staged) arguments.insert(arguments.end(), {"--max-rate", "150KB/s"});
      Gate gate(url(), "t", "id >= 60000");
      Process process(arguments);
      ASSERT_TRUE(is_staged || gate.is_reached());
      ASSERT_TRUE(
          comes_true("select count(*) > 2 from pgsluice.chunks join pgsluice.loads using "
                     "(load_id) where state = 'unfinished'"));
      if (is_staged) {
        db().run(change);
        gate.open();
      } else {
        gate.open_behind(change);
      }
      const Finished finished = process.wait();
      const std::string what = (way.empty() ? "copy" : way.back()) + ": " + change;
      EXPECT_EQ(1, finished.exit_code) << what << "\n" << finished.err;
      EXPECT_THAT(finished.err, HasSubstr("the load began")) << what;
      EXPECT_EQ(0, db().number("select count(*) from t where v <> 'text of ' || id::int8")) << what;
      db().run("update pgsluice.loads set state = 'void'");
    }
  }
}

TEST_F(Promises, ASchemaOfSomebodyElseIsNotTrusted) {
  url_of_new_role("promises_mallory");
  db().run("create schema pgsluice authorization promises_mallory");
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n");
  const Finished refused = load(in);
  EXPECT_EQ(1, refused.exit_code);
  EXPECT_THAT(refused.err, HasSubstr("alter schema pgsluice owner to"));
  EXPECT_EQ(0, rows());
  db().run("drop schema pgsluice cascade");
}

/// A role of the name pgsluice has our own schema in front of its path.
TEST_F(Promises, MigrationsMakeNothingInTheLedger) {
  folder_.write("001_a.sql", "create table made (a int)");
  folder_.write("002_b.sql", "-- pgsluice: no-transaction\ncreate table made_too (a int)");
  const Process::Options options{.environment = {"PGOPTIONS=-c search_path=pgsluice,public"}};
  for (int i = 0; i < 2; ++i) {
    const Finished up = pgsluice({"migrate", "up", "--dir", folder_ / "", "-d", url()}, options);
    EXPECT_EQ(0, up.exit_code) << up.err;
  }
  EXPECT_EQ("public.made,public.made_too",
            db().value("select string_agg(oid::regclass::text, ',' order by relname) from pg_class "
                       "where relname like 'made%' and set_config('search_path', '', true) = ''"));
}

/// ... and all commands do for it what they do for others.
TEST_F(Promises, ARoleOfTheLedgersNameIsLikeOthers) {
  const std::string as_role = url_of_new_role("pgsluice");
  db().run("alter role pgsluice superuser; drop table t");
  db().run(tables_of_every_command);
  run_every_command(folder_, as_role, {}, [] {});
  folder_.write("m/003_unqualified.sql", "create table made_here (a int)");
  const std::vector<std::string> up{"migrate", "up", "--dir", folder_ / "m", "-d", as_role};
  const Finished finished = pgsluice(up);
  EXPECT_EQ(0, finished.exit_code) << finished.err;
  EXPECT_EQ("public", db().value("select relnamespace::regnamespace from pg_class where relname = "
                                 "'made_here'"));
  EXPECT_EQ(
      "",
      db().value(
          "select coalesce(string_agg(relname, ', '), '') from pg_class where "
          "relnamespace = 'pgsluice'::regnamespace and relkind = 'r' and relname "
          "not in ('loads', 'chunks', 'migrations', 'jobs', 'job_runs', "
          "'deferred_indexes', 'unlogged_marks', 'uploads', 'rejects', 'reverted', 'segments')"));
  db().run("reassign owned by pgsluice to current_user; drop role pgsluice");
}

TEST_F(Promises, NothingIsLoadedIntoTheLedger) {
  const std::string in = folder_.write("in.csv", "id,v\n1,a\n");
  ASSERT_EQ(0, load(in).exit_code);
  for (const char* table : {"loads", "pgsluice.loads"}) {
    const Finished refused =
        pgsluice({"load", in, "-t", table, "-d", url()},
                 {.environment = {"PGOPTIONS=-c search_path=pgsluice,public"}});
    EXPECT_EQ(2, refused.exit_code) << table;
    EXPECT_THAT(refused.err, HasSubstr("pgsluice's own")) << table;
  }
}

}  // namespace
}  // namespace sluice::test

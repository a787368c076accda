#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/old_ledger.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Applications that share a database, each with a folder and a configuration of its own.
class ProjectsOfJobs : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table ticks (app text, at timestamptz default clock_timestamp())");
  }
  /// A job named tick, which says whose it is.
  void configure(const std::string& app, const std::string& head, const std::string& more = "",
                 const std::string& cron = "@every 1s") {
    std::filesystem::create_directories(folder_ / app);
    folder_.write(app + "/tick.sql", "insert into ticks (app) values ('" + app + "')");
    folder_.write(app + "/pgsluice.toml", "dbname = \"" + url() + "\"\n" + head +
                                              "[scheduler]\nlost_after = \"30s\"\n[[job]]\nname = "
                                              "\"tick\"\ncron = \"" +
                                              cron + "\"\nsql = \"tick.sql\"\n" + more);
  }
  std::vector<std::string> command(const std::string& app, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"schedule", "run", "--config", folder_ / (app + "/pgsluice.toml")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// It may have asked for a slot just then, which it does not begin (143).
  static Finished stop(Process& process) {
    process.signal(SIGTERM);
    const Finished stopped = process.wait();
    EXPECT_THAT(stopped.exit_code, AnyOf(0, 143)) << stopped.err;
    return stopped;
  }
  std::int64_t ticks(const std::string& app) {
    return db().number("select count(*) from ticks where app = '" + app + "'");
  }

  TemporaryFolder folder_;
};

TEST_F(ProjectsOfJobs, OneNameForTwoThingsIsRefused) {
  configure("a", "");
  configure("b", "");
  Process first(command("a"));
  ASSERT_TRUE(comes_true("select count(*) > 0 from ticks"));
  Process second(command("b"));
  ASSERT_TRUE(second.says("refused: "));
  EXPECT_THAT(second.err_so_far(), HasSubstr("runs this job of project \"default\", and means "
                                             "something else by it (differs in sql)"));
  EXPECT_THAT(second.err_so_far(), HasSubstr("project = \"NAME\""));
  const Finished once = pgsluice(command("b", {"--once"}));
  EXPECT_EQ(1, once.exit_code) << once.err;
  EXPECT_THAT(once.err, HasSubstr("refused"));
  ASSERT_TRUE(comes_true("select count(*) >= 5 from ticks"));
  EXPECT_EQ(0, ticks("b"));
  EXPECT_EQ(0, db().number("select count(*) from (select from pgsluice.job_runs having extract("
                           "epoch from max(slot) - min(slot)) + 1 > count(*)) g"))
      << "no slot of the first is lost to the second";

  // With a name it is another job, at once; without the first it is this one's.
  const Finished named = pgsluice(command("b", {"--once", "--project", "b"}));
  EXPECT_EQ(0, named.exit_code) << named.err;
  stop(first);
  db().run("update pgsluice.jobs set followed_at = followed_at - interval '1 minute'");
  EXPECT_TRUE(second.says("goes on: "));
  EXPECT_TRUE(comes_true("select count(*) > 0 from ticks where app = 'b'"));
  stop(second);
}

TEST_F(ProjectsOfJobs, TwoProjectsRunEachSlotOnce) {
  for (const char* app : {"a", "b"}) {
    configure(app, "project = \"" + std::string(app) + "\"\n", "catchup = \"all\"\n");
    ASSERT_EQ(0, pgsluice(command(app, {"--once"})).exit_code);
  }
  db().run(
      "delete from pgsluice.job_runs; delete from ticks; update pgsluice.jobs set since = now() "
      "- interval '40 seconds'");
  Process a1(command("a"));
  Process b1(command("b"));
  Process b2(command("b"));
  ASSERT_TRUE(
      comes_true("select count(*) filter (where project = 'a' and state = 'ran') >= 50 and "
                 "count(*) filter (where project = 'b' and state = 'ran') >= 50 from "
                 "pgsluice.job_runs"));
  // A slot that one of them has just asked for is not begun any more, and is interrupted.
  for (Process* process : {&a1, &b1, &b2}) {
    stop(*process);
  }
  for (const char* app : {"a", "b"}) {
    const std::string where = " from pgsluice.job_runs where project = '" + std::string(app) + "'";
    EXPECT_EQ(db().number("select count(*)" + where + " and state = 'ran'"), ticks(app));
    EXPECT_EQ(0, db().number("select count(*)" + where +
                             " and state <> 'ran' and not (state = 'interrupted' and attempts = "
                             "0)"));
    EXPECT_EQ(db().number("select count(*)" + where),
              db().number("select 1 + extract(epoch from max(slot) - min(slot))::int" + where))
        << "no slot is left out";
  }
  const Finished history = pgsluice({"schedule", "history", "-d", url(), "-n", "400"});
  EXPECT_THAT(history.out, HasSubstr("  a/tick"));
  const Finished of_b = pgsluice({"schedule", "history", "--project", "b", "-d", url()});
  EXPECT_THAT(of_b.out, Not(HasSubstr("a/tick")));
}

TEST_F(ProjectsOfJobs, SameConfigurationElsewhereIsTheSameJob) {
  configure("a", "");
  configure("b", "");
  folder_.write("b/tick.sql", "insert into ticks (app) values ('a')");
  Process first(command("a"));
  ASSERT_TRUE(comes_true("select count(*) > 0 from ticks"));
  Process second(command("b"));
  ASSERT_TRUE(comes_true("select count(distinct runner) = 2 from pgsluice.job_runs"));
  EXPECT_THAT(stop(second).err, Not(HasSubstr("refused")));
  stop(first);
  // One that was just asked for when its scheduler was stopped is not begun.
  EXPECT_EQ(db().number("select count(*) from pgsluice.job_runs where state = 'ran'"), ticks("a"));
}

TEST_F(ProjectsOfJobs, PlaceInARepositoryAndAContainerAreOneProject) {
  std::filesystem::create_directories(folder_ / "repository/.git");
  configure("repository/services/shop", "");
  configure("image", "");
  folder_.write("image/tick.sql", read_file(folder_ / "repository/services/shop/tick.sql"));
  Process first(command("repository/services/shop"));
  ASSERT_TRUE(comes_true("select count(*) > 0 from ticks"));
  Process second(command("image"));
  ASSERT_TRUE(second.says("goes on as project \"services/shop\""));
  std::this_thread::sleep_for(3s);
  stop(second);
  stop(first);
  EXPECT_EQ("services/shop",
            db().value("select string_agg(distinct project, ',') from pgsluice.job_runs"));
}

/// Tenants by search_path share a configuration, not their slots.
TEST_F(ProjectsOfJobs, AnotherSearchPathIsAnotherJob) {
  db().run("create schema t1; create schema t2");
  configure("a", "");
  const auto in = [this](const std::string& schema) {
    return Process::Options{.input = "",
                            .environment = {"PGOPTIONS=-c search_path=" + schema + ",public"},
                            .program = PGSLUICE_BINARY};
  };
  Process first(command("a"), in("t1"));
  ASSERT_TRUE(comes_true("select count(*) > 0 from ticks"));
  configure("b", "");
  folder_.write("b/tick.sql", read_file(folder_ / "a/tick.sql"));
  const Finished once = pgsluice(command("b", {"--once"}), in("t2"));
  EXPECT_EQ(1, once.exit_code);
  EXPECT_THAT(once.err, HasSubstr("differs in search_path"));
  stop(first);
}

/// A job that was edited is a new one's business only in its own file.
TEST_F(ProjectsOfJobs, AnEditedConfigurationCountsAtOnce) {
  configure("a", "");
  ASSERT_EQ(0, pgsluice(command("a", {"--once"})).exit_code);
  configure("a", "", "overlap = \"queue\"\n");
  const Finished edited = pgsluice(command("a", {"--once"}));
  EXPECT_EQ(0, edited.exit_code) << edited.err;
  EXPECT_THAT(edited.err, Not(HasSubstr("refused")));
}

class UpgradesOfJobs : public ProjectsOfJobs {
 protected:
  void SetUp() override {
    ProjectsOfJobs::SetUp();
    make_old_ledger(db());
    // Seen a minute ago, and run until now.
    db().run(
        "insert into pgsluice.jobs (job, schedule, since) values ('tick', '@every 1s UTC', now() - "
        "interval '1 minute'); insert into pgsluice.job_runs (job, slot, state, runner, "
        "finished_at) select 'tick', s, 'ran', 'old host', now() from generate_series(date_trunc("
        "'second', now()) - interval '1 minute', date_trunc('second', now()) + interval '4 "
        "seconds', interval '1 second') s");
    last_ = db().value("select max(slot) from pgsluice.job_runs");
  }
  std::string last_;
};

TEST_F(UpgradesOfJobs, KeepEverySlot) {
  for (const char* head : {"", "project = \"shop\"\n"}) {
    SCOPED_TRACE(head);
    const std::string project = *head == '\0' ? "default" : "shop";
    if (project == "shop") {
      db().run("drop schema pgsluice cascade; drop table ticks");
      SetUp();
    }
    configure("a", head, "catchup = \"all\"\n");
    Process process(command("a"));
    ASSERT_TRUE(comes_true("select count(*) >= 3 from ticks"));
    const Finished stopped = stop(process);
    EXPECT_EQ(project == "shop", stopped.err.contains("taken over: ")) << stopped.err;
    EXPECT_EQ(project,
              db().value("select string_agg(distinct project, ',') from pgsluice.job_runs"));
    const std::string later = " from pgsluice.job_runs where slot > '" + last_ + "'";
    EXPECT_EQ(ticks("a"), db().number("select count(*)" + later + " and state = 'ran'"))
        << "none of before is run again";
    EXPECT_EQ(db().number("select count(*) from pgsluice.job_runs"),
              db().number("select 1 + extract(epoch from max(slot) - min(slot))::int from "
                          "pgsluice.job_runs"))
        << "none is left out";
  }
}

TEST_F(ProjectsOfJobs, TimeoutIsWhatItSays) {
  configure("a", "", "timeout = \"1s\"\noverlap = \"queue\"\n");
  folder_.write("a/tick.sql", "select pg_sleep(60)");
  Process process(command("a"));
  ASSERT_TRUE(
      comes_true("select exists (select from pgsluice.job_runs where state = 'timed_out')"));
  process.signal(SIGTERM);
  EXPECT_TRUE(process.says("stopping"));
  process.signal(SIGTERM);
  process.wait();
  EXPECT_LT(db().number("select extract(milliseconds from min(finished_at - claimed_at))::int from "
                        "pgsluice.job_runs where state = 'timed_out'"),
            20'000);
  EXPECT_THAT(db().value("select min(message) from pgsluice.job_runs where state = 'timed_out'"),
              HasSubstr("took longer than 1.0 s"));
}

TEST_F(ProjectsOfJobs, ValuesOfPlaceholdersAreShownNowhere) {
  configure("a", "", "flags = [\"--placeholder\", \"pw=s3cr3tX\", \"--placeholder=x=s3cr3tY\"]\n");
  folder_.write("a/tick.sql",
                "-- pgsluice: placeholder pw\n-- pgsluice: placeholder x secret\n"
                "-- pgsluice: lock-timeout 0\n"
                "insert into ticks (app) values ('a'); lock table busy; select :'pw', :'x'::int;");
  db().run("create table busy ()");
  Session holder(url());
  holder.run("begin; lock table busy");
  const Finished checked = pgsluice({"schedule", "check", "--config", folder_ / "a/pgsluice.toml"});
  EXPECT_THAT(checked.out, HasSubstr("--placeholder pw=***"));
  Process process(command("a"));
  ASSERT_TRUE(
      comes_true("select exists (select from pg_locks where relation = 'busy'::regclass and not "
                 "granted)"));
  std::string shown = checked.out;
  std::size_t children = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string text = read_file((entry.path() / "cmdline").string());
    if (!text.contains(folder_ / "a/tick.sql")) continue;
    ++children;
    shown += text;
  }
  EXPECT_GT(children, 0U);
  holder.run("commit");
  ASSERT_TRUE(comes_true("select exists (select from pgsluice.job_runs where state = 'failed')"));
  shown += stop(process).err;
  shown += db().value("select string_agg(r::text, ' ') from pgsluice.job_runs r");
  shown += db().value("select string_agg(j::text, ' ') from pgsluice.jobs j");
  EXPECT_THAT(shown, HasSubstr("invalid_text_representation"));
  EXPECT_THAT(shown, Not(HasSubstr("s3cr3t")));
}

TEST_F(ProjectsOfJobs, AFlagThatIsGivenTwiceNamesItsJob) {
  configure("a", "", "flags = [\"-d\", \"one\", \"--dbname=two\"]\n");
  const Finished checked = pgsluice({"schedule", "check", "--config", folder_ / "a/pgsluice.toml"});
  EXPECT_EQ(2, checked.exit_code);
  EXPECT_THAT(checked.err, HasSubstr("pgsluice.toml:8:9: job \"tick\": "));
  EXPECT_THAT(checked.err, HasSubstr("--dbname is given 2 times"));
}

/// A version before took the values along into its digests. Its scheduler, elsewhere, may still be
/// alive: the same job is not refused, has missed nothing, and its digest is replaced.
TEST_F(ProjectsOfJobs, DigestsOfSecretsAreKnownAgainAndReplaced) {
  configure("a", "", "flags = [\"--placeholder\", \"pw=s3cr3tX\"]\n");
  folder_.write(
      "a/tick.sql",
      "-- pgsluice: placeholder pw\ninsert into ticks (app) select 'a' where :'pw' <> ''");
  ASSERT_EQ(0, pgsluice(command("a", {"--once"})).exit_code);
  const std::string now = db().value("select meaning from pgsluice.jobs");
  const std::string flags = "encode(sha256(E'--placeholder\\npw=s3cr3tX\\n'), 'hex')";
  // A slot may have been due at once.
  db().run(
      "truncate ticks; delete from pgsluice.job_runs; update pgsluice.jobs set place = "
      "'elsewhere', followed_at = clock_timestamp(), since = "
      "clock_timestamp() - interval '3 seconds', meaning = regexp_replace(meaning, "
      "'flags=\\w+', 'flags=' || left(" +
      flags + ", 12))");
  ASSERT_NE(now, db().value("select meaning from pgsluice.jobs"));
  const std::string since = db().value("select since::text from pgsluice.jobs");
  const Finished once = pgsluice(command("a", {"--once"}));
  EXPECT_EQ(0, once.exit_code) << once.err;
  EXPECT_THAT(once.err, Not(HasSubstr("refused")));
  EXPECT_EQ(now, db().value("select meaning from pgsluice.jobs"));
  EXPECT_EQ(since, db().value("select since::text from pgsluice.jobs"));
  EXPECT_EQ(1, ticks("a")) << "what was due has run";
}

/// A connection in the flags of a job is no secret of who may see processes, nor of the log.
TEST_F(ProjectsOfJobs, ConnectionsInFlagsAreShownNowhere) {
  const std::string other = "postgresql://nobody:s3cr3tX@127.0.0.1:1/x";
  configure("a", "", "flags = [\"-d\", \"" + other + "\", \"--wait=5min\"]\n");
  const Finished checked = pgsluice({"schedule", "check", "--config", folder_ / "a/pgsluice.toml"});
  EXPECT_EQ(0, checked.exit_code) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("-d postgresql://nobody:***@127.0.0.1:1/x"));
  Process process(command("a"));
  ASSERT_TRUE(process.says("waits up to"));
  EXPECT_THAT(process.err_so_far(), HasSubstr("port 1 failed")) << "it is the flags' server";
  std::string shown = checked.out + process.err_so_far();
  std::size_t children = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string text = read_file((entry.path() / "cmdline").string());
    if (!text.contains(folder_ / "a/tick.sql")) continue;
    ++children;
    shown += text;
    EXPECT_THAT(text, Not(HasSubstr("nobody"))) << "it comes by the environment";
  }
  EXPECT_GT(children, 0U);
  process.signal(SIGTERM);
  EXPECT_TRUE(process.says("stopping"));
  process.signal(SIGTERM);
  shown += process.wait().err;
  shown += db().value("select string_agg(r::text, ' ') from pgsluice.job_runs r");
  shown += db().value("select string_agg(j::text, ' ') from pgsluice.jobs j");
  EXPECT_THAT(shown, Not(HasSubstr("s3cr3t")));
}

}  // namespace
}  // namespace sluice::test

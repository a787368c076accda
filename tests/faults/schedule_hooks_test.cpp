#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <deque>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "support/authority.hpp"
#include "support/database.hpp"
#include "support/files.hpp"
#include "support/patience.hpp"
#include "support/process.hpp"
#include "support/web_server.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// A job that ends as a table says, and whoever is told.
class ScheduleHooks : public DatabaseTest {
 protected:
  void SetUp() override {
    db().run("create table mood (fails bool); insert into mood values (false)");
    folder_.write(
        "j.sql",
        "do $$ begin if (select fails from mood) then raise 'out of sorts'; end if; end $$");
    // What it reads, a line a call.
    program("note", "cat >> " + (folder_ / "told") + "\n");
  }
  std::string program(const std::string& name, const std::string& script) {
    const std::string path = folder_.write(name, "#!/bin/sh\n" + script);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  void configure(const std::string& job_keys, const std::string& settings = "",
                 const std::string& cron = "@every 1s") {
    folder_.write("pgsluice.toml", "dbname = \"" + url() +
                                       "\"\n[scheduler]\nlost_after = \"3s\"\n" + settings +
                                       "[[job]]\nname = \"j\"\ncron = \"" + cron +
                                       "\"\nsql = \"j.sql\"\n" + job_keys);
  }
  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"schedule", "run", "--config", folder_ / "pgsluice.toml"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// One slot is due, and no other one for half a day.
  void make_one_due() {
    db().run(
        "update pgsluice.jobs set since = now() - interval '24 hours'; update pgsluice.job_runs "
        "set "
        "slot = slot - interval '48 hours'");
  }
  void fail(bool fails) {
    db().run(std::string("update mood set fails = ") + (fails ? "true" : "false"));
  }
  Finished run_one(bool fails) {
    fail(fails);
    make_one_due();
    return pgsluice(command({"--once"}));
  }
  std::vector<nlohmann::json> told() const {
    std::vector<nlohmann::json> all;
    const std::string text =
        std::filesystem::exists(folder_ / "told") ? read_file(folder_ / "told") : "";
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      all.push_back(nlohmann::json::parse(text.substr(at, end - at)));
      at = end == std::string::npos ? text.size() : end + 1;
    }
    return all;
  }
  std::vector<std::string> hooks_told() const {
    std::vector<std::string> names;
    for (const nlohmann::json& one : told()) names.push_back(one["hook"]);
    return names;
  }
  static Finished stop(Process& process) {
    process.signal(SIGTERM);
    return process.wait();
  }
  std::int64_t runs(const std::string& where) {
    return db().number("select count(*) from pgsluice.job_runs where " + where);
  }

  TemporaryFolder folder_;
};

constexpr const char* all_three =
    "on_failure = [\"./note\"]\non_success = [\"./note\"]\non_recovery = [\"./note\"]\n";

TEST_F(ScheduleHooks, FailureSuccessAndRecoveryOverRestarts) {
  configure(all_three, "", "@every 24h");
  ASSERT_EQ(0, pgsluice(command({"--once"})).exit_code);
  for (const bool fails : {false, true, true, false, false}) {
    const Finished ran = run_one(fails);
    EXPECT_EQ(fails ? 1 : 0, ran.exit_code) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(fails ? "hook: on_failure (" : "hook: on_success ("));
  }
  EXPECT_EQ((std::vector<std::string>{"on_success", "on_failure", "on_failure", "on_success",
                                      "on_recovery", "on_success"}),
            hooks_told())
      << "each scheduler was a process of its own";
  const nlohmann::json failed = told()[1];
  EXPECT_EQ("j", failed["job"]);
  EXPECT_EQ("failed", failed["state"]);
  EXPECT_EQ(1, failed["exit_code"]);
  EXPECT_THAT(failed["message"].get<std::string>(), HasSubstr("out of sorts"));
  EXPECT_THAT(failed["text"].get<std::string>(), HasSubstr("out of sorts"));
  EXPECT_EQ(0, runs("hooks_due or hooks_message <> ''"));
}

/// Neither what hangs, nor what fails, nor what floods keeps the job from its slots.
TEST_F(ScheduleHooks, DoNoHarm) {
  program("hangs", "trap '' TERM; sleep 600 & wait; sleep 600\n");
  program("floods", "while :; do echo 0123456789012345678901234567890123456789; done\n");
  program("fails", "echo no luck >&2; exit 7\n");
  program("closes", "exec 0<&-; exit 0\n");
  for (const std::string name : {"hangs", "floods", "fails", "closes"}) {
    SCOPED_TRACE(name);
    configure("on_success = [\"./" + name + "\"]\n");
    Process process(command());
    ASSERT_TRUE(process.says(" started"));
    const std::int64_t before = runs("state = 'ran'");
    ASSERT_TRUE(comes_true("select count(*) > " + std::to_string(before + 3) +
                           " from pgsluice.job_runs where state = 'ran'"));
    if (name == "floods") {
      EXPECT_TRUE(process.says("floods says more than 1 MiB"));
    }
    if (name == "fails") {
      EXPECT_TRUE(process.says("/fails ends with exit code 7"));
    }
    process.signal(SIGTERM);
    EXPECT_TRUE(process.says("stopping"));  // two signals at once would be one
    process.signal(SIGTERM);
    const Finished stopped = process.wait();
    EXPECT_THAT(stopped.exit_code, AnyOf(0, 143));
    EXPECT_LT(stopped.err.size(), 200'000U) << "a flood is no log";
    db().run("delete from pgsluice.job_runs");
  }
}

TEST_F(ScheduleHooks, AProgramThatHangsIsEndedWithAllThatItStarted) {
  program("hangs", "trap '' TERM\nsleep 677 &\nsleep 677\n");
  configure("on_success = [\"./hangs\"]\n", "", "@every 24h");
  ASSERT_EQ(0, pgsluice(command({"--once"})).exit_code);
  const auto began = std::chrono::steady_clock::now();
  const Finished ran = run_one(false);
  EXPECT_EQ(0, ran.exit_code);
  EXPECT_THAT(ran.err, HasSubstr("hangs takes longer than 30"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 90s);
  EXPECT_EQ(1, runs("hooks_message like '%takes longer than 30%' and not hooks_due"));
  for (const auto& entry : std::filesystem::directory_iterator("/proc"))
    EXPECT_THAT(read_file((entry.path() / "cmdline").string()), Not(HasSubstr(std::string("sleep\0"
                                                                                          "677",
                                                                                          9))));
  EXPECT_THAT(pgsluice({"schedule", "history", "--config", folder_ / "pgsluice.toml"}).out,
              HasSubstr("(not told: on_success: "));
}

/// Whoever is killed between the end of a run and the hook, or in the middle of it, leaves it to
/// the next one.
TEST_F(ScheduleHooks, AreToldAfterAKill) {
  program("first_hangs", "if [ -e " + (folder_ / "begun") + " ]; then cat >> " +
                             (folder_ / "told") + "; else touch " + (folder_ / "begun") +
                             "; sleep 20; fi\n");
  configure("on_failure = [\"./first_hangs\"]\n");
  fail(true);
  Process first(command());
  ASSERT_TRUE(is_seen([this] { return std::filesystem::exists(folder_ / "begun"); }));
  first.signal(SIGKILL);
  first.wait();
  const std::string untold =
      db().value("select min(slot)::text from pgsluice.job_runs where hooks_due");
  EXPECT_TRUE(told().empty());
  fail(false);
  Process second(command());
  ASSERT_TRUE(comes_true(
      "select not hooks_due and hooks_message = '' from pgsluice.job_runs where slot = '" + untold +
      "'"));
  stop(second);
  ASSERT_FALSE(told().empty());
  EXPECT_EQ("on_failure", told().front()["hook"]);
}

/// The scheduler that ran it is gone: another one says so to those who want to know of failures.
TEST_F(ScheduleHooks, ALostRunIsAFailure) {
  folder_.write("j.sql", "select pg_sleep(30)");
  configure(all_three);
  Process first(command());
  ASSERT_TRUE(comes_true("select exists (select from pgsluice.job_runs where state = 'running')"));
  first.signal(SIGKILL);
  first.wait();
  folder_.write("j.sql", "select 1");
  Process second(command());
  ASSERT_TRUE(is_seen([this] { return told().size() >= 3; }));
  stop(second);
  EXPECT_EQ("lost", told()[0]["state"]);
  const std::vector<std::string> names = hooks_told();
  EXPECT_EQ((std::vector<std::string>{"on_failure", "on_success", "on_recovery"}),
            std::vector<std::string>(names.begin(), names.begin() + 3));
}

TEST_F(ScheduleHooks, TwoSchedulersTellOnce) {
  configure("on_success = [\"./note\"]\n");
  Process first(command());
  Process second(command());
  ASSERT_TRUE(comes_true(
      "select count(*) >= 10 from pgsluice.job_runs where state = 'ran' and not hooks_due"));
  stop(first);
  stop(second);
  std::set<std::string> slots;
  for (const nlohmann::json& one : told())
    EXPECT_TRUE(slots.insert(one["slot"]).second) << one["slot"];
  EXPECT_EQ(runs("state = 'ran' and not hooks_due"), static_cast<std::int64_t>(slots.size()));
}

/// The clock of the database jumps: what was seen is not told again.
TEST_F(ScheduleHooks, OfSlotsAheadAreToldOnce) {
  configure("on_success = [\"./note\"]\n", "", "@every 24h");
  ASSERT_EQ(0, pgsluice(command({"--once"})).exit_code);
  run_one(false);
  db().run(
      "update pgsluice.job_runs set slot = slot + interval '1 year', heartbeat_at = heartbeat_at - "
      "interval '1 year'");
  ASSERT_EQ(1U, told().size());
  EXPECT_EQ(0, pgsluice(command({"--once"})).exit_code);
  EXPECT_EQ(1U, told().size());
}

class PostedHooks : public ScheduleHooks {
 protected:
  WebServer::Answer answer(const WebServer::Asked& asked) {
    std::lock_guard lock(mutex_);
    bodies_.push_back(asked.body);
    if (answers_.empty()) return {};
    WebServer::Answer next = answers_.front();
    answers_.pop_front();
    return next;
  }
  Finished run_with(const std::deque<WebServer::Answer>& answers) {
    configure("on_success = \"" + server_.url() +
                  "/services/T0/${HOOK_TOKEN}?token=quite-secret-it-is\"\n",
              "", "@every 24h");
    const Process::Options options{.environment = {"HOOK_TOKEN=very-secret-token-1"}};
    EXPECT_EQ(0, pgsluice(command({"--once"}), options).exit_code);
    {
      std::lock_guard lock(mutex_);
      answers_ = answers;
      bodies_.clear();
    }
    fail(false);
    make_one_due();
    const Finished ran = pgsluice(command({"--once"}), options);
    EXPECT_EQ(0, ran.exit_code) << "a hook is no part of the job";
    EXPECT_THAT(ran.err, Not(HasSubstr("secret")));
    EXPECT_EQ(0, runs("hooks_message like '%secret%' or message like '%secret%'"));
    return ran;
  }

  std::mutex mutex_;
  std::deque<WebServer::Answer> answers_;
  std::vector<std::string> bodies_;
  WebServer server_{[this](const WebServer::Asked& asked) { return answer(asked); }};
};

TEST_F(PostedHooks, ArePostedAndTriedAgain) {
  const Finished ran = run_with({{.status = 503}, {.is_silence = true}, {.status = 204}});
  EXPECT_THAT(ran.err, HasSubstr("hook: on_success (" + server_.url()));
  ASSERT_EQ(3U, server_.asked().size());
  const auto asked = server_.asked().back();
  EXPECT_EQ("POST", asked.method);
  EXPECT_EQ("application/json", asked.header("content-type"));
  EXPECT_EQ("/services/T0/very-secret-token-1?token=quite-secret-it-is", asked.path);
  EXPECT_EQ("on_success", nlohmann::json::parse(asked.body)["hook"]);
}

TEST_F(PostedHooks, ARefusalIsSaidOnceAndARedirectIsNotFollowed) {
  EXPECT_THAT(run_with({{.status = 404, .body = "very-secret-token-1 is wrong"}}).err,
              HasSubstr("hook failed: on_success: " + server_.url() + " answers 404"));
  EXPECT_EQ(1U, server_.asked().size());
  server_.answer_by([this](const WebServer::Asked& asked) { return answer(asked); });
  EXPECT_THAT(
      run_with({{.status = 302, .headers = {{"Location", server_.url() + "/elsewhere"}}}}).err,
      HasSubstr("answers 302: write the URL that it leads to"));
  EXPECT_EQ(1U, server_.asked().size());
}

TEST_F(PostedHooks, AServerThatIsSilentKeepsNobody) {
  configure("on_success = \"" + server_.url() + "\"\n");
  server_.answer_by([](const WebServer::Asked&) { return WebServer::Answer{.delay = 3s}; });
  Process process(command());
  ASSERT_TRUE(comes_true("select count(*) >= 4 from pgsluice.job_runs where state = 'ran'"));
  const auto sent = std::chrono::steady_clock::now();
  process.signal(SIGTERM);
  EXPECT_TRUE(process.says("stopping"));  // two signals at once would be one
  process.signal(SIGTERM);
  process.wait();
  EXPECT_LT(std::chrono::steady_clock::now() - sent, 15s);
  EXPECT_LE(1, runs("hooks_due")) << "another scheduler tells it";
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/database.hpp"
#include "support/files.hpp"
#include "support/process.hpp"

namespace sluice::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ScheduleStatus : public DatabaseTest {
 protected:
  void SetUp() override {
    folder_.write("a.sql", "select 1");
    folder_.write("pgsluice.toml",
                  "project = \"p\"\n" + job("early", "@every 24h") + job("hourly", "@every 24h"));
  }
  static std::string job(const std::string& name, const std::string& cron) {
    return "[[job]]\nname = \"" + name + "\"\ncron = \"" + cron + "\"\nsql = \"a.sql\"\n";
  }
  Finished run(const std::string& command, std::vector<std::string> more = {}) const {
    std::vector<std::string> all{"schedule", command, "--config", folder_ / "pgsluice.toml",
                                 "-d",       url()};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all);
  }
  TemporaryFolder folder_;
};

/// Who looks may be on another host than the scheduler.
TEST_F(ScheduleStatus, NeedsNoProgramOfAHook) {
  folder_.write("pgsluice.toml", "project = \"p\"\n" + job("early", "@every 24h") +
                                     "on_failure = [\"/nowhere/notify\"]\n");
  EXPECT_EQ(2, run("run", {"--once"}).exit_code);
  EXPECT_THAT(run("status").out, HasSubstr("early"));
  const Finished history = run("history");
  EXPECT_EQ(0, history.exit_code) << history.err;
}

TEST_F(ScheduleStatus, SaysWhatIsLateFirstAndEndsWithOne) {
  const Finished unknown = run("status");
  EXPECT_EQ(1, unknown.exit_code) << unknown.err;
  EXPECT_THAT(unknown.out, HasSubstr("no scheduler has run this configuration yet"));
  ASSERT_EQ(0, run("run", {"--once"}).exit_code);
  const Finished fresh = run("status");
  EXPECT_EQ(0, fresh.exit_code) << fresh.out;
  EXPECT_THAT(
      fresh.out,
      StartsWith("job     state  last slot  took  next slot\nearly   new    -          -     2"));
  EXPECT_THAT(fresh.out, HasSubstr("2 jobs, none late\n"));
  db().run("update pgsluice.jobs set since = now() - interval '30 hours' where job = 'hourly'");
  const Finished late = run("status");
  EXPECT_EQ(1, late.exit_code);
  EXPECT_THAT(late.out, HasSubstr("\nhourly  late "));
  EXPECT_LT(late.out.find("hourly"), late.out.find("early"));
  EXPECT_THAT(late.out, HasSubstr("and nobody has begun it\n"));
  EXPECT_EQ(0, run("status", {"--late-after", "48h"}).exit_code);
  const auto json = nlohmann::json::parse(run("status", {"--output", "json"}).out);
  EXPECT_EQ(1, json["exit_code"]);
  EXPECT_EQ("hourly", json["jobs"][0]["job"]);
  EXPECT_EQ("late", json["jobs"][0]["state"]);
  ASSERT_EQ(0, run("run", {"--once"}).exit_code);
  const Finished ran = run("status");
  EXPECT_EQ(0, ran.exit_code);
  EXPECT_THAT(ran.out, HasSubstr("\nhourly  ran "));
}

TEST_F(ScheduleStatus, CannotConnectIsFourAlsoInJson) {
  const Finished away = pgsluice({"schedule", "status", "--config", folder_ / "pgsluice.toml", "-d",
                                  "postgresql://127.0.0.1:1/x", "--output", "json"});
  EXPECT_EQ(4, away.exit_code);
  EXPECT_EQ(4, nlohmann::json::parse(away.out)["exit_code"]);
}

TEST_F(ScheduleStatus, WritesMetricsAtOnceAndReadableForOthers) {
  const std::string file = folder_ / "pgsluice.prom";
  ASSERT_EQ(0, run("run", {"--once", "--metrics-file", file}).exit_code);
  const std::string text = read_file(file);
  EXPECT_THAT(text, HasSubstr("pgsluice_job_late{project=\"p\",job=\"early\"} 0\n"));
  EXPECT_THAT(text,
              HasSubstr("pgsluice_job_next_slot_timestamp_seconds{project=\"p\",job=\"early\"} "));
  struct stat status{};
  ASSERT_EQ(0, ::stat(file.c_str(), &status));
  EXPECT_EQ(0644U, status.st_mode & 0777U);
  db().run("update pgsluice.jobs set since = now() - interval '30 hours' where job = 'hourly'");
  EXPECT_EQ(1, run("status", {"--metrics-file", file}).exit_code);
  EXPECT_THAT(read_file(file), HasSubstr("pgsluice_job_late{project=\"p\",job=\"hourly\"} 1\n"));
  EXPECT_FALSE(std::filesystem::exists(file + ".tmp"));
  for (const std::string& wrong :
       {folder_ / "metrics.txt", std::string("/nowhere/x.prom"), folder_.path() + "/"})
    EXPECT_EQ(2, run("status", {"--metrics-file", wrong}).exit_code) << wrong;
  // Nothing is written through a link that somebody has laid there.
  std::filesystem::create_symlink(folder_ / "a.sql", file + ".tmp");
  EXPECT_EQ(1, run("status", {"--metrics-file", file}).exit_code);
  EXPECT_EQ("select 1", read_file(folder_ / "a.sql"));
}

TEST_F(ScheduleStatus, TheDatabaseMayComeFromAVariable) {
  const auto with = [this](const std::string& value, std::vector<std::string> more = {}) {
    std::vector<std::string> all{"schedule",   "history",    "--config", folder_ / "pgsluice.toml",
                                 "--url-from", "MY_DATABASE"};
    all.insert(all.end(), more.begin(), more.end());
    return pgsluice(all, {.environment = {"MY_DATABASE=" + value}});
  };
  EXPECT_EQ(0, with(url()).exit_code);
  const Finished driver = with("postgresql+asyncpg://u:secret@h/d");
  EXPECT_EQ(2, driver.exit_code);
  EXPECT_THAT(driver.err, HasSubstr("--url-from: MY_DATABASE has no postgresql:// URL, but begins "
                                    "with postgresql+asyncpg://"));
  EXPECT_THAT(driver.err, Not(HasSubstr("secret")));
  EXPECT_THAT(with("").err, HasSubstr("--url-from: the environment has no MY_DATABASE"));
  EXPECT_THAT(with(url(), {"-d", "x"}).err, HasSubstr("leave one of them out"));
  EXPECT_EQ(0, pgsluice({"loads", "--url-from", "X"}, {.environment = {"X=" + url()}}).exit_code);
}

}  // namespace
}  // namespace sluice::test

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "jobs/after.hpp"
#include "jobs/config.hpp"
#include "jobs/lateness.hpp"
#include "jobs/telling.hpp"
#include "support/files.hpp"

namespace sluice::jobs {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr Instant first_day{1'800'000'000s};

class HookConfiguration : public ::testing::Test {
 protected:
  Config read(const std::string& text) {
    const Environment environment = [](const std::string& name) -> std::optional<std::string> {
      if (name == "TOKEN") return "s3cret";
      return std::nullopt;
    };
    return read_config(folder_.write("pgsluice.toml", text), environment);
  }
  std::string job(const std::string& name, const std::string& more) {
    folder_.write("x.sql", "select 1");
    return "[[job]]\nname = \"" + name + "\"\nsql = \"x.sql\"\n" + more + "\n";
  }

  test::TemporaryFolder folder_;
};

TEST_F(HookConfiguration, OfAJobAndOfAllJobs) {
  const std::string program = folder_.write("notify", "#!/bin/sh\n");
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const Config config = read(
      "[scheduler]\non_failure = [\"./notify\", \"-x\"]\n" +
      job("a", "cron = \"@daily\"\non_success = \"https://u:p@hooks.example.com/${TOKEN}?k=v\"") +
      job("b", "cron = \"@daily\"\non_failure = [\"sh\", \"-c\", \"echo ${TOKEN}\"]") +
      job("c", "cron = \"@daily\"\non_failure = []\non_recovery = \"http://localhost:8080/\""));
  const Hooks& a = config.jobs[0].hooks;
  EXPECT_THAT(a.on_failure.command, ElementsAre(program, "-x"));
  EXPECT_EQ("https://u:p@hooks.example.com/s3cret?k=v", a.on_success.url);
  EXPECT_EQ("https://hooks.example.com", a.on_success.shown()) << "no secret of it";
  EXPECT_FALSE(a.on_recovery.is_given());
  EXPECT_THAT(config.jobs[1].hooks.on_failure.command, ElementsAre("sh", "-c", "echo ${TOKEN}"))
      << "the shell's own";
  EXPECT_FALSE(config.jobs[2].hooks.on_failure.is_given());
  EXPECT_TRUE(config.jobs[2].hooks.on_recovery.is_given());
}

TEST_F(HookConfiguration, IsNoPartOfWhatAJobMeans) {
  const Config plain = read(job("a", "cron = \"@daily\""));
  const Config told = read(job("a", "cron = \"@daily\"\non_failure = [\"true\"]"));
  EXPECT_EQ(plain.jobs[0].meaning, told.jobs[0].meaning);
}

TEST_F(HookConfiguration, AJobAfterAnotherHasItsSlots) {
  const Config config = read(job("c", "after_job = \"b\"") + job("b", "after_job = \"a\"") +
                             job("a", "cron = \"TZ=Asia/Tokyo 0 3 * * *\""));
  EXPECT_EQ("@after b", config.jobs[0].schedule);
  EXPECT_EQ("b", predecessor_of(config.jobs[0].schedule));
  EXPECT_EQ("0 3 * * * Asia/Tokyo", config.jobs[2].schedule) << "as tz would say it";
  for (const Job& one : config.jobs)
    EXPECT_EQ(config.jobs[2].recurrence.next(first_day), one.recurrence.next(first_day));
}

TEST(Told, WhoHearsOfWhat) {
  using enum HookKind;
  EXPECT_THAT(told_kinds(RunState::failed, false), ElementsAre(on_failure));
  EXPECT_THAT(told_kinds(RunState::timed_out, false), ElementsAre(on_failure));
  EXPECT_THAT(told_kinds(RunState::lost, false), ElementsAre(on_failure));
  EXPECT_THAT(told_kinds(RunState::ran, false), ElementsAre(on_success));
  EXPECT_THAT(told_kinds(RunState::ran, true), ElementsAre(on_success, on_recovery));
  for (const RunState state : {RunState::skipped, RunState::missed, RunState::interrupted})
    EXPECT_THAT(told_kinds(state, false), IsEmpty());
}

TEST(Told, WhatTheyHear) {
  const RunEntry run{.id = {"shop", "a", first_day},
                     .state = RunState::failed,
                     .runner = "host, process 7",
                     .attempts = 2,
                     .claimed_at = "2027-01-15 08:00:00+00",
                     .finished_at = "2027-01-15 08:00:01+00",
                     .seconds = "1.0",
                     .exit_code = "5",
                     .message = "pgsluice: bad \xff\n"};
  const auto json = nlohmann::json::parse(told_text(HookKind::on_failure, run));
  EXPECT_EQ("on_failure", json["hook"]);
  EXPECT_EQ("a", json["job"]);
  EXPECT_EQ(5, json["exit_code"]);
  EXPECT_THAT(json["text"].get<std::string>(),
              HasSubstr("job a (project shop) failed, slot 2027-01-15T08:00:00Z: pgsluice: bad"));
  EXPECT_FALSE(json.contains("hooks_message"));
}

AfterDue due_of(Catchup catchup, const std::vector<RunBefore>& before) {
  return due_after("a", catchup, before, first_day);
}

TEST(AfterAnother, RunsWhatRanAndLeavesOutTheRest) {
  const AfterDue due = due_of(Catchup::all, {{first_day + 1s, RunState::ran},
                                             {first_day + 2s, RunState::failed},
                                             {first_day + 3s, RunState::ran},
                                             {first_day + 4s, RunState::running},
                                             {first_day + 5s, RunState::ran}});
  EXPECT_THAT(due.run, ElementsAre(first_day + 1s, first_day + 3s));
  ASSERT_EQ(1U, due.left_out.size());
  EXPECT_EQ(RunState::skipped, due.left_out[0].state);
  EXPECT_EQ("job \"a\", which it comes after, failed", due.left_out[0].message);
  EXPECT_EQ(first_day + 3s, due.seen) << "what is under way is waited for, and what is behind it";
}

TEST(AfterAnother, OfSeveralTheNewestRuns) {
  const AfterDue due = due_of(Catchup::latest, {{first_day + 1s, RunState::ran},
                                                {first_day + 2s, RunState::ran},
                                                {first_day + 3s, RunState::lost}});
  EXPECT_THAT(due.run, ElementsAre(first_day + 2s));
  ASSERT_EQ(2U, due.left_out.size());
  EXPECT_EQ(RunState::missed, due.left_out[0].state);
  EXPECT_EQ("job \"a\", which it comes after, was lost", due.left_out[1].message);
}

TEST(AfterAnother, WithoutCatchingUpWhatEndedJustNowRuns) {
  const AfterDue due = due_of(Catchup::none, {{first_day + 1s, RunState::ran, true},
                                              {first_day + 2s, RunState::ran, false}});
  EXPECT_THAT(due.run, ElementsAre(first_day + 2s));
  ASSERT_EQ(1U, due.left_out.size());
  EXPECT_EQ(RunState::missed, due.left_out[0].state);
}

class Lateness : public HookConfiguration {
 protected:
  void SetUp() override {
    config_ = read("project = \"p\"\n" + job("a", "cron = \"@every 1h\"\njitter = \"10m\"") +
                   job("b", "after_job = \"a\""));
  }
  JobEntry entry(const std::string& name, std::chrono::seconds now) const {
    return {.project = "p", .name = name, .seen = first_day, .now = first_day + now};
  }
  static RunEntry run(const std::string& name, std::chrono::seconds slot, RunState state) {
    return {.id = {"p", name, first_day + slot}, .state = state, .runner = "h"};
  }
  std::string late(const std::string& name, const std::vector<JobEntry>& entries) const {
    for (const JobStatus& status : status_of(config_, entries, 5min))
      if (status.job->name == name) return status.late;
    return "none of this name";
  }

  Config config_;
};

TEST_F(Lateness, IsASlotThatNobodyHasBegun) {
  EXPECT_THAT(late("a", {}), HasSubstr("no scheduler has run this configuration yet"));
  EXPECT_EQ("", late("a", {entry("a", 1h + 14min)})) << "its jitter is none";
  EXPECT_THAT(late("a", {entry("a", 1h + 16min)}), HasSubstr("and nobody has begun it"));
  JobEntry begun = entry("a", 1h + 40min);
  begun.last_run = run("a", 1h, RunState::failed);
  EXPECT_EQ("", late("a", {begun})) << "it was begun";
  begun.last_run = run("a", 100h, RunState::ran);
  EXPECT_EQ("", late("a", {begun})) << "of a clock that was ahead";
}

TEST_F(Lateness, IsARunWhoseSchedulerIsSilent) {
  JobEntry runs = entry("a", 1h + 1min);
  runs.last_run = run("a", 1h, RunState::running);
  EXPECT_EQ("", late("a", {runs}));
  runs.last_run->silent = 2min;
  EXPECT_THAT(late("a", {runs}), HasSubstr("its scheduler (h) is silent for 2:00 min"));
}

TEST_F(Lateness, OfAJobAfterAnother) {
  JobEntry a = entry("a", 1h + 40min);
  a.last_run = run("a", 1h, RunState::ran);
  EXPECT_EQ("", late("b", {a, entry("b", 1h + 40min)})) << "a has not run";
  a.success_slot = first_day + 1h;
  a.success_epoch = (first_day + 1h + 34min).time_since_epoch().count();
  EXPECT_THAT(late("b", {a, entry("b", 1h + 40min)}), HasSubstr("nobody has begun this one"));
  a.success_epoch = (first_day + 1h + 36min).time_since_epoch().count();
  EXPECT_EQ("", late("b", {a, entry("b", 1h + 40min)}));
}

TEST_F(Lateness, LateOnesComeFirst) {
  const std::vector<JobEntry> entries{entry("a", 1min)};
  const auto all = status_of(config_, entries, 5min);
  EXPECT_EQ("b", all[0].job->name);
  EXPECT_EQ("late", all[0].state());
  EXPECT_EQ("new", all[1].state());
  EXPECT_TRUE(json_of(all[1])["late"].is_null());
}

}  // namespace
}  // namespace sluice::jobs

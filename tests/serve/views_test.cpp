#include "serve/server.hpp"

namespace sluice::test {
namespace {

using nlohmann::json;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServeViews : public ServeWithTokens {
 protected:
  Finished command(const std::vector<std::string>& words) {
    std::vector<std::string> all = words;
    for (const char* word : {"-d", url().c_str()}) all.emplace_back(word);
    return pgsluice(all);
  }
  json json_of_command(std::vector<std::string> words) {
    for (const char* word : {"--output", "json"}) words.emplace_back(word);
    return json::parse(command(words).out, nullptr, false);
  }
  json seen(const std::string& target) { return json_of(call("GET", target)); }

  /// Two jobs of a project, `good` and `bad`, each of which has run once.
  void run_jobs(const std::string& project) {
    folder_.write("good.csv", "a,b\n" + std::to_string(++rows_) + ",x\n");
    folder_.write("bad.csv", "a,b\nzwei,x\n");
    std::string text = "project = \"" + project + "\"\n";
    for (const char* name : {"good", "bad"})
      text += std::string("[[job]]\nname = \"") + name +
              "\"\ncron = \"30 4 * * *\"\ntz = \"Europe/Berlin\"\nload = \"" + name +
              ".csv\"\ntable = \"t\"\nsettle = \"0s\"\n";
    const std::string config = folder_.write("pgsluice.toml", text);
    const std::vector<std::string> run{"schedule", "run", "--once", "--config", config};
    EXPECT_EQ(0, command(run).exit_code) << "it has missed nothing yet";
    db().run("update pgsluice.jobs set since = now() - interval '2 days' where project = '" +
             project + "'");
    EXPECT_EQ(1, command(run).exit_code);
  }
  std::string next_slot() {
    return json::parse(pgsluice({"schedule", "next", "30 4 * * *", "--tz", "Europe/Berlin",
                                 "--count", "1", "--output", "json"})
                           .out)[0]["slot"];
  }

 private:
  int rows_ = 0;
};

TEST_F(ServeViews, JobsAreSeenWithWhatBecameOfThem) {
  start();
  EXPECT_EQ(json::parse(R"({"jobs": []})"), seen("/v1/jobs")) << "there is no ledger yet";
  EXPECT_EQ(404, call("GET", "/v1/jobs/good/runs").status);
  run_jobs("two");
  run_jobs("one");
  const std::string before = next_slot();
  const json jobs = seen("/v1/jobs")["jobs"];
  const std::string after = next_slot();
  ASSERT_EQ(4U, jobs.size()) << jobs;
  std::vector<std::string> names;
  for (const json& job : jobs) {
    names.push_back(std::string(job["project"]) + "/" + std::string(job["job"]));
    EXPECT_EQ("30 4 * * *", job["schedule"]);
    EXPECT_EQ("Europe/Berlin", job["time_zone"]);
    EXPECT_THAT(std::string(job["next_slot"]), AnyOf(before, after));
    EXPECT_THAT(std::string(job["follower"]), HasSubstr(", process "));
    EXPECT_FALSE(job["followed_at"].is_null());
  }
  EXPECT_THAT(names, ElementsAre("one/bad", "one/good", "two/bad", "two/good"));
  EXPECT_EQ("failed", jobs[0]["last_states"][0]);
  EXPECT_TRUE(jobs[0]["last_success"].is_null());
  EXPECT_THAT(std::string(jobs[0]["last_run"]["message"]), HasSubstr("zwei"));
  EXPECT_EQ("ran", jobs[1]["last_states"][0]);
  EXPECT_EQ(jobs[1]["last_run"]["slot"], jobs[1]["last_success"]["slot"]);
  EXPECT_EQ(jobs[1]["last_run"]["finished_at"], jobs[1]["last_success"]["finished_at"]);
  EXPECT_EQ(2U, seen("/v1/jobs?project=two")["jobs"].size());
  EXPECT_EQ(0U, seen("/v1/jobs?project=nix")["jobs"].size());

  // A run looks as the command shows it.
  const json runs = seen("/v1/jobs/good/runs?project=two");
  EXPECT_TRUE(runs["next"].is_null());
  EXPECT_EQ(json_of_command({"schedule", "history", "good", "--project", "two"}), runs["runs"]);
  EXPECT_EQ(0, runs["runs"][0]["exit_code"]);
}

TEST_F(ServeViews, TheLastSuccessIsThatBeforeTheFailures) {
  start();
  run_jobs("one");
  db().run(
      "insert into pgsluice.job_runs (project, job, slot, state, runner, finished_at, "
      "exit_code, message) select 'one', 'good', now() + g * interval '1 hour', 'failed', "
      "'x', now() + g * interval '1 hour', 1, 'pgsluice: no' from generate_series(1, 20) g");
  const json job = seen("/v1/jobs")["jobs"][1];
  EXPECT_EQ(10U, job["last_states"].size());
  EXPECT_EQ("failed", job["last_run"]["state"]);
  EXPECT_NE(job["last_run"]["slot"], job["last_success"]["slot"]);
  const json history = json_of_command({"schedule", "history", "good", "--count", "100"});
  const auto last =
      std::ranges::find(history, json("ran"), [](const json& run) { return run["state"]; });
  ASSERT_NE(history.end(), last);
  EXPECT_EQ((*last)["slot"], job["last_success"]["slot"]);
}

/// A schedule that this version cannot read, as a later one may have written it.
TEST_F(ServeViews, AScheduleThatNobodyReadsHasNoNextSlot) {
  start();
  run_jobs("one");
  db().run(
      "update pgsluice.jobs set schedule = case job when 'bad' then '@lunar Moon/Sea' else "
      "'often' end");
  const json jobs = seen("/v1/jobs")["jobs"];
  EXPECT_TRUE(jobs[0]["next_slot"].is_null());
  EXPECT_EQ("@lunar", jobs[0]["schedule"]);
  EXPECT_TRUE(jobs[1]["next_slot"].is_null());
  EXPECT_EQ("often", jobs[1]["schedule"]);
  EXPECT_TRUE(jobs[1]["time_zone"].is_null());
}

TEST_F(ServeViews, PagesOfRunsLoseNone) {
  start();
  run_jobs("one");
  run_jobs("two");
  db().run(
      "insert into pgsluice.job_runs (project, job, slot, state, runner, finished_at) select "
      "p, 'good', date_trunc('hour', now()) + g * interval '1 hour', 'missed', 'x', now() "
      "from unnest(array['one', 'two']) p, generate_series(1, 5) g");
  const json all = seen("/v1/jobs/good/runs?count=1000");
  const auto runs = static_cast<std::size_t>(
      db().number("select count(*) from pgsluice.job_runs where job = 'good'"));
  ASSERT_EQ(runs, all["runs"].size());
  EXPECT_TRUE(all["next"].is_null());
  for (const std::size_t count : {std::size_t{1}, std::size_t{5}, runs}) {
    json put_together = json::array();
    std::string more;
    for (;;) {
      const json page = seen("/v1/jobs/good/runs?count=" + std::to_string(count) + more);
      for (const json& run : page["runs"]) put_together.push_back(run);
      if (page["next"].is_null()) break;
      ASSERT_EQ(count, page["runs"].size());
      more = "&before=" + std::string(page["next"]);
    }
    EXPECT_EQ(all["runs"], put_together) << count;
  }
  // A time is one too.
  const std::string slot = all["runs"][4]["slot"];
  EXPECT_EQ(all["runs"][6], seen("/v1/jobs/good/runs?before=" + slot)["runs"][0]);
}

TEST_F(ServeViews, MigrationsAreSeenAsTheStatusHasThem) {
  start();
  EXPECT_EQ(json::parse(R"({"migrations": [], "next": null})"), seen("/v1/migrations"));
  const TemporaryFolder files;
  files.write("V1__first_table.sql", "create table first (a int);\n");
  files.write("V2__not_at_once.sql",
              "-- pgsluice: no-transaction\ncreate table second (a int);\nselect 1 / 0;\n");
  files.write("R__view.sql", "create or replace view v as select 1 as one;\n");
  const std::vector<std::string> folder{"--dir", files.path(), "--project", "shop"};
  const auto migrate = [&](std::vector<std::string> words) {
    words.insert(words.end(), folder.begin(), folder.end());
    return words;
  };
  EXPECT_EQ(1, command(migrate({"migrate", "up"})).exit_code);
  json found = seen("/v1/migrations");
  ASSERT_EQ(2U, found["migrations"].size()) << found;
  EXPECT_EQ("failed", found["migrations"][0]["state"]);
  EXPECT_EQ(1, found["migrations"][0]["statements_done"]);
  EXPECT_THAT(std::string(found["migrations"][0]["error"]), HasSubstr("division by zero"));
  EXPECT_TRUE(found["migrations"][0]["applied_at"].is_null());

  files.write("V2__not_at_once.sql",
              "-- pgsluice: no-transaction\ncreate table second (a int);\nselect 1;\n");
  EXPECT_EQ(0, command(migrate({"migrate", "up"})).exit_code);
  found = seen("/v1/migrations?project=shop");
  const json status = json_of_command(migrate({"migrate", "status"}));
  ASSERT_EQ(3U, found["migrations"].size()) << found;
  std::vector<std::string> names;
  for (const json& one : found["migrations"]) {
    names.push_back(one["name"]);
    EXPECT_EQ("shop", one["project"]);
    EXPECT_EQ(db().value("select session_user"), one["applied_by"]);
    EXPECT_GE(one["seconds"], 0);
    json said;
    for (const json& other : status["migrations"])
      if (other["checksum"] == one["checksum"]) said = other;
    for (const char* key : {"state", "applied_at", "checksum"}) EXPECT_EQ(said[key], one[key]);
    EXPECT_EQ(said.value("version", json()), one["version"]);
    EXPECT_THAT(std::string(said["file"]), ::testing::EndsWith(std::string(one["file"])));
  }
  EXPECT_THAT(names, ElementsAre("view", "not at once", "first table"));
  // Pages, and the schema of pgsluice itself for whoever asks for it.
  const json page = seen("/v1/migrations?count=2");
  EXPECT_EQ(found["migrations"][2],
            seen("/v1/migrations?count=2&before=" + page["next"].dump())["migrations"][0]);
  EXPECT_THAT(std::string(seen("/v1/migrations?project=pgsluice&count=1")["migrations"][0]["file"]),
              ::testing::StartsWith("V0"));
}

TEST_F(ServeViews, AreForWhoMayUseAllTables) {
  start({"--tokens", tokens(line("all", "- * -") + line("some", "- public.* -"))});
  run_jobs("one");
  for (const char* target : {"/v1/jobs", "/v1/jobs/good/runs", "/v1/migrations"}) {
    SCOPED_TRACE(target);
    EXPECT_EQ(401, call("GET", target).status);
    EXPECT_EQ(403, call("GET", target, "", as("some-token")).status);
    EXPECT_EQ(200, call("GET", target, "", as("all-token")).status);
    EXPECT_EQ(200, call("HEAD", target, "", as("all-token")).status);
  }
}

TEST_F(ServeViews, WhatIsWrongHasItsStatus) {
  start();
  run_jobs("one");
  const auto status = [this](const std::string& target) { return call("GET", target).status; };
  EXPECT_EQ(400, status("/v1/jobs?nix=1"));
  EXPECT_EQ(400, status("/v1/jobs/good/runs?count=0"));
  EXPECT_EQ(400, status("/v1/jobs/good/runs?count=1001"));
  EXPECT_EQ(400, status("/v1/jobs/good/runs?before=yesterday"));
  EXPECT_EQ(400, status("/v1/jobs/good/runs?nix"));
  EXPECT_EQ(400, status("/v1/migrations?before=x"));
  EXPECT_EQ(404, status("/v1/jobs/nix/runs"));
  EXPECT_EQ(404, status("/v1/jobs/good/runs?project=nix"));
  EXPECT_EQ(404, status("/v1/jobs/good"));
  EXPECT_EQ(404, status("/v1/jobs/good/runs/x"));
  EXPECT_EQ(405, call("POST", "/v1/jobs", "x").status);
  EXPECT_EQ(0U, seen("/v1/jobs?project=%27%20or%20true--")["jobs"].size());
  EXPECT_EQ(404, status("/v1/jobs/%27%20or%20true--/runs"));
}

}  // namespace
}  // namespace sluice::test

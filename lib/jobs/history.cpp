#include "jobs/history.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "base/columns.hpp"
#include "base/project.hpp"
#include "pg/batch.hpp"

namespace sluice::jobs {
namespace {

/// How many states of a job's runs are shown with it.
constexpr std::size_t states_shown = 10;

constexpr auto run_columns = columns_of({
    {"project", "{}"},
    {"job", "job"},
    {"slot", "extract(epoch from slot)::bigint"},
    {"state", "state"},
    {"runner", "runner"},
    {"attempts", "attempts"},
    {"claimed_at", "coalesce(to_char(claimed_at, 'YYYY-MM-DD HH24:MI:SSOF'), claimed_at::text)"},
    {"finished_at",
     "coalesce(to_char(finished_at, 'YYYY-MM-DD HH24:MI:SSOF'), finished_at::text, '')"},
    {"seconds",
     "coalesce(round(extract(epoch from finished_at - claimed_at)::numeric, 1)::text, '')"},
    {"exit_code", "coalesce(exit_code::text, '')"},
    {"message", "message"},
    // The history of an older version has none.
    {"hooks_message", "coalesce(pg_catalog.to_jsonb(r) ->> 'hooks_message', '')"},
    {"silent", "floor(extract(epoch from clock_timestamp() - heartbeat_at))::bigint"},
});

constexpr auto job_columns = columns_of({
    {"project", "j.project"},
    {"job", "j.job"},
    {"schedule", "j.schedule"},
    {"since", "coalesce(to_char(j.since, 'YYYY-MM-DD HH24:MI:SSOF'), j.since::text)"},
    {"seen", "floor(extract(epoch from j.since))::bigint"},
    {"follower", "coalesce(j.follower, '')"},
    {"followed_at",
     "coalesce(to_char(j.followed_at, 'YYYY-MM-DD HH24:MI:SSOF'), j.followed_at::text, '')"},
    {"states", "coalesce(s.states, '')"},
    {"success_slot", "extract(epoch from w.slot)::bigint"},
    {"success_at",
     "coalesce(to_char(w.finished_at, 'YYYY-MM-DD HH24:MI:SSOF'), w.finished_at::text, '')"},
    {"success_epoch", "coalesce(extract(epoch from w.finished_at)::bigint, 0)"},
    {"now", "floor(extract(epoch from clock_timestamp()))::bigint"},
});

Instant instant_of(std::int64_t seconds) { return Instant(std::chrono::seconds(seconds)); }

RunState run_state(std::string_view name) {
  return value_named<RunState>(name).value_or(RunState::lost);
}

RunEntry read_run(const pg::Result& rows, std::size_t row) {
  static constexpr auto& at = run_columns;
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  return {.id = {text(at["project"]), text(at["job"]), instant_of(rows.integer(row, at["slot"]))},
          .state = run_state(rows.text(row, at["state"])),
          .runner = text(at["runner"]),
          .attempts = rows.count(row, at["attempts"]),
          .claimed_at = text(at["claimed_at"]),
          .finished_at = text(at["finished_at"]),
          .seconds = text(at["seconds"]),
          .exit_code = text(at["exit_code"]),
          .message = text(at["message"]),
          .hooks_message = text(at["hooks_message"]),
          .silent = std::chrono::seconds(rows.integer(row, at["silent"]))};
}

JobEntry read_job(const pg::Result& rows, std::size_t row) {
  static constexpr auto& at = job_columns;
  const auto text = [&](int column) { return std::string(rows.text(row, column)); };
  JobEntry job{.project = text(at["project"]),
               .name = text(at["job"]),
               .schedule = text(at["schedule"]),
               .slots_of = text(at["schedule"]),
               .since = text(at["since"]),
               .seen = instant_of(rows.integer(row, at["seen"])),
               .follower = text(at["follower"]),
               .followed_at = text(at["followed_at"]),
               .last_states = {},
               .last_run = {},
               .success_slot = {},
               .success_at = text(at["success_at"]),
               .success_epoch = rows.integer(row, at["success_epoch"]),
               .now = instant_of(rows.integer(row, at["now"]))};
  std::istringstream states(text(at["states"]));
  for (std::string state; states >> state;) job.last_states.push_back(run_state(state));
  if (!rows.is_null(row, at["success_slot"]))
    job.success_slot = instant_of(rows.integer(row, at["success_slot"]));
  return job;
}

/// The expression has blanks, the name of a zone has none. A job that comes after another one has
/// no zone.
std::pair<std::string, std::string> expression_and_zone(const std::string& schedule) {
  if (!predecessor_of(schedule).empty()) return {schedule, ""};
  const std::size_t blank = schedule.rfind(' ');
  if (blank == schedule.npos) return {schedule, ""};
  return {schedule.substr(0, blank), schedule.substr(blank + 1)};
}

/// A job that comes after another one has the slots of that one.
void find_slots(std::vector<JobEntry>& jobs) {
  for (JobEntry& job : jobs) {
    // Whoever changes names may have made a circle.
    for (std::size_t steps = 0; steps < jobs.size(); ++steps) {
      const std::string before = predecessor_of(job.slots_of);
      const auto found = std::ranges::find_if(jobs, [&](const JobEntry& other) {
        return other.project == job.project && other.name == before;
      });
      if (before.empty() || found == jobs.end()) break;
      job.slots_of = found->slots_of;
    }
  }
}

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

/// As PostgreSQL writes a number.
nlohmann::ordered_json number_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json::parse(text);
}

}  // namespace

nlohmann::ordered_json json_of(const RunEntry& run) {
  return {{"project", run.id.project},
          {"job", run.id.job},
          {"slot", schedule::format_utc(run.id.slot)},
          {"state", name_of(run.state)},
          {"runner", run.runner},
          {"attempts", run.attempts},
          {"claimed_at", run.claimed_at},
          {"finished_at", run.finished_at},
          {"seconds", number_or_null(run.seconds)},
          {"exit_code", number_or_null(run.exit_code)},
          {"message", run.message},
          {"hooks_message", text_or_null(run.hooks_message)}};
}

nlohmann::ordered_json json_of(const JobEntry& job) {
  const auto [expression, zone] = expression_and_zone(job.schedule);
  nlohmann::ordered_json json{{"project", job.project},
                              {"job", job.name},
                              {"schedule", expression},
                              {"time_zone", text_or_null(zone)},
                              {"since", job.since},
                              {"follower", text_or_null(job.follower)},
                              {"followed_at", text_or_null(job.followed_at)},
                              {"next_slot", nullptr},
                              {"last_run", nullptr},
                              {"last_states", nlohmann::ordered_json::array()},
                              {"last_success", nullptr}};
  if (const auto next = job.next_slot()) json["next_slot"] = schedule::format_utc(*next);
  if (job.last_run) json["last_run"] = json_of(*job.last_run);
  for (const RunState state : job.last_states) json["last_states"].push_back(name_of(state));
  if (job.success_slot)
    json["last_success"] = {{"slot", schedule::format_utc(*job.success_slot)},
                            {"finished_at", job.success_at}};
  return json;
}

std::optional<Instant> JobEntry::next_slot() const {
  const auto [expression, zone_name] = expression_and_zone(slots_of);
  const auto zone = schedule::TimeZone::find(zone_name);
  if (!zone) return std::nullopt;
  const auto recurrence = schedule::Recurrence::parse(expression, *zone);
  if (!recurrence) return std::nullopt;
  return recurrence->next(now);
}

std::string predecessor_of(const std::string& schedule) {
  return schedule.starts_with(after_prefix) ? schedule.substr(after_prefix.size()) : "";
}

Sql run_question(const SlotId& id) {
  return sql(
      "select {} from pgsluice.job_runs r where project = {} and job = {} and slot = "
      "to_timestamp({})",
      run_columns.list(SqlWords("project")), literal(id.project), literal(id.job),
      id.slot.time_since_epoch().count());
}

std::optional<RunEntry> run_in(const pg::Result& rows) {
  if (rows.rows() == 0) return std::nullopt;
  return read_run(rows, 0);
}

asio::awaitable<std::vector<RunEntry>> list_runs(pg::Connection& on, RunsFilter filter) {
  // The history of an older version has no projects.
  const Sql its_project =
      sql("coalesce(pg_catalog.to_jsonb(r) ->> 'project', {})", literal(default_project));
  Sql ask = sql("select {} from pgsluice.job_runs r where true", run_columns.list(its_project));
  if (!filter.job.empty()) ask += sql(" and job = {}", literal(filter.job));
  if (!filter.project.empty()) ask += sql(" and {} = {}", its_project, literal(filter.project));
  if (filter.before) {
    const Sql slot = sql("to_timestamp({})", filter.before->time_since_epoch().count());
    ask += filter.before_project.empty() ? sql(" and slot < {}", slot)
                                         : sql(" and (slot < {} or slot = {} and {} > {})", slot,
                                               slot, its_project, literal(filter.before_project));
  }
  ask += sql(" order by slot desc, 1, job limit {}", filter.count);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.front();
  std::vector<RunEntry> entries;
  for (std::size_t row = 0; row < rows.rows(); ++row) entries.push_back(read_run(rows, row));
  co_return entries;
}

asio::awaitable<std::vector<JobEntry>> list_jobs(pg::Connection& on, std::string project) {
  const Sql its_jobs = project.empty() ? sql("true") : sql("j.project = {}", literal(project));
  // Each looks at the end of an index.
  const SqlWords its_runs =
      "from pgsluice.job_runs r where r.project = j.project and r.job = j.job";
  pg::Batch batch;
  const auto asked_jobs = batch.add(
      sql("select {} from pgsluice.jobs j left join lateral (select string_agg(n.state, ' ' order "
          "by n.slot desc) from (select r.state, r.slot {} order by r.slot desc limit {}) as n) as "
          "s (states) on true left join lateral (select r.slot, r.finished_at {} and r.state = {} "
          "order by r.slot desc limit 1) as w on true where {} order by j.project, j.job",
          job_columns.list(), its_runs, states_shown, its_runs, literal(name_of(RunState::ran)),
          its_jobs));
  const auto asked_runs = batch.add(
      sql("select {} from (select n.* from pgsluice.jobs j cross join lateral (select r.* {} order "
          "by r.slot desc limit 1) as n where {}) as r",
          run_columns.list(SqlWords("project")), its_runs, its_jobs));
  const auto results = co_await on.query(batch.text());
  std::map<std::pair<std::string, std::string>, RunEntry> last_runs;
  const pg::Result& runs = batch.answer(results, asked_runs);
  for (std::size_t row = 0; row < runs.rows(); ++row) {
    RunEntry run = read_run(runs, row);
    last_runs.emplace(std::pair{run.id.project, run.id.job}, run);
  }
  const pg::Result& rows = batch.answer(results, asked_jobs);
  std::vector<JobEntry> jobs;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    jobs.push_back(read_job(rows, row));
    const auto last = last_runs.find({jobs.back().project, jobs.back().name});
    if (last != last_runs.end()) jobs.back().last_run = last->second;
  }
  find_slots(jobs);
  co_return jobs;
}

asio::awaitable<bool> has_job(pg::Connection& on, std::string project, std::string job) {
  Sql ask = sql("select exists (select from pgsluice.jobs where job = {}", literal(job));
  if (!project.empty()) ask += sql(" and project = {}", literal(project));
  ask += sql(")");
  const auto results = co_await on.query(ask);
  co_return results.front().boolean(0, 0);
}

}  // namespace sluice::jobs

#include "serve/views.hpp"

#include "jobs/history.hpp"
#include "ledger/ledger.hpp"
#include "ledger/migrations.hpp"
#include "pg/error.hpp"
#include "report/migration.hpp"
#include "serve/query.hpp"

namespace sluice::serve {
namespace {

using nlohmann::ordered_json;
using schedule::Instant;

[[noreturn]] void refuse_parameter(const char* what, const char* known, const std::string& name) {
  throw Refused{400,
                std::string(what) + " are asked for by " + known + ", and not by \"" + name + "\""};
}

/// What is asked of a page: its project, how many, and `read_before` says behind which one.
template <class Filter, class ReadBefore>
void read_page(const char* what, const Query& query, Filter& filter, ReadBefore read_before) {
  for (const auto& [name, value] : query) {
    if (name == "project") {
      filter.project = value;
    } else if (name == "count") {
      filter.count = static_cast<std::size_t>(number_of(name, value, limits::serve_page_max));
    } else if (name == "before") {
      read_before(value);
    } else {
      refuse_parameter(what, "project, count and before", name);
    }
  }
}

/// "2026-03-29T01:00:00Z", and behind a comma the project whose run was the last one of a page.
void read_before(const std::string& value, jobs::RunsFilter& filter) {
  const std::size_t comma = value.find(',');
  const auto utc = schedule::TimeZone::find("UTC");
  const auto slot = utc->parse(value.substr(0, comma));
  if (!slot)
    throw Refused{400,
                  "before is the next of the page before, or a time in UTC like "
                  "2026-03-29T01:00:00Z, and not \"" +
                      value + "\""};
  filter.before = *slot;
  if (comma != value.npos) filter.before_project = value.substr(comma + 1);
}

ordered_json next_of(const jobs::RunEntry& last) {
  return schedule::format_utc(last.id.slot) + "," + last.id.project;
}

/// So many of them, or as many as an answer may have, and where the next page goes on.
template <class Entry, class JsonOf, class NextOf>
Answer page_of(const char* name, const std::vector<Entry>& found, std::size_t count, JsonOf json_of,
               NextOf next_of) {
  ordered_json json{{name, ordered_json::array()}, {"next", nullptr}};
  std::size_t shown = 0;
  for (std::size_t bytes = 0;
       shown < std::min(count, found.size()) && bytes < limits::serve_page_bytes; ++shown) {
    json[name].push_back(json_of(found[shown]));
    bytes += json[name].back().dump().size();
  }
  if (shown < found.size()) json["next"] = next_of(found[shown - 1]);
  return answer_of(200, json);
}

asio::awaitable<Answer> jobs_view(pg::Pool& pool, Query query) {
  std::string project;
  for (const auto& [name, value] : query) {
    if (name != "project") refuse_parameter("jobs", "project", name);
    project = value;
  }
  const pg::Lease connection = co_await pool.acquire();
  std::vector<jobs::JobEntry> found;
  if (co_await ledger::is_readable(*connection, ledger::Use::read_jobs))
    found = co_await jobs::list_jobs(*connection, project);
  ordered_json json{{"jobs", ordered_json::array()}};
  for (const jobs::JobEntry& job : found) json["jobs"].push_back(json_of(job));
  co_return answer_of(200, json);
}

asio::awaitable<Answer> runs_view(pg::Pool& pool, std::string job, Query query) {
  jobs::RunsFilter filter{.job = std::move(job), .count = limits::serve_page_default};
  read_page("runs", query, filter,
            [&filter](const std::string& before) { read_before(before, filter); });
  const pg::Lease connection = co_await pool.acquire();
  const bool is_there = co_await ledger::is_readable(*connection, ledger::Use::read_jobs) &&
                        co_await jobs::has_job(*connection, filter.project, filter.job);
  if (!is_there) throw Refused{404, "there is no job \"" + filter.job + "\""};
  // One more says whether there is another page.
  const std::size_t count = filter.count++;
  const std::vector<jobs::RunEntry> runs = co_await jobs::list_runs(*connection, std::move(filter));
  co_return page_of(
      "runs", runs, count, [](const jobs::RunEntry& run) { return json_of(run); }, next_of);
}

asio::awaitable<Answer> migrations_view(pg::Pool& pool, Query query) {
  ledger::MigrationsFilter filter{.project = {}, .count = limits::serve_page_default, .before = {}};
  read_page("migrations", query, filter, [&filter](const std::string& before) {
    filter.before = number_of("before", before, INT64_MAX);
  });
  const std::size_t count = filter.count++;
  const pg::Lease connection = co_await pool.acquire();
  std::vector<ledger::MigrationEntry> found;
  if (co_await ledger::is_readable(*connection, ledger::Use::read_history))
    found = co_await ledger::list_migrations(*connection, std::move(filter));
  co_return page_of(
      "migrations", found, count,
      [](const ledger::MigrationEntry& one) { return report::json_of(one); },
      [](const ledger::MigrationEntry& last) { return ordered_json(last.id); });
}

bool is_runs(const std::vector<std::string>& path) {
  return path.size() == 4 && path[0] == "v1" && path[1] == "jobs" && path[3] == "runs";
}

asio::awaitable<Answer> view(pg::Pool& pool, Target target) {
  if (is_runs(target.path)) return runs_view(pool, target.path[2], target.query);
  if (target.path[1] == "jobs") return jobs_view(pool, target.query);
  return migrations_view(pool, target.query);
}

bool may_view(const Permission& permission) { return permission.may_use(TableName{}); }

}  // namespace

bool is_view(const std::vector<std::string>& path) {
  return is_runs(path) ||
         (path.size() == 2 && path[0] == "v1" && (path[1] == "jobs" || path[1] == "migrations"));
}

bool may_see_jobs_counted(const Permission& permission) {
  return may_view(permission) || permission.tables.empty();
}

asio::awaitable<Answer> view_of(pg::Pool& pool, Target target, Permission permission) {
  if (!may_view(permission))
    throw Refused{403,
                  "this token is for some tables, and jobs and migrations belong to none: they are "
                  "shown to whom all tables (*) are allowed"};
  try {
    co_return co_await view(pool, std::move(target));
  } catch (const pg::PgError& error) {
    if (!(error.state == sql_state::untranslatable_character)) throw;
  }
  throw Refused{404, "the database's encoding cannot hold this name, so that it has none"};
}

}  // namespace sluice::serve

#include "app/complete_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>

#include "app/completion.hpp"
#include "app/defaults.hpp"
#include "app/output.hpp"
#include "app/program.hpp"
#include "app/runtime.hpp"
#include "async/deadline.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/printable.hpp"
#include "jobs/config.hpp"
#include "jobs/history.hpp"
#include "ledger/ledger.hpp"
#include "ledger/loads.hpp"
#include "report/load.hpp"

namespace sluice::app {
namespace {

using namespace std::chrono_literals;
using Candidates = std::vector<Candidate>;

/// Whoever waits for more than this types it.
constexpr auto answer_max = 2s;
constexpr std::size_t loads_shown = 50;
constexpr std::size_t runs_searched = 200;

std::string value_of(const Completion& line, const std::string& flag) {
  const auto found = line.given.find(flag);
  return found == line.given.end() ? "" : found->second;
}

pg::ConnectOptions connection_of(const Completion& line) {
  return {.dbname = value_of(line, "--dbname"),
          .host = value_of(line, "--host"),
          .port = value_of(line, "--port"),
          .user = value_of(line, "--username")};
}

/// In the path of the user, who is to see the names that the user's SQL would find; so nothing here
/// goes by that path.
asio::awaitable<void> ask_tables(pg::Connection& on, const std::string& typed, Candidates& found) {
  const Sql names =
      sql("select pg_catalog.quote_ident(c.relname::pg_catalog.text) as bare, "
          "pg_catalog.format('%I.%I', n.nspname, c.relname) as whole, "
          "pg_catalog.pg_table_is_visible(c.oid) as is_visible "
          "from pg_catalog.pg_class c "
          "join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace "
          "where pg_catalog.strpos('rpfv', c.relkind::pg_catalog.text) operator(pg_catalog.>) 0 "
          "and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_') "
          "and n.nspname::pg_catalog.text operator(pg_catalog.<>) 'information_schema' "
          "and n.nspname::pg_catalog.text operator(pg_catalog.<>) 'pgsluice' "
          "and pg_catalog.has_schema_privilege(n.oid, 'usage')");
  const Sql wanted =
      sql("select name from (select case when is_visible and pg_catalog.strpos({}, '.') "
          "operator(pg_catalog.=) 0 then bare else whole end as name from ({}) as names) as shown "
          "where pg_catalog.starts_with(name, {}) order by 1 limit 1000",
          literal(typed), names, literal(typed));
  const pg::Results results = co_await on.query_in_user_path(wanted);
  const pg::Result& rows = results.front();
  for (std::size_t row = 0; row < rows.rows(); ++row)
    found.push_back({.text = std::string(rows.text(row, 0)), .help = "table"});
}

asio::awaitable<void> ask_loads(pg::Connection& on, Candidates& found) {
  if (!co_await ledger::is_readable(on, ledger::Use::read_loads)) co_return;
  const ledger::LoadsFilter filter{.count_max = loads_shown};
  for (const ledger::LoadEntry& load : co_await ledger::list_loads(on, filter))
    found.push_back({std::to_string(load.id.value), load.target + " " + load.source});
}

asio::awaitable<void> ask_jobs(pg::Connection& on, Candidates& found) {
  if (!co_await ledger::is_readable(on, ledger::Use::read_runs)) co_return;
  const jobs::RunsFilter filter{.project = "", .job = "", .count = runs_searched};
  for (const jobs::RunEntry& run : co_await jobs::list_runs(on, filter))
    found.push_back({run.id.job, run.id.project});
}

asio::awaitable<void> ask(pg::Pool& pool, const Completion& line, Candidates& found) {
  const pg::Lease connection = co_await pool.acquire();
  if (line.wanted == Wanted::tables) co_await ask_tables(*connection, line.typed, found);
  if (line.wanted == Wanted::loads) co_await ask_loads(*connection, found);
  if (line.wanted == Wanted::jobs) co_await ask_jobs(*connection, found);
}

Candidates from_database(const Completion& line) {
  Candidates found;
  Runtime runtime(connection_of(line));
  runtime.end_on_signal();
  const auto until = async::Clock::now() + answer_max;
  runtime.run(async::with_deadline(ask(runtime.pool(), line, found), until));
  return found;
}

Candidates jobs_of_configuration(const Completion& line) {
  const std::string path = value_of(line, "--config");
  Candidates found;
  for (const jobs::Job& job : jobs::read_config(path.empty() ? "pgsluice.toml" : path,
                                                jobs::process_environment(), jobs::ConfigUse::look)
                                  .jobs)
    found.push_back({job.name, job.schedule});
  return found;
}

/// What it throws was not found out.
void add_quietly(const std::function<Candidates()>& find, Candidates& all) {
  try {
    const Candidates found = find();
    all.insert(all.end(), found.begin(), found.end());
  } catch (const std::exception&) {
    return;
  }
}

Candidates asked_for(const Completion& line) {
  Candidates found;
  if (line.wanted == Wanted::jobs)
    add_quietly([&line] { return jobs_of_configuration(line); }, found);
  const bool is_in_database =
      line.wanted == Wanted::tables || line.wanted == Wanted::loads || line.wanted == Wanted::jobs;
  if (is_in_database && found.empty()) add_quietly([&line] { return from_database(line); }, found);
  return found;
}

/// A name with a line end or the like in it is nobody's to complete.
bool is_plain(const std::string& text) { return !text.empty() && printable_line(text) == text; }

std::string shown(const Completion& line, const Candidates& candidates) {
  std::string text = line.wanted == Wanted::files     ? "files\n"
                     : line.wanted == Wanted::folders ? "folders\n"
                                                      : "words\n";
  std::vector<std::string> told;
  for (const Candidate& one : candidates) {
    const bool is_new = std::ranges::find(told, one.text) == told.end();
    if (!is_new || !is_plain(one.text) || !one.text.starts_with(line.typed)) continue;
    told.push_back(one.text);
    text += line.before + one.text + "\t" + cell(one.help) + "\n";
  }
  return text;
}

}  // namespace

int run_complete(const std::vector<std::string>& arguments) {
  // Names are looked up by libpq, which may take as long as it likes.
  ::alarm(2 * std::chrono::seconds(answer_max).count());
  const bool has_dashes = arguments.size() > 1 && arguments[1] == "--";
  std::vector<std::string> words(arguments.begin() + (has_dashes ? 2 : 1), arguments.end());
  const bool is_of_one = words.size() > 1 && words.front() != "help";
  const Program program(is_of_one ? words.front() : "");
  try {
    add_defaults(program.app, words);
  } catch (const Failure&) {
    // Whoever runs the command is told.
  }
  const Completion line = completion_of(program.app, words);
  Candidates candidates = line.candidates;
  const Candidates asked = asked_for(line);
  candidates.insert(candidates.end(), asked.begin(), asked.end());
  print_bytes(shown(line, candidates));
  return exit_ok;
}

}  // namespace sluice::app

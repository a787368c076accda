#include "migrate/own_schema.hpp"

#include <array>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "ledger_sql.hpp"
#include "migrate/plan.hpp"

namespace sluice::migrate::own_schema {
namespace {

struct Embedded {
  const char* file;
  std::string_view text;
  /// True where a version of pgsluice that kept no history has applied it.
  const char* is_there;
};

const std::array<Embedded, 5> files{{
    {"V001__loads_and_chunks.sql", sql::V001__loads_and_chunks,
     "to_regclass('pgsluice.chunks') is not null"},
    {"V002__deferred_indexes.sql", sql::V002__deferred_indexes,
     "to_regclass('pgsluice.deferred_indexes') is not null"},
    {"V003__rejects.sql", sql::V003__rejects,
     "exists (select from pg_attribute where attrelid = to_regclass('pgsluice.loads') and attname "
     "= 'rejects_path')"},
    {"V004__upsert_and_atomic.sql", sql::V004__upsert_and_atomic,
     "exists (select from pg_attribute where attrelid = to_regclass('pgsluice.chunks') and "
     "attname = 'rows_updated')"},
    {"V005__jobs.sql", sql::V005__jobs, "to_regclass('pgsluice.job_runs') is not null"},
}};

}  // namespace

std::string begin() {
  // "create schema if not exists" wants the privilege even where the schema is there, and two at
  // once would collide.
  std::string text =
      "begin;"
      "select pg_advisory_xact_lock(hashtextextended('pgsluice ledger', 0));"
      "do $$ begin if to_regnamespace('pgsluice') is null then execute 'create schema pgsluice'; "
      "end if; end $$;"
      "select to_regclass('pgsluice.migrations') is not null";
  for (const Embedded& file : files) text += std::string(", ") + file.is_there;
  return text;
}

std::string create_history(const std::vector<std::string>& row) {
  std::string text;
  if (row.at(0) != "t") {
    text = std::string(sql::history) + ";";
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (row.at(i + 1) == "t")
        text += record_applied(project, make_script(files[i].file, files[i].text)) + ";";
    }
  }
  return text + history_query(project);
}

std::string upgrade(const Rows& history) {
  Folder folder;
  for (const Embedded& file : files) folder.versioned.push_back(make_script(file.file, file.text));
  History known;
  for (const auto& row : history) known.entries.push_back(read_entry(row));
  std::string text;
  // A newer pgsluice may have applied more: that is no drift here.
  for (const Status& status : make_plan(folder, known, std::nullopt).pending)
    text += status.script->text + "\n;" + record_applied(project, *status.script) + ";";
  return text;
}

void create(Session& session) {
  try {
    const Rows there = session.query(begin());
    const Rows history = session.query(create_history(there.front()));
    session.query(upgrade(history) + "commit");
  } catch (const SqlError& error) {
    if (error.state() != "42501") throw;
    session.query("rollback");
    throw Failure(FailureKind::failed,
                  "cannot create the schema pgsluice, which keeps the history: " + error.primary() +
                      advice(session.value("select current_user")));
  }
}

std::string advice(const std::string& user) {
  return "\n  Ask the database's owner to run: create schema pgsluice authorization " +
         quote_identifier(user) + ";";
}

}  // namespace sluice::migrate::own_schema

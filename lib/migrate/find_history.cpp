#include "migrate/find_history.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "base/sql.hpp"
#include "base/sql_state.hpp"
#include "migrate/make_schema.hpp"

namespace sluice::migrate {
namespace {

/// Of one schema among many the others are not read: that would be all of them for each.
script::History read_all(Session& session, schema::Use use, const Options& options) {
  script::History all;
  if (ask_schema(session, schema::Use::read_history, use) != schema::State::complete) return all;
  const Sql query = options.schema.empty() ? script::histories_query()
                                           : script::history_query(options.project.name);
  for (const script::Row& row : session.query(query))
    all.entries.push_back(script::read_entry(row));
  return all;
}

std::string search_path_here(Session& session) {
  return session.query_in_user_path(sql("select {}", script::schemas_in_path())).front()[0];
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool can_store(Session& session, const std::string& text) {
  try {
    session.query(sql("select {}::pg_catalog.text", literal(text)));
    return true;
  } catch (const SqlError& error) {
    if (error.state() != sql_state::untranslatable_character) throw;
    return false;
  }
}

/// A name that the history cannot have would be found out behind what its file has done.
void require_storable(Session& session, const script::Folder& folder, const Project& project) {
  std::vector<std::pair<std::string, std::string>> names;  // what is stored, and whose it is
  std::string all;
  const auto add = [&](const std::string& name, const std::string& whose) {
    if (is_ascii(name)) return;
    names.emplace_back(name, whose);
    all += name;
  };
  add(project.name, "project \"" + project.name + "\"");
  for (const auto* scripts : {&folder.versioned, &folder.repeatable})
    for (const script::Script& script : *scripts) add(script.file, script.path);
  if (names.empty() || can_store(session, all)) return;
  for (const auto& [name, whose] : names) {
    if (can_store(session, name)) continue;
    throw Failure(FailureKind::usage,
                  whose + ": the encoding of the database (" +
                      session.value(sql("select pg_catalog.current_setting('server_encoding')")) +
                      ") cannot hold this name, and the history keeps it: give it another name");
  }
}

/// It may have been dropped meanwhile, and the files would find the next one of the path.
void require_schema(Found& found, const Options& options) {
  if (options.schema.empty()) return;
  found.choice.note.clear();
  const std::string& path = found.search_path;
  const std::string wanted = sql("{}", identifier(options.schema)).text();
  // As the server quotes: where it must.
  const bool is_plain = options.schema.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
                        std::string::npos;
  const auto leads_to = [&path](const std::string& name) {
    return path == name || path.starts_with(name + ", ");
  };
  if (leads_to(wanted) || (is_plain && leads_to(options.schema))) return;
  throw Failure(FailureKind::failed,
                "the search_path does not lead there (but to " +
                    (path.empty() ? std::string("nothing") : path) +
                    "): the schema is gone, or its name is none in the encoding of the database");
}

}  // namespace

Found find_history_anywhere(Session& session, const script::Folder& folder,
                            const Options& options) {
  require_storable(session, folder, options.project);
  const schema::Use use =
      options.only_reads || options.dry_run ? schema::Use::read_history : schema::Use::migrate;
  Found found{
      .choice = script::choose_project(options.project, folder, read_all(session, use, options)),
      .search_path = search_path_here(session),
      .next_setting = session.next_search_path()};
  const auto is_unknown = [](const script::Entry& entry) { return !entry.search_path; };
  require_schema(found, options);
  found.is_to_be_adopted = std::ranges::any_of(found.history().entries, is_unknown);
  return found;
}

Found find_history(Session& session, const script::Folder& folder, const Options& options) {
  Found found = find_history_anywhere(session, folder, options);
  script::check_search_path(
      found.choice, found.search_path,
      options.schema.empty() ? script::Whole::all_of_it : script::Whole::first_alone);
  return found;
}

Found find_history(const script::Folder& folder, const Options& options, const Stop& stop) {
  Session session(options.conninfo, stop, options.stall_max);
  Options reading = options;
  reading.only_reads = true;
  return find_history(session, folder, reading);
}

Sql schema_is_there(const Options& options) {
  if (options.schema.empty()) return {};
  return sql(
      "select case when (pg_catalog.current_schemas(false))[1] operator(pg_catalog.=) "
      "{}::pg_catalog.name then 0 else ('the schema is gone, in ' || "
      "pg_catalog.current_database())::pg_catalog.int4 end;",
      literal(options.schema));
}

void adopt(Session& session, const Found& found) {
  if (!found.is_to_be_adopted) return;
  if (found.choice.takes_over) session.query(script::take_over(found.home()));
  session.query(sql("{} and search_path is null", script::record_search_path(found.home())));
}

}  // namespace sluice::migrate

#include "migrate/schema_dump.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/failure.hpp"
#include "migrate/apply.hpp"
#include "migrate/find_history.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/make_schema.hpp"
#include "migrate/schema_objects.hpp"
#include "script/filled_tables.hpp"
#include "script/granted_roles.hpp"
#include "script/schema_file.hpp"

namespace sluice::migrate {
namespace {

/// What a new database may have: the template's.
bool is_of_new_database(const SchemaObject& object) {
  static constexpr std::array<std::string_view, 4> kinds{"extension", "comment", "language",
                                                         "default privileges"};
  if (std::ranges::find(kinds, object.kind) != kinds.end()) return true;
  const bool is_public = object.kind == "schema" && object.name == "public";
  return is_public || (object.kind == "privileges" && object.name == "on schema public");
}

void require_new(Session& session, const Found& found) {
  if (!found.history().entries.empty()) {
    throw Failure(
        FailureKind::usage,
        "this database is not new: its history begins with " + found.history().entries.front().file,
        "What it lacks, pgsluice migrate up applies.");
  }
  std::size_t others = 0;
  std::string first;
  for (const SchemaObject& object : schema_objects(session)) {
    if (is_of_new_database(object)) continue;
    if (first.empty()) {
      first = object.kind + " " + object.name;
    } else if (object.parent == "public" || object.parent.empty()) {
      ++others;
    }
  }
  if (first.empty()) return;
  throw Failure(FailureKind::usage,
                "this database is not new: it has " + first +
                    (others == 0 ? "" : " and " + std::to_string(others) + " more"),
                "A schema is loaded into a database that was just made, with createdb.");
}

/// Without them GRANT would fail at the first one, in the middle.
void require_roles(Session& session, const std::string& path, const std::string& text) {
  const std::vector<std::string> roles = script::granted_roles(text);
  if (roles.empty()) return;
  const std::string missing = session.value(sql(
      "select coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(w.r), ', ' order by w.r), "
      "'') from pg_catalog.unnest({}) w (r) where not exists (select from pg_catalog.pg_roles o "
      "where o.rolname = w.r)",
      sql_array(roles)));
  if (missing.empty()) return;
  throw Failure(FailureKind::usage,
                path + ": grants to roles that this server does not have: " + missing +
                    "; nothing is applied",
                "Make them (create role), or dump without grants: pgsluice migrate dump "
                "--no-privileges.");
}

/// Who makes a database by the dump will find those tables empty, and the files applied.
void tell_rows(const script::Folder& folder, const Listener& listener) {
  constexpr std::size_t shown_max = 5;
  const std::vector<std::string> tables = script::filled_tables(folder);
  if (tables.empty()) return;
  std::string all;
  for (std::size_t i = 0; i < std::min(tables.size(), shown_max); ++i)
    all += (i == 0 ? "" : ", ") + tables[i];
  if (tables.size() > shown_max)
    all += " and " + std::to_string(tables.size() - shown_max) + " more";
  listener.note("no rows are in a dump, also not those that migrations insert: into " + all);
}

}  // namespace

SchemaDump dump_schema(const script::Folder& folder, const DumpProgram& dump, bool with_privileges,
                       const Options& options, const Listener& listener, const Stop& stop) {
  const Found found = find_history(folder, options, stop);
  if (!found.choice.note.empty()) listener.note(found.choice.note);
  const std::string history = script::history_lines(found.history().entries);
  DumpWish wish{
      .arguments = {"--schema-only", "--no-owner", "--no-publications", "--no-subscriptions",
                    "--no-tablespaces", "--encoding=UTF8", "--exclude-schema=pgsluice"},
      .who = "dump: "};
  if (!with_privileges) wish.arguments.emplace_back("--no-privileges");
  const std::string schema = script::trimmed_dump(dumped(dump, wish, options, stop));
  // Another run may have gone on meanwhile.
  if (script::history_lines(find_history(folder, options, stop).history().entries) != history) {
    throw Failure(FailureKind::held,
                  "another run migrates this database just now; nothing is written: run this "
                  "again");
  }
  tell_rows(folder, listener);
  return {.text = schema + "\n" + history, .migrations = found.history().entries.size()};
}

std::size_t load_schema(const script::Folder& folder, const script::Script& script,
                        const std::string& history, const Options& options,
                        const Listener& listener, const Stop& stop) {
  const std::vector<script::Entry> entries = script::read_history_lines(script.path, history);
  Apply::check(script, {});
  auto session = std::make_unique<Session>(options.conninfo, stop, options.stall_max);
  const Found before = find_history(*session, folder, options);
  require_new(*session, before);
  require_roles(*session, script.path, history);
  LockedSession locked(std::move(session), before.choice.project, options, listener, stop);
  make_schema(locked.work());
  const Found found = find_history(locked.work(), folder, options);
  require_new(locked.work(), found);
  if (listener.begins) listener.begins(script.path);
  const script::Secrets none = script::secrets_of(script, {});
  Apply apply(locked.work(), options, none, listener, stop);
  if (entries.empty()) {
    apply.run_unrecorded(script);
  } else {
    apply.run_with_rows(script, {script::record_loaded(found.home(), entries), entries.size()});
  }
  return entries.size();
}

}  // namespace sluice::migrate

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

}  // namespace

SchemaDump dump_schema(const script::Folder& folder, const DumpProgram& dump,
                       const Options& options, const Listener& listener, const Stop& stop) {
  const Found found = find_history(folder, options, stop);
  if (!found.choice.note.empty()) listener.note(found.choice.note);
  const std::string history = script::history_lines(found.history().entries);
  const DumpWish wish{.arguments = {"--schema-only", "--no-owner", "--no-privileges",
                                    "--no-publications", "--no-subscriptions", "--no-tablespaces",
                                    "--encoding=UTF8", "--exclude-schema=pgsluice"},
                      .who = "dump: "};
  const std::string schema = script::trimmed_dump(dumped(dump, wish, options, stop));
  // Another run may have gone on meanwhile.
  if (script::history_lines(find_history(folder, options, stop).history().entries) != history) {
    throw Failure(FailureKind::held,
                  "another run migrates this database just now; nothing is written: run this "
                  "again");
  }
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

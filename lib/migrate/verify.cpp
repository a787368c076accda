#include "migrate/verify.hpp"

#include <algorithm>

#include "base/failure.hpp"
#include "base/identifier.hpp"
#include "migrate/built.hpp"
#include "migrate/find_history.hpp"
#include "migrate/their_history.hpp"
#include "script/plan.hpp"

namespace sluice::migrate {
namespace {

constexpr const char* who = "verify: ";

/// The first of a list of names, quoted where that is needed.
std::string first_name(const std::string& path) {
  if (!path.starts_with('"')) return path.substr(0, path.find(','));
  std::string name;
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (path[i] == '"' && (i + 1 == path.size() || path[++i] != '"')) break;
    name += path[i];
  }
  return name;
}

/// The target, and what of the folder it has.
struct Target {
  std::vector<SchemaObject> objects;
  std::vector<TheirTable> theirs;
  script::Folder applied;
  std::vector<std::string> pending;
  BuildPlace place;
};

/// What is repeatable and differs would be another difference without it, so it counts.
void share_out(const script::Plan& plan, const script::History& history, Target& target) {
  const auto was_run = [&history](const script::Script& script) {
    return std::ranges::any_of(history.entries, [&script](const script::Entry& entry) {
      return !entry.versioned && entry.file == script.file;
    });
  };
  for (const script::Status& status : plan.all) {
    if (status.script == nullptr) continue;
    const bool is_versioned = status.script->name.kind == script::ScriptKind::versioned;
    const bool is_there = status.state == script::Status::State::applied ||
                          status.state == script::Status::State::baseline;
    if (!is_there) target.pending.push_back(status.script->path);
    if (is_versioned && is_there) target.applied.versioned.push_back(*status.script);
    if (!is_versioned && was_run(*status.script))
      target.applied.repeatable.push_back(*status.script);
  }
}

Target look_at(const script::Folder& folder, const Options& options, const Listener& listener,
               const Stop& stop) {
  Session session(options.conninfo, stop, options.stall_max);
  Options reading = options;
  reading.only_reads = true;
  const Found found = find_history(session, folder, reading);
  if (!found.choice.note.empty()) listener.note(found.choice.note);
  const script::Plan plan = script::make_plan(folder, found.history(), std::nullopt);
  if (!plan.drift.empty()) throw Failure(FailureKind::changed, script::describe(plan.drift));
  Target target;
  target.applied.before = folder.before;
  target.applied.after = folder.after;
  share_out(plan, found.history(), target);
  const script::Rows path =
      session.query_in_user_path(sql("select pg_catalog.current_setting('search_path')"));
  target.place.search_path = path.front()[0];
  const auto& entries = found.history().entries;
  if (!entries.empty() && entries.front().search_path)
    target.place.schema = first_name(*entries.front().search_path);
  target.objects = schema_objects(session);
  target.theirs = their_tables(session);
  return target;
}

/// No file makes what another tool keeps its history in: they were its own. Its name is quoted as
/// that of an object is.
std::vector<std::string> objects_of(const std::vector<TheirTable>& tables) {
  std::vector<std::string> names;
  for (const TheirTable& table : tables) {
    const auto name_in_schema = [&table](const std::string& name) {
      return name_in_sql(table.schema) + "." + name_in_sql(name);
    };
    names.push_back(name_in_schema(table.name));
    if (table.tool == script::Tool::rails) names.push_back(name_in_schema("ar_internal_metadata"));
  }
  return names;
}

void leave_theirs_out(const Target& target, std::vector<SchemaDifference>& found,
                      const Listener& listener) {
  for (const std::string& name : objects_of(target.theirs)) {
    const auto is_theirs = [&](const SchemaDifference& one) {
      return !one.one && (one.name == name || one.name.starts_with(name + "_id_seq"));
    };
    if (std::erase_if(found, is_theirs) > 0)
      listener.note(name + " is where another tool keeps its history: it is not compared");
  }
}

}  // namespace

Verified verify(const script::Folder& folder, const Options& options, const VerifyWish& wish,
                const Listener& listener, const Stop& stop) {
  Target target;
  if (!wish.only_builds) target = look_at(folder, options, listener, stop);
  target.place.who = who;
  target.place.advice = "or give a server where you may: --scratch-url URL.";
  target.place.is_alone = wish.elsewhere.has_value();
  Options where = options;
  if (wish.elsewhere) where.conninfo = *wish.elsewhere;
  Verified verified;
  verified.pending = target.pending;
  with_place_to_build(target.place, folder, where, listener, stop, [&](const Options& there) {
    if (!wish.only_builds) {
      verified.built += build(target.applied, there, who, listener, stop);
      Session session(there.conninfo, stop, there.stall_max);
      verified.found = differences(schema_objects(session), target.objects);
      leave_theirs_out(target, verified.found, listener);
    }
    verified.built += build(folder, there, who, listener, stop);
  });
  return verified;
}

}  // namespace sluice::migrate

#include "migrate/built.hpp"

#include "base/failure.hpp"
#include "migrate/migrate.hpp"
#include "migrate/scratch.hpp"
#include "script/beyond.hpp"

namespace sluice::migrate {
namespace {

void refuse_beyond(const script::Folder& folder, const BuildPlace& place, const Options& options) {
  for (const auto* scripts :
       {&folder.before, &folder.versioned, &folder.repeatable, &folder.after}) {
    for (const script::Script& script : *scripts) {
      const auto found = script::first_beyond(script, options.placeholders);
      if (!found) continue;
      throw Failure(FailureKind::usage,
                    script::at(script, found->place) + ": " + found->words +
                        " changes what all databases of the server share, so this is not built "
                        "beside others" +
                        (place.advice_beyond.empty() ? " (see --scratch-url)" : ""),
                    place.advice_beyond.empty()
                        ? "Give it a server of its own, such as a container: --scratch-url URL."
                        : place.advice_beyond);
    }
  }
}

/// Values that another part of the folder takes would be refused as nobody's.
script::Placeholders taken_by(const script::Folder& folder, const script::Placeholders& values) {
  script::Placeholders taken;
  for (const auto* scripts :
       {&folder.before, &folder.versioned, &folder.repeatable, &folder.scheduled, &folder.after}) {
    for (const script::Script& script : *scripts) {
      const script::Directives& directives = script.directives;
      const auto take = [&](const std::string& name) {
        if (const auto found = values.find(name); found != values.end()) taken.insert(*found);
      };
      for (const std::string& name : directives.placeholders) take(name);
      for (const script::Variable& variable : directives.variables) take(variable.name);
    }
  }
  return taken;
}

/// As the target's sessions begin. A setting of a database is a list, which SET would take for one
/// name, so that it is taken from a session.
void settle(const BuildPlace& place, Session& session) {
  if (!place.schema.empty())
    session.query(sql("create schema if not exists {}", identifier(place.schema)));
  if (place.search_path.empty()) return;
  const std::string database = session.value(sql("select pg_catalog.current_database()"));
  session.query_in_user_path(
      sql("select pg_catalog.set_config('search_path', {}, false)", literal(place.search_path)));
  session.query(sql("alter database {} set search_path from current", identifier(database)));
}

}  // namespace

void with_place_to_build(const BuildPlace& place, const script::Folder& folder,
                         const Options& options, const Listener& listener, const Stop& stop,
                         const std::function<void(const Options&)>& use) {
  if (!place.is_alone) refuse_beyond(folder, place, options);
  const ScratchWords words{.who = place.who, .advice = place.advice};
  with_empty_scratch(words, options, listener, stop, [&](const std::string& conninfo) {
    Options there = options;
    there.conninfo = conninfo;
    there.project = {.name = default_project, .is_given = true, .origin = {}};
    there.to.reset();
    there.dry_run = false;
    there.safe_bytes.reset();
    {
      Session session(conninfo, stop, options.stall_max);
      settle(place, session);
    }
    use(there);
  });
}

std::size_t build(const script::Folder& folder, const Options& there, const std::string& who,
                  const Listener& listener, const Stop& stop) {
  Options here = there;
  here.placeholders = taken_by(folder, there.placeholders);
  Listener quiet = listener;
  quiet.applied = [](const script::Script&, std::chrono::duration<double>) {};
  try {
    return up(folder, here, quiet, stop).applied;
  } catch (const Failure& failure) {
    if (failure.kind() == FailureKind::interrupted) throw;
    throw Failure(failure.kind(), who + "the files do not build from nothing: " + failure.problem(),
                  failure.advice());
  }
}

}  // namespace sluice::migrate

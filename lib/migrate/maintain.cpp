
#include "base/failure.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/make_schema.hpp"
#include "migrate/migrate.hpp"

namespace sluice::migrate {
namespace {

bool is_named(const std::string& name, bool versioned, const script::Version& version,
              const std::string& file) {
  if (!versioned) return name == file;
  return script::Version::parse(name) == version;
}

const script::Entry& entry_named(const script::History& history, const std::string& name) {
  for (const script::Entry& entry : history.entries)
    if (is_named(name, entry.versioned, entry.version, entry.file)) return entry;
  throw Failure(FailureKind::usage,
                name +
                    ": the history has no such version, and no repeatable file of that name; "
                    "pgsluice migrate status shows what it has");
}

using Find = Found (*)(Session&, const script::Folder&, const Options&);
using Change = std::function<std::string(Session&, const Found&)>;

/// What a maintenance command changes, it changes under the lock.
std::string maintain(const script::Folder& folder, const Options& options, const Stop& stop,
                     Find find, const Change& change) {
  const Listener silent{[](const std::string&) {}, {}};
  auto session = std::make_unique<Session>(options.conninfo, stop, options.stall_max);
  const std::string project = find(*session, folder, options).choice.project;
  LockedSession locked(std::move(session), project, options, silent, stop);
  make_schema(locked.work());
  const Found found = find(locked.work(), folder, options);
  adopt(locked.work(), found);
  return change(locked.work(), found);
}

const script::Script* script_named(const script::Folder& folder, const std::string& name) {
  for (const auto* scripts : {&folder.versioned, &folder.repeatable}) {
    for (const script::Script& script : *scripts) {
      const bool versioned = script.name.kind == script::ScriptKind::versioned;
      if (is_named(name, versioned, script.name.version, script.file)) return &script;
    }
  }
  return nullptr;
}

void keep(Session& session, const Sql& write) {
  if (!session.writes_one(write)) throw Failure(FailureKind::failed, script::not_kept);
}

/// A sentence; the entry is right as it is said to be.
std::string accept(Session& session, const script::Home& home, const script::Entry& entry,
                   const script::Script* script, const std::string& name) {
  const bool is_applied = entry.state == script::Entry::State::applied;
  const bool agrees = script == nullptr ? script::is_accepted_as_gone(entry)
                                        : script::has_content(entry, script->checksum);
  if (is_applied && agrees)
    throw Failure(FailureKind::usage, name + ": history and file agree; nothing to repair");
  if (script == nullptr) {
    keep(session, script::record_accepted(home, entry, ""));
    return entry.file + ": it is accepted that the file is gone" +
           (entry.versioned ? "; version " + entry.version.text() + " stays taken" : "");
  }
  if (script->file != entry.file) {
    throw Failure(FailureKind::usage,
                  script->path + ": " + name + " was applied as " + entry.file +
                      ", and this is another file, which was never run: give it a new number",
                  "If it is the same file under another name, give it back that name.");
  }
  keep(session, script::record_accepted(home, entry, script->checksum));
  return script->path + ": counts as applied as it is now";
}

}  // namespace

std::string accept(const script::Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop) {
  return maintain(folder, options, stop, find_history, [&](Session& session, const Found& found) {
    const script::Entry& entry = entry_named(found.history(), name);
    return accept(session, found.home(), entry, script_named(folder, name), name);
  });
}

std::string accept_search_path(const script::Folder& folder, const Options& options,
                               const Stop& stop) {
  const Change change = [](Session& session, const Found& found) {
    session.query(script::record_search_path(found.home()));
    return "project \"" + found.choice.project + "\" counts as applied with search_path " +
           (found.search_path.empty() ? "(empty)" : found.search_path);
  };
  return maintain(folder, options, stop, find_history_anywhere, change);
}

std::string forget(const script::Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop) {
  return maintain(folder, options, stop, find_history, [&](Session& session, const Found& found) {
    const script::Entry& entry = entry_named(found.history(), name);
    if (entry.state != script::Entry::State::failed &&
        entry.state != script::Entry::State::running &&
        entry.state != script::Entry::State::reverting) {
      throw Failure(FailureKind::usage,
                    name + ": is applied; only what failed half-way can be forgotten");
    }
    keep(session, script::forget(found.home(), entry));
    session.query(script::counted(script::record_next(found.home())));
    return entry.file + ": runs from its beginning next time";
  });
}

std::string baseline(const script::Folder& folder, const Options& options,
                     const script::Version& version, const Stop& stop) {
  const Change change = [&version](Session& session, const Found& found) -> std::string {
    for (const script::Entry& entry : found.history().entries) {
      if (!entry.versioned) continue;
      const bool same = entry.state == script::Entry::State::baseline && entry.version == version;
      if (same) return "nothing to do: the baseline is " + version.text() + " already";
      throw Failure(FailureKind::usage, "the history of this database begins with " +
                                            entry.version.text() + " (" + entry.file +
                                            "); a baseline comes first");
    }
    keep(session, script::record_baseline(found.home(), version));
    return "baseline " + version.text() +
           ": all versions up to it count as applied, and are not run";
  };
  return maintain(folder, options, stop, find_history, change);
}

}  // namespace sluice::migrate

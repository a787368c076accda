#include "script/plan.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "script/squashed.hpp"
#include "script/stretches.hpp"

namespace sluice::script {
namespace {

bool is_unfinished(const Entry& entry) {
  if (entry.state == Entry::State::reverting) return true;
  return entry.state == Entry::State::running || entry.state == Entry::State::failed;
}

/// Also that there are as many statements: all of them would be left out, and count as done.
bool is_done_unchanged(const Script& script, const Entry& entry) {
  return checksum_of_units(script, entry.statements_done) == entry.done_checksum;
}

/// What the history says is done is in this file.
bool is_done_so_far(const Script& script, const Entry& entry) {
  return entry.statements_done == 0 || is_done_unchanged(script, entry);
}

class Planner {
 public:
  Planner(const Folder& folder, const History& history, const std::optional<Version>& to,
          bool strict)
      : folder_(folder), to_(to), strict_(strict) {
    for (const Entry& entry : history.entries) {
      if (!entry.versioned) {
        repeatable_.emplace(entry.file, &entry);
      } else if (entry.state == Entry::State::baseline) {
        baseline_ = std::max(baseline_.value_or(Version()), entry.version);
      } else {
        versioned_.emplace(entry.version, &entry);
      }
    }
  }

  Plan run() {
    bool waits = false;
    for (const Script& script : folder_.versioned) waits |= !take_versioned(script);
    const bool is_behind = !find_missing();
    if (waits && !folder_.repeatable.empty())
      plan_.notes.emplace_back("repeatable migrations wait until no version is pending");
    for (const Script& script : folder_.repeatable) take_repeatable(script, waits || is_behind);
    if (is_behind) note_what_waits();
    return std::move(plan_);
  }

 private:
  /// False if it is pending and will stay so.
  bool take_versioned(const Script& script) {
    const Version& version = script.name.version;
    const auto found = versioned_.find(version);
    Status status{&script, nullptr, Status::State::pending};
    if (stands_for_what_is_there(script, status)) {
      plan_.all.push_back(status);
      return true;
    }
    if (found != versioned_.end()) {
      status.entry = found->second;
      judge_applied(status, version.text());
    } else if (baseline_ && version <= *baseline_) {
      status.state = Status::State::baseline;
    } else {
      find_out_of_order(script);
    }
    plan_.all.push_back(status);
    if (status.state != Status::State::pending && status.state != Status::State::failed)
      return true;
    if (to_ && version > *to_) return false;
    plan_.pending.push_back(status);
    return true;
  }

  /// A file that stands for others has not run itself where those have.
  bool stands_for_what_is_there(const Script& script, Status& status) {
    if (script.directives.replaces.empty()) return false;
    for (const Replaced& one : script.directives.replaces) stood_for_.insert(one.version);
    const auto found = versioned_.find(script.name.version);
    if (found != versioned_.end()) status.entry = found->second;
    if (status.entry != nullptr && has_content(*status.entry, script.checksum)) return false;
    const Squashed squashed = judge_squashed(script, versioned_, baseline_);
    if (squashed.has == Squashed::Has::none) return false;
    status.state =
        squashed.has == Squashed::Has::all ? Status::State::applied : Status::State::changed;
    if (squashed.has == Squashed::Has::all) return true;
    add(Drift::Kind::half_squashed, script.name.version.text(), script.path,
        "stands for " + std::to_string(script.directives.replaces.size()) +
            " files, of which this database has only some: " + squashed.missing);
    return true;
  }

  void take_repeatable(const Script& script, bool waits) {
    const auto found = repeatable_.find(script.file);
    Status status{&script, nullptr, Status::State::pending};
    if (found != repeatable_.end()) {
      status.entry = found->second;
      const bool same = has_content(*status.entry, script.checksum);
      if (is_unfinished(*status.entry)) {
        // One that was edited is another script, and begins anew.
        status.state = Status::State::failed;
        if (!same || !is_done_so_far(script, *status.entry)) status.entry = nullptr;
      } else {
        status.state = same ? Status::State::applied : Status::State::pending;
        if (!same) status.entry = nullptr;
      }
    }
    plan_.all.push_back(status);
    if (status.state != Status::State::applied && !waits) plan_.pending.push_back(status);
  }

  void judge_applied(Status& status, const std::string& name) {
    if (is_unfinished(*status.entry)) {
      judge_unfinished(status, name);
      return;
    }
    const Entry& entry = *status.entry;
    const Script& script = *status.script;
    const bool same_name = entry.file == script.file;
    // Of what an older version has accepted as gone only the name is left.
    const bool is_unknown = entry.checksum.empty() && !entry.is_accepted;
    const bool same = has_content(entry, script.checksum) || (is_unknown && same_name);
    status.state = same ? Status::State::applied : Status::State::changed;
    if (same && !same_name)
      plan_.notes.push_back(script.path + ": was applied as " + entry.file + ", with this content");
    if (same) return;
    if (same_name) {
      add(Drift::Kind::edited, name, script.path,
          "was edited after it was applied (" + entry.finished_at + "): checksum " +
              entry.checksum.substr(0, 12) + "..., now " + script.checksum.substr(0, 12) + "...");
      return;
    }
    add(Drift::Kind::other_file, name, script.path,
        "is not applied: " + name + " was applied as " + entry.file +
            (entry.finished_at.empty() ? "" : " (" + entry.finished_at + ")") +
            (is_accepted_as_gone(entry) ? ", which is gone" : ""));
  }

  void judge_unfinished(Status& status, const std::string& name) {
    const Entry& entry = *status.entry;
    const Script& script = *status.script;
    status.state = Status::State::failed;
    if (entry.state == Entry::State::reverting) {
      add(Drift::Kind::half_reverted, name, script.path,
          "its way back was begun, and has not ended: it stands behind statement " +
              std::to_string(entry.statements_done));
      return;
    }
    if (script.directives.in_transaction && entry.state == Entry::State::failed &&
        entry.statements_done == 0 && entry.file == script.file) {
      add(Drift::Kind::half_applied, name, script.path,
          "has failed, and not as one transaction: a part of it may be applied");
      return;
    }
    const bool same = entry.checksum == script.checksum;
    if (same && is_done_so_far(script, entry)) return;
    // What is not done yet may be mended. Placeholders do not count: the text is the file's.
    if (!script.directives.in_transaction && is_done_unchanged(script, entry) &&
        (entry.file == script.file || entry.statements_done > 0))
      return;
    if (entry.file != script.file) {
      add(Drift::Kind::other_file, name, script.path,
          "is not applied: " + name + " was begun as " + entry.file + ", and has failed after " +
              "statement " + std::to_string(entry.statements_done));
      return;
    }
    const std::string done = std::to_string(entry.statements_done);
    add(Drift::Kind::half_edited, name, script.path,
        same ? "is as it was, but " + done +
                   " statements of it are done by the history, which are not its first ones"
             : "failed after statement " + done + ", and was edited in what is done already");
  }

  void find_out_of_order(const Script& script) {
    if (script.directives.out_of_order || versioned_.empty()) return;
    const auto& [newest, entry] = *versioned_.rbegin();
    if (script.name.version > newest) return;
    add(Drift::Kind::out_of_order, script.name.version.text(), script.path,
        "is not applied, but a later one is (" + entry->file + ")");
  }

  /// False if what is missing is only later than all that is there: the folder of an older release.
  bool find_missing() {
    std::vector<const Entry*> missing;
    for (const auto& [version, entry] : versioned_) {
      const bool there = std::ranges::binary_search(folder_.versioned, version, {},
                                                    [](const Script& s) { return s.name.version; });
      if (!there && !is_accepted_as_gone(*entry) && !stood_for_.contains(version))
        missing.push_back(entry);
    }
    const bool is_behind = !missing.empty() && is_behind_all(missing);
    for (const Entry* entry : missing) {
      plan_.all.push_back(
          {nullptr, entry, is_behind ? Status::State::later : Status::State::missing});
      if (is_behind) continue;
      add(Drift::Kind::missing, entry->version.text(), entry->file,
          (is_unfinished(*entry) ? "was begun, and has not ended"
                                 : "was applied (" + entry->finished_at + ")") +
              std::string(", and is not in the folder"));
    }
    std::ranges::stable_sort(plan_.all, {}, [](const Status& status) {
      return status.script != nullptr ? status.script->name.version : status.entry->version;
    });
    if (is_behind) tell_behind(missing);
    return !is_behind;
  }

  bool is_behind_all(const std::vector<const Entry*>& missing) const {
    return !folder_.versioned.empty() && plan_.pending.empty() &&
           std::ranges::none_of(plan_.all,
                                [](const Status& s) {
                                  return s.state == Status::State::pending ||
                                         s.state == Status::State::failed;
                                }) &&
           missing.front()->version > folder_.versioned.back().name.version;
  }

  void tell_behind(const std::vector<const Entry*>& missing) {
    const std::string count = std::to_string(missing.size());
    const std::string last = missing.back()->file;
    const std::string what =
        "the history goes on behind " + folder_.versioned.back().file + ", with " + count +
        (missing.size() == 1 ? " later file" : " later files") + " (the last one: " + last + ")";
    if (strict_) {
      add(Drift::Kind::behind, "", folder_.versioned.back().path,
          "is the last one of this folder, and " + what);
      return;
    }
    plan_.notes.push_back(what + ": this is an older release's folder, all of which is applied");
    for (const Entry* entry : missing) {
      if (is_unfinished(*entry))
        plan_.notes.push_back(entry->file + ": was begun by a later release, and has not ended");
    }
  }

  /// An older release's view must not take the place of a later one's.
  void note_what_waits() {
    for (const Status& status : plan_.all) {
      const bool waits = status.script != nullptr &&
                         status.script->name.kind == ScriptKind::repeatable &&
                         status.state != Status::State::applied;
      if (waits)
        plan_.notes.push_back(status.script->path +
                              ": is not run, as a later release has been here");
    }
  }

  void add(Drift::Kind kind, std::string name, std::string path, std::string message) {
    plan_.drift.push_back({kind, std::move(name), std::move(path), std::move(message)});
  }

  const Folder& folder_;
  std::optional<Version> to_;
  bool strict_;
  std::map<Version, const Entry*> versioned_;
  std::map<std::string, const Entry*> repeatable_;
  std::optional<Version> baseline_;
  std::set<Version> stood_for_;  ///< by files of this folder
  Plan plan_;
};

std::string advice(const Drift& drift) {
  switch (drift.kind) {
    case Drift::Kind::edited:
      return "put the old content back and write a new migration, or accept it: pgsluice migrate "
             "repair --accept " +
             drift.name;
    case Drift::Kind::other_file:
      return "give yours a new number, behind the last one; if it is the same file under another "
             "name, "
             "give it back the name that was applied";
    case Drift::Kind::behind:
      return "run the release that has them; without --strict an older release has nothing to do";
    case Drift::Kind::missing:
      return "put it back, or accept that it is gone: pgsluice migrate repair --accept " +
             drift.name;
    case Drift::Kind::out_of_order:
      return "give it a later version, or say in it that its order does not matter: -- pgsluice: "
             "out-of-order";
    case Drift::Kind::half_edited:
      return "put the old content back, or finish by hand and say so: pgsluice migrate repair "
             "--accept " +
             drift.name + ", or let it run from its beginning: pgsluice migrate repair --forget " +
             drift.name;
    case Drift::Kind::half_applied:
      return "look at what is there, finish by hand and say so: pgsluice migrate repair --accept " +
             drift.name + ", or take it away and let it run from its beginning: pgsluice migrate " +
             "repair --forget " + drift.name;
    case Drift::Kind::half_reverted:
      return "pgsluice migrate down goes on with it; or finish by hand and say that it is gone: "
             "pgsluice migrate repair --forget " +
             drift.name;
    case Drift::Kind::half_squashed:
      return "take the folder of the release before it was squashed, and bring this database up to "
             "it there: pgsluice migrate up --to " +
             drift.name + "; then this folder goes on";
  }
  return "";
}

}  // namespace

Plan make_plan(const Folder& folder, const History& history, const std::optional<Version>& to,
               bool strict) {
  return Planner(folder, history, to, strict).run();
}

std::string describe(const std::vector<Drift>& drift) {
  std::string text;
  for (const Drift& one : drift) {
    text += (text.empty() ? "" : "\n") + one.path + ": " + one.message + "\n  " + advice(one);
  }
  return text;
}

}  // namespace sluice::script

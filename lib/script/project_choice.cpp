#include "script/project_choice.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/failure.hpp"

namespace sluice::script {
namespace {

/// Of a version that knew no names: whoever did not write one was "default".
bool is_unnamed(const Entry& entry) {
  return entry.project == default_project && !entry.search_path;
}

/// The files of a folder, to be found by what the history knows.
class Files {
 public:
  explicit Files(const Folder& folder) {
    for (const Script& script : folder.versioned) versioned_.emplace(script.name.version, &script);
    for (const Script& script : folder.repeatable) repeatable_.emplace(script.file, &script);
  }
  /// This very content was applied.
  bool has(const Entry& entry) const {
    const Script* const script = find(entry);
    return script != nullptr && has_content(entry, script->checksum);
  }
  /// A file of this number and name is there, and it is another one or was edited.
  bool has_name_of(const Entry& entry) const {
    const Script* const script = find(entry);
    return script != nullptr && script->file == entry.file;
  }

 private:
  const Script* find(const Entry& entry) const {
    if (entry.versioned) {
      const auto found = versioned_.find(entry.version);
      return found == versioned_.end() ? nullptr : found->second;
    }
    const auto found = repeatable_.find(entry.file);
    return found == repeatable_.end() ? nullptr : found->second;
  }

  std::map<Version, const Script*> versioned_;
  std::map<std::string, const Script*> repeatable_;
};

std::string quoted(const std::string& project) { return "\"" + project + "\""; }

class Chooser {
 public:
  Chooser(const Project& wanted, const Folder& folder, const History& all)
      : wanted_(wanted), files_(folder) {
    for (const Entry& entry : all.entries) {
      is_there_ = is_there_ || entry.project == wanted.name;
      others_ = others_ || entry.project != wanted.name;
      if (files_.has(entry)) matching_.insert(entry.project);
      if (!is_unnamed(entry)) continue;
      unnamed_match_ = unnamed_match_ || files_.has(entry);
      if (unlike_.empty() && files_.has_name_of(entry) && !files_.has(entry)) unlike_ = entry.file;
    }
  }

  ProjectChoice choose() {
    ProjectChoice choice{.project = wanted_.name, .history = {}, .takes_over = false, .note = ""};
    if (is_there_ && (wanted_.is_given || matching_.empty() || matching_.contains(wanted_.name)))
      return choice;
    if (unnamed_match_) {
      choice.takes_over = true;
      choice.note = "what was applied before projects had names belongs to project " +
                    quoted(wanted_.name) + " from now on: its files are those of this folder";
      return choice;
    }
    if (!wanted_.is_given && !matching_.empty()) return choose_by_files(std::move(choice));
    if (!unlike_.empty()) refuse_doubtful();
    if (!is_there_ && (others_ || wanted_.name != default_project)) {
      choice.note = "a new history begins, that of project " + quoted(wanted_.name) +
                    (wanted_.origin.empty() ? "" : " (" + wanted_.origin + ")");
    }
    return choice;
  }

 private:
  ProjectChoice choose_by_files(ProjectChoice choice) const {
    std::string names;
    for (const std::string& name : matching_) names += (names.empty() ? "" : ", ") + quoted(name);
    if (matching_.size() > 1) {
      throw Failure(FailureKind::changed,
                    "files of this folder were applied as projects " + names +
                        ", and nobody says which one is meant",
                    "Write --project NAME, or project "
                    "= \"NAME\" in pgsluice.toml: one of these, or another one, whose history "
                    "begins with the first file.");
    }
    choice.project = *matching_.begin();
    choice.note = "goes on with project " + names +
                  ", by which files of this folder were applied, "
                  "and not with " +
                  quoted(wanted_.name) + "; project = " + names +
                  " in pgsluice.toml, or --project, says so for good";
    return choice;
  }

  [[noreturn]] void refuse_doubtful() const {
    throw Failure(
        FailureKind::changed,
        unlike_ +
            ": was applied before projects had names, with another content; whether that was "
            "project " +
            quoted(wanted_.name) + " is not clear, and nothing was run",
        std::string(
            "If it was, put the old content back once, so that the history is known by it; if it "
            "was another "
            "application, let that one run first: it takes over what is its own. --project ") +
            default_project + " goes on with that history as it is.");
  }

  const Project& wanted_;
  Files files_;
  bool is_there_ = false;
  bool others_ = false;
  bool unnamed_match_ = false;
  std::set<std::string> matching_;
  std::string unlike_;
};

/// One list goes on behind the other: what is looked for first is the same.
bool is_same_place(const std::string& one, const std::string& other) {
  const auto goes_on = [](const std::string& begin, const std::string& whole) {
    return whole == begin || whole.starts_with(begin + ", ");
  };
  return goes_on(one, other) || goes_on(other, one);
}

/// Of a list of schemas, as it is quoted there.
std::string first_of(const std::string& list) {
  bool is_quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (is_quoted || list[end] != ','); ++end)
    if (list[end] == '"') is_quoted = !is_quoted;
  return list.substr(0, end);
}

}  // namespace

ProjectChoice choose_project(const Project& wanted, const Folder& folder, History all) {
  ProjectChoice choice = Chooser(wanted, folder, all).choose();
  for (Entry& entry : all.entries) {
    if (entry.project == choice.project || (choice.takes_over && is_unnamed(entry)))
      choice.history.entries.push_back(std::move(entry));
  }
  return choice;
}

void check_search_path(const ProjectChoice& choice, const std::string& here, Whole whole) {
  // A path of no schema says nothing about where: the first file may have made it.
  const std::string* last = nullptr;
  bool is_in_doubt = false;
  for (const Entry& entry : choice.history.entries) {
    const bool is_known = entry.led_to || (entry.search_path && !entry.search_path->empty());
    if (!is_known) continue;
    last = entry.led_to ? &*entry.led_to : &*entry.search_path;
    is_in_doubt = entry.statement_begun;
  }
  if (last == nullptr || is_same_place(*last, here)) return;
  if (whole == Whole::first_alone && first_of(*last) == first_of(here)) return;
  // The statement that its runner was at may have made what stands in front now.
  if (is_in_doubt && (last->empty() || here.ends_with(", " + *last))) return;
  const std::string first = first_of(here);
  const std::string is_here =
      here.empty() ? "here it names no schema that exists" : "here it is " + here;
  throw Failure(FailureKind::changed,
                "project " + quoted(choice.project) + " was applied with search_path " +
                    (last->empty() ? "of no schema" : *last) + ", and " + is_here +
                    ": it would count as applied, and nothing of it is there",
                "For another tenant, give it a history of its own: --project NAME" +
                    (here.empty() ? "" : " (for example --project " + first + ")") +
                    "; else connect as before: options='-c search_path=" + *last +
                    "' in -d, or PGOPTIONS.\n  If its tables have moved here, say so: pgsluice "
                    "migrate repair --accept-search-path");
}

}  // namespace sluice::script

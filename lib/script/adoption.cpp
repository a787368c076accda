#include "script/adoption.hpp"

#include <algorithm>
#include <map>

#include "base/failure.hpp"
#include "script/their_checksum.hpp"

namespace sluice::script {
namespace {

/// What is wrong with a history as a whole.
[[noreturn]] void refuse(Tool tool, const std::string& what, const std::string& advice) {
  throw Failure(FailureKind::usage, std::string(name_of(tool)) + "'s history " + what, advice);
}

Version version_in(Tool tool, const TheirRow& row) {
  const auto version = Version::parse(row.version);
  if (!version) {
    refuse(tool, "has a row whose version is no number: \"" + row.version + "\"",
           "Mend or delete that row.");
  }
  return *version;
}

class AdoptionPlanner {
 public:
  AdoptionPlanner(const Folder& folder, const std::vector<TheirRow>& rows, const AdoptionWish& wish)
      : folder_(folder), rows_(rows), wish_(wish) {}

  Adoption run() {
    if (rows_.empty()) refuse(wish_.tool, "is empty", "There is nothing to take over.");
    for (const TheirRow& row : rows_)
      if (!row.is_good) refuse_bad(row);
    switch (wish_.tool) {
      case Tool::sqitch:
      case Tool::alembic: take_as_baseline(); break;
      case Tool::rails: take_newest_as_baseline(); break;
      case Tool::golang_migrate: take_up_to(version_in(wish_.tool, rows_.front())); break;
      case Tool::flyway: take_flyway(); break;
      case Tool::goose: take_goose(); break;
      case Tool::dbmate:
      case Tool::sqlx:
      case Tool::sql_migrate:
      case Tool::node_pg_migrate:
        for (const TheirRow& row : rows_) take(row);
    }
    if (!wrong_.empty()) {
      throw Failure(FailureKind::changed, wrong_,
                    "--accept records them all the same: what is gone as gone, what was edited as "
                    "it is now.");
    }
    note_what_is_left();
    return std::move(adoption_);
  }

 private:
  [[noreturn]] void refuse_bad(const TheirRow& row) const {
    const std::string version = row.version.empty() ? row.file : row.version;
    if (wish_.tool == Tool::golang_migrate) {
      refuse(wish_.tool, "is dirty at version " + version,
             "Its file was begun, and golang-migrate does not know how far it came. See what of it "
             "is in the database; finish it by hand and say \"migrate force " +
                 version + "\", or undo it and force the version before; then run this again.");
    }
    refuse(wish_.tool, "says that " + version + " has failed",
           wish_.tool == Tool::flyway
               ? "See what of it is in the database and undo that, let \"flyway repair\" take the "
                 "row away, and run this again."
               : "See what of it is in the database and undo that, delete its row, and run this "
                 "again.");
  }

  void take_as_baseline() {
    const std::string at = rows_.back().version;
    if (!wish_.baseline) {
      refuse(
          wish_.tool, "stands at " + at + ", and its files are not read here",
          "Say up to which version of this folder the database is: --baseline VERSION; the first "
          "new file has a later one.");
    }
    adoption_.baseline = wish_.baseline;
    adoption_.notes.push_back(std::string(name_of(wish_.tool)) + " stands at " + at);
  }

  void take_newest_as_baseline() {
    Version newest;
    for (const TheirRow& row : rows_) newest = std::max(newest, version_in(wish_.tool, row));
    adoption_.baseline = wish_.baseline.value_or(newest);
  }

  /// One row says it all.
  void take_up_to(const Version& last) {
    bool is_there = false;
    for (const Script& script : folder_.versioned) {
      if (script.name.version > last) break;
      is_there = is_there || script.name.version == last;
      adoption_.files.push_back({.script = &script,
                                 .version = script.name.version,
                                 .file = script.file,
                                 .applied_at = ""});
    }
    if (!is_there) miss({.version = last, .file = last.text(), .applied_at = ""});
  }

  /// Of each version the last row counts, and says whether it is applied.
  void take_goose() {
    std::map<std::string, const TheirRow*> last;
    for (const TheirRow& row : rows_) last[row.version] = &row;
    for (const TheirRow& row : rows_)
      if (last[row.version] == &row && row.kind.empty()) take(row);
  }

  /// Of each version the last row counts; a row of type BASELINE or SCHEMA is no file.
  void take_flyway() {
    std::map<std::string, const TheirRow*> last;
    for (const TheirRow& row : rows_) last[row.version.empty() ? row.file : row.version] = &row;
    for (const TheirRow& row : rows_) {
      if (last[row.version.empty() ? row.file : row.version] != &row) continue;
      if (row.kind == "BASELINE") {
        adoption_.baseline = version_in(wish_.tool, row);
      } else if (row.version.empty()) {
        take_repeatable(row);
      } else if (!row.kind.starts_with("UNDO") && row.kind != "DELETE" && row.kind != "SCHEMA") {
        take(row);
      }
    }
  }

  void take_repeatable(const TheirRow& row) {
    const auto script = std::ranges::find(folder_.repeatable, row.file, &Script::file);
    if (script == folder_.repeatable.end()) return;
    if (!compare(*script, row)) {
      adoption_.notes.push_back(script->path +
                                ": differs from what was applied last, and runs with "
                                "the next up");
      return;
    }
    adoption_.files.push_back({.script = &*script,
                               .versioned = false,
                               .version = {},
                               .file = script->file,
                               .applied_at = row.applied_at,
                               .is_compared = true});
  }

  void take(const TheirRow& row) {
    const Script* const script = script_of(row);
    if (script == nullptr) {
      const auto parsed = parse_script_name(row.file);
      const bool has_version = !row.version.empty() || (parsed && *parsed);
      if (!has_version) {
        refuse(wish_.tool, "has a file whose name has no version: " + row.file,
               "Give it a name as 001_name.sql, in the folder and in that row.");
      }
      const Version version =
          row.version.empty() ? (*parsed)->version : version_in(wish_.tool, row);
      // goose begins with a row of version 0.
      if (wish_.tool == Tool::goose && version == Version()) return;
      miss({.version = version,
            .file = row.file.empty() ? version.text() : row.file,
            .applied_at = row.applied_at});
      return;
    }
    Adopted adopted{.script = script,
                    .version = script->name.version,
                    .file = script->file,
                    .applied_at = row.applied_at};
    if (!row.checksum.empty()) {
      adopted.is_compared = compare(*script, row);
      adopted.is_edited = !adopted.is_compared;
    }
    if (adopted.is_edited && !wish_.accepts) {
      wrong_ += (wrong_.empty() ? "" : "\n") + script->path + ": was edited after " +
                std::string(name_of(wish_.tool)) + " had applied it: the checksum differs";
    }
    adoption_.files.push_back(std::move(adopted));
  }

  const Script* script_of(const TheirRow& row) const {
    if (row.version.empty()) {
      for (const Script& script : folder_.versioned)
        if (script.file == row.file || script.file == row.file + ".sql") return &script;
      return nullptr;
    }
    const Version version = version_in(wish_.tool, row);
    const auto script = std::ranges::find(folder_.versioned, version,
                                          [](const Script& one) { return one.name.version; });
    return script == folder_.versioned.end() ? nullptr : &*script;
  }

  bool compare(const Script& script, const TheirRow& row) const {
    return row.checksum ==
           (wish_.tool == Tool::flyway ? flyway_checksum(script.path) : sqlx_checksum(script.path));
  }

  void miss(Adopted adopted) {
    if (!wish_.accepts) {
      wrong_ += (wrong_.empty() ? "" : "\n") + adopted.file + ": was applied by " +
                std::string(name_of(wish_.tool)) + ", and is not in the folder";
    }
    adoption_.files.push_back(std::move(adopted));
  }

  /// What is older than the newest one, and would be drift.
  void note_what_is_left() {
    Version newest = adoption_.baseline.value_or(Version());
    for (const Adopted& one : adoption_.files) newest = std::max(newest, one.version);
    for (const Script& script : folder_.versioned) {
      if (script.name.version > newest) break;
      const bool is_covered = (adoption_.baseline && script.name.version <= *adoption_.baseline) ||
                              std::ranges::any_of(adoption_.files, [&](const Adopted& one) {
                                return one.script == &script;
                              });
      if (!is_covered) {
        adoption_.notes.push_back(script.path + ": is not in " + std::string(name_of(wish_.tool)) +
                                  "'s history, though a later one is");
      }
    }
  }

  const Folder& folder_;
  const std::vector<TheirRow>& rows_;
  const AdoptionWish& wish_;
  Adoption adoption_;
  std::string wrong_;
};

/// Where their history does not say when, it is now.
Sql instant_of(const Adopted& adopted) {
  if (adopted.applied_at.empty()) return sql("pg_catalog.clock_timestamp()");
  return sql("{}::pg_catalog.timestamptz", literal(adopted.applied_at));
}

}  // namespace

Adoption plan_adoption(const Folder& folder, const std::vector<TheirRow>& rows,
                       const AdoptionWish& wish) {
  return AdoptionPlanner(folder, rows, wish).run();
}

std::vector<Write> record_adoption(const Home& home, const Adoption& adoption, Tool tool) {
  std::vector<Write> writes;
  if (adoption.baseline) writes.push_back(record_baseline(home, *adoption.baseline));
  for (const Adopted& one : adoption.files) {
    const bool is_as_applied = one.script != nullptr && !one.is_edited;
    const Sql checksum = literal_or_null(is_as_applied, is_as_applied ? one.script->checksum : "");
    // Whoever takes over accepts what is gone or edited.
    const Sql accepted =
        is_as_applied ? sql("null, null, null")
                      : sql("pg_catalog.clock_timestamp(), session_user, {}",
                            literal_or_null(one.script != nullptr,
                                            one.script == nullptr ? "" : one.script->checksum));
    writes.push_back(sql(
        "insert into pgsluice.migrations (project, version, version_rest, file, checksum, "
        "state, runner, started_at, finished_at, search_path, adopted_from, accepted_at, "
        "accepted_by, accepted_checksum) values ({}, {}, {}, {}, {}, 'applied', {}, {}, {}, {}, "
        "{}, {})",
        literal(home.project), one.versioned ? sql("{}", one.version.number()) : sql("null"),
        literal(one.version.rest()), literal(one.file), checksum, literal(runner_name()),
        instant_of(one), instant_of(one), literal(home.search_path.value_or("")),
        literal(name_of(tool)), accepted));
  }
  return writes;
}

}  // namespace sluice::script

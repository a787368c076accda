#include <gmock/gmock.h>

#include "base/failure.hpp"
#include "script/plan.hpp"
#include "script/project_choice.hpp"

/// A folder against its history: every way in which they can differ, with what a command would say
/// and end with.
namespace sluice::script {
namespace {

using ::testing::HasSubstr;

/// A row of the history: the file as it was applied.
struct Row {
  const char* file;
  const char* text = "select 1";
  const char* project = "default";
  const char* search_path = "public";  ///< nullptr: of an older version
  const char* accepted = nullptr;      ///< the content that was accepted; "": gone
  Entry::State state = Entry::State::applied;
  std::size_t statements_done = 0;
};

struct File {
  const char* file;
  const char* text = "select 1";
};

struct Case {
  const char* name;
  std::vector<Row> history;
  std::vector<File> files;
  int exit_code;        ///< of `status`
  std::string pending;  ///< what would run
  std::string says;     ///< a part of the drift, the notes or the refusal
  bool strict = false;
  Project wanted = {};
};

Folder folder_of(const std::vector<File>& files) {
  Folder folder;
  for (const File& file : files) {
    Script script = make_script("m/" + std::string(file.file), file.text);
    (script.name.kind == ScriptKind::versioned ? folder.versioned : folder.repeatable)
        .push_back(std::move(script));
  }
  return folder;
}

History history_of(const std::vector<Row>& rows) {
  History history;
  for (const Row& row : rows) {
    const Script script = make_script(row.file, row.text);
    Entry entry;
    entry.project = row.project;
    entry.versioned = script.name.kind == ScriptKind::versioned;
    entry.version = script.name.version;
    entry.file = script.file;
    entry.checksum = script.checksum;
    entry.state = row.state;
    entry.statements_done = row.statements_done;
    if (row.search_path != nullptr) entry.search_path = row.search_path;
    entry.is_accepted = row.accepted != nullptr;
    if (row.accepted != nullptr && *row.accepted != '\0')
      entry.accepted_checksum = make_script(row.file, row.accepted).checksum;
    if (entry.state == Entry::State::applied) entry.finished_at = "2026-11-26 10:00:00+00";
    history.entries.push_back(entry);
  }
  return history;
}

/// What `status` would end with, and all that it would say.
struct Verdict {
  int exit_code = 0;
  std::string pending;
  std::string says;
  std::string project;
};

Verdict judge(const Case& c) {
  const Folder folder = folder_of(c.files);
  Verdict verdict;
  try {
    const ProjectChoice choice = choose_project(c.wanted, folder, history_of(c.history));
    verdict.project = choice.project;
    verdict.says = choice.note + "\n";
    check_search_path(choice, "public");
    const Plan plan = make_plan(folder, choice.history, std::nullopt, c.strict);
    for (const Status& status : plan.pending) verdict.pending += status.script->file + " ";
    for (const std::string& note : plan.notes) verdict.says += note + "\n";
    verdict.says += describe(plan.drift);
    verdict.exit_code = !plan.drift.empty() ? 7 : !plan.pending.empty() ? 10 : 0;
  } catch (const Failure& failure) {
    verdict.exit_code = failure.kind() == FailureKind::changed ? 7 : 2;
    verdict.says += failure.what();
  }
  return verdict;
}

const Project app{.name = "app", .is_given = true, .origin = "--project"};
const Project placed{.name = "services/app", .is_given = false, .origin = "its place"};
constexpr auto failed = Entry::State::failed;

// A version, its content, what became of it.
const std::vector<Case> folders{
    {"all is applied", {{"1_a.sql"}, {"2_b.sql"}}, {{"1_a.sql"}, {"2_b.sql"}}, 0, "", ""},
    {"ahead", {{"1_a.sql"}}, {{"1_a.sql"}, {"2_b.sql"}}, 10, "2_b.sql ", ""},
    {"edited",
     {{"1_a.sql"}},
     {{"1_a.sql", "select 2"}},
     7,
     "",
     "m/1_a.sql: was edited after it was applied (2026-11-26 10:00:00+00)"},
    {"edited, and accepted",
     {{"1_a.sql", "select 1", "default", "public", "select 2"}},
     {{"1_a.sql", "select 2"}},
     0,
     "",
     ""},
    {"edited, accepted, and put back",
     {{"1_a.sql", "select 1", "default", "public", "select 2"}},
     {{"1_a.sql"}},
     0,
     "",
     ""},
    {"edited again after it was accepted",
     {{"1_a.sql", "select 1", "default", "public", "select 2"}},
     {{"1_a.sql", "select 3"}},
     7,
     "",
     "was edited after it was applied"},
    {"renamed",
     {{"1_a.sql"}},
     {{"V1__better_name.sql"}},
     0,
     "",
     "m/V1__better_name.sql: was applied as 1_a.sql, with this content"},
    {"another file under the number",
     {{"1_a.sql"}, {"2_jane.sql"}},
     {{"1_a.sql"}, {"2_bob.sql", "select 2"}},
     7,
     "",
     "m/2_bob.sql: is not applied: 2 was applied as 2_jane.sql (2026-11-26 10:00:00+00)\n"
     "  give yours a new number, behind the last one"},
    {"gone",
     {{"1_a.sql"}, {"2_b.sql"}, {"3_c.sql"}},
     {{"1_a.sql"}, {"3_c.sql"}},
     7,
     "",
     "2_b.sql: was applied (2026-11-26 10:00:00+00), and is not in the folder"},
    {"gone, and accepted",
     {{"1_a.sql"}, {"2_b.sql", "select 1", "default", "public", ""}, {"3_c.sql"}},
     {{"1_a.sql"}, {"3_c.sql"}},
     0,
     "",
     ""},
    {"gone, accepted, and its number taken by another file",
     {{"1_a.sql"}, {"2_b.sql", "select 1", "default", "public", ""}},
     {{"1_a.sql"}, {"2_other.sql", "select 2"}},
     7,
     "",
     "m/2_other.sql: is not applied: 2 was applied as 2_b.sql (2026-11-26 10:00:00+00), which is "
     "gone\n  give yours a new number"},
    {"gone, accepted, and back",
     {{"1_a.sql", "select 1", "default", "public", ""}},
     {{"1_a.sql"}},
     0,
     "",
     ""},
    {"all gone", {{"1_a.sql"}}, {}, 7, "", "1_a.sql: was applied"},
    {"behind",
     {{"1_a.sql"}, {"2_b.sql"}, {"3_c.sql"}},
     {{"1_a.sql"}, {"2_b.sql"}},
     0,
     "",
     "the history goes on behind 2_b.sql, with 1 later file (the last one: 3_c.sql): this is an "
     "older release's folder, all of which is applied"},
    {"behind, strictly",
     {{"1_a.sql"}, {"2_b.sql"}, {"3_c.sql"}},
     {{"1_a.sql"}},
     7,
     "",
     "m/1_a.sql: is the last one of this folder, and the history goes on behind 1_a.sql, with 2 "
     "later files (the last one: 3_c.sql)\n  run the release that has them",
     true},
    {"behind, with an older view",
     {{"1_a.sql"}, {"2_b.sql"}, {"R__v.sql", "select 2"}},
     {{"1_a.sql"}, {"R__v.sql"}},
     0,
     "",
     "m/R__v.sql: is not run, as a later release has been here"},
    {"behind, and one of the later ones has failed",
     {{"1_a.sql"}, {"2_b.sql", "select 1", "default", "public", nullptr, failed, 1}},
     {{"1_a.sql"}},
     0,
     "",
     "2_b.sql: was begun by a later release, and has not ended"},
    {"behind and edited",
     {{"1_a.sql"}, {"2_b.sql"}},
     {{"1_a.sql", "select 2"}},
     7,
     "",
     "was edited after"},
    {"behind, with a hole",
     {{"1_a.sql"}, {"2_b.sql"}, {"3_c.sql"}, {"4_d.sql"}},
     {{"1_a.sql"}, {"3_c.sql"}},
     7,
     "",
     "2_b.sql: was applied"},
    {"a hole in the history",
     {{"1_a.sql"}, {"3_c.sql"}},
     {{"1_a.sql"}, {"2_b.sql"}, {"3_c.sql"}},
     7,
     "2_b.sql ",
     "m/2_b.sql: is not applied, but a later one is (3_c.sql)"},
    {"a hole that does not matter",
     {{"1_a.sql"}, {"3_c.sql"}},
     {{"1_a.sql"}, {"2_b.sql", "-- pgsluice: out-of-order\nselect 1"}, {"3_c.sql"}},
     10,
     "2_b.sql ",
     ""},
    {"failed half-way",
     {{"1_a.sql", "-- pgsluice: no-transaction\nvacuum", "default", "public", nullptr, failed}},
     {{"1_a.sql", "-- pgsluice: no-transaction\nvacuum"}},
     10,
     "1_a.sql ",
     ""},
    {"has ended its transaction itself, and failed",
     {{"1_a.sql", "select 1", "default", "public", nullptr, failed}},
     {{"1_a.sql"}},
     7,
     "",
     "m/1_a.sql: has failed, and not as one transaction"},
    {"another file under a number that failed half-way",
     {{"1_a.sql", "-- pgsluice: no-transaction\nvacuum", "default", "public", nullptr, failed}},
     {{"1_b.sql", "select 2"}},
     7,
     "1_b.sql ",
     "m/1_b.sql: is not applied: 1 was begun as 1_a.sql"},
    {"a view that has changed", {{"R__v.sql"}}, {{"R__v.sql", "select 2"}}, 10, "R__v.sql ", ""},
    {"a view that was accepted",
     {{"R__v.sql", "select 1", "default", "public", "select 2"}},
     {{"R__v.sql", "select 2"}},
     0,
     "",
     ""},
    {"a view that was accepted, and put back",
     {{"R__v.sql", "select 1", "default", "public", "select 2"}},
     {{"R__v.sql"}},
     10,
     "R__v.sql ",
     ""},
};

void expect(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Verdict verdict = judge(c);
    EXPECT_EQ(c.exit_code, verdict.exit_code) << verdict.says;
    EXPECT_THAT(verdict.says, HasSubstr(c.says));
    // Where something is wrong nothing runs, whatever else would.
    if (verdict.exit_code != 7) {
      EXPECT_EQ(c.pending, verdict.pending);
    }
    if (c.says.empty()) {
      EXPECT_EQ("\n", verdict.says);
    }
  }
}

TEST(FolderAndHistory, AreCompared) { expect(folders); }

TEST(FolderAndHistory, AcceptIsNeverAdvisedForAnotherFile) {
  for (const Case& c : folders) {
    const std::string says = judge(c).says;
    if (says.contains("is not applied: ")) {
      EXPECT_FALSE(says.contains("--accept")) << c.name;
    }
  }
}

// Whose history it is. The rows of "default" without a search_path are those of an older version.
const std::vector<Case> projects{
    {"two projects",
     {{"1_a.sql", "select 1", "shop"}},
     {{"1_b.sql", "select 2"}},
     10,
     "1_b.sql ",
     "a new history begins, that of project \"app\" (--project)",
     false,
     app},
    {"two projects with the same files",
     {{"1_a.sql", "select 1", "shop"}},
     {{"1_a.sql"}},
     10,
     "1_a.sql ",
     "a new history begins",
     false,
     app},
    {"each has its own",
     {{"1_a.sql", "select 1", "shop"}, {"1_b.sql", "select 2", "app"}},
     {{"1_b.sql", "select 2"}},
     0,
     "",
     "",
     false,
     app},
    {"an unnamed history is taken over by whose files it has",
     {{"1_a.sql", "select 1", "default", nullptr}},
     {{"1_a.sql"}, {"2_b.sql"}},
     10,
     "2_b.sql ",
     "what was applied before projects had names belongs to project \"app\" from now on",
     false,
     app},
    {"also where one of them was edited",
     {{"1_a.sql", "select 1", "default", nullptr}, {"2_b.sql", "select 1", "default", nullptr}},
     {{"1_a.sql"}, {"2_b.sql", "select 2"}},
     7,
     "",
     "m/2_b.sql: was edited after",
     false,
     app},
    {"an unnamed history of other files is left alone",
     {{"1_other.sql", "select 9", "default", nullptr}},
     {{"1_a.sql"}},
     10,
     "1_a.sql ",
     "a new history begins, that of project \"app\"",
     false,
     app},
    {"an unnamed history of which only names agree",
     {{"1_init.sql", "select 9", "default", nullptr}},
     {{"1_init.sql"}},
     7,
     "",
     "1_init.sql: was applied before projects had names, with another content; whether that was "
     "project \"app\" is not clear, and nothing was run",
     false,
     app},
    {"a history that has a name is not taken over",
     {{"1_a.sql", "select 1", "default", "public"}},
     {{"1_a.sql"}},
     10,
     "1_a.sql ",
     "a new history begins",
     false,
     app},
    {"nobody names it, and it is the unnamed one",
     {{"1_a.sql", "select 1", "default", nullptr}},
     {{"1_a.sql"}},
     0,
     "",
     ""},
    {"its place names it, and the unnamed one has its files",
     {{"1_a.sql", "select 1", "default", nullptr}},
     {{"1_a.sql"}},
     0,
     "",
     "belongs to project \"services/app\" from now on",
     false,
     placed},
    {"its place names it, and it was applied from elsewhere",
     {{"1_a.sql", "select 1", "default", "public"}},
     {{"1_a.sql"}, {"2_b.sql"}},
     10,
     "2_b.sql ",
     "goes on with project \"default\", by which files of this folder were applied, and not with "
     "\"services/app\"",
     false,
     placed},
    {"nobody names it, and it was applied from its place in a repository",
     {{"1_a.sql", "select 1", "services/app"}},
     {{"1_a.sql"}},
     0,
     "",
     "goes on with project \"services/app\""},
    {"its place names it, and nothing of it is there",
     {{"1_a.sql", "select 9", "shop"}},
     {{"1_b.sql"}},
     10,
     "1_b.sql ",
     "a new history begins, that of project \"services/app\" (its place)",
     false,
     placed},
    {"two tenants, and nobody says which",
     {{"1_a.sql", "select 1", "t1"}, {"1_a.sql", "select 1", "t2"}},
     {{"1_a.sql"}},
     7,
     "",
     "files of this folder were applied as projects \"t1\", \"t2\", and nobody says which one"},
    {"another application without a name",
     {{"1_a.sql", "select 9"}},
     {{"1_b.sql"}},
     7,
     "",
     "m/1_b.sql: is not applied: 1 was applied as 1_a.sql"},
    {"applied in another schema",
     {{"1_a.sql", "select 1", "default", "t1"}},
     {{"1_a.sql"}},
     7,
     "",
     "project \"default\" was applied with search_path t1, and here it is public"},
    {"applied in a longer path",
     {{"1_a.sql", "select 1", "default", "public, tools"}},
     {{"1_a.sql"}},
     0,
     "",
     ""},
    {"applied in a path that looks alike",
     {{"1_a.sql", "select 1", "default", "public2"}},
     {{"1_a.sql"}},
     7,
     "",
     "search_path public2"},
    {"applied in another schema, and then in none",
     {{"1_a.sql", "select 1", "default", "t1"}, {"2_b.sql", "select 1", "default", ""}},
     {{"1_a.sql"}, {"2_b.sql"}},
     7,
     "",
     "was applied with search_path t1, and here it is public"},
    {"applied with names that say all",
     {{"1_a.sql", "select 1", "default", ""}},
     {{"1_a.sql"}},
     0,
     "",
     ""},
};

TEST(FolderAndHistory, BelongToAProject) { expect(projects); }

TEST(Project, WrongNamesAreRefused) {
  EXPECT_EQ("shop", given_project("shop", "--project").name);
  for (const std::string& name :
       {std::string(), std::string("pgsluice"), std::string("a\nb"), std::string(201, 'x')})
    EXPECT_THROW(given_project(name, "--project"), Failure) << name;
}

}  // namespace
}  // namespace sluice::script

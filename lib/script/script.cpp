#include "script/script.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "base/quantity.hpp"
#include "script/near_miss.hpp"
#include "script/script_file.hpp"
#include "script/sql_lexer.hpp"
#include "script/text_limits.hpp"

namespace sluice::script {
namespace {

namespace fs = std::filesystem;

/// What of a file's beginning says what its directives are: it ends inside or behind the first
/// statement, or is all of the file.
bool holds_header(std::string_view text) {
  const Lexed header = lex_header(text);
  // The last character may be the first of a comment's two.
  return !header.statements.empty() && header.statements.front().begin + 1 < text.size();
}

/// sqlx says so in the first line.
constexpr std::string_view no_transaction_of_sqlx = "-- no-transaction\n";

void take_directives(Script& script, std::string_view header) {
  const auto directives = read_directives(header);
  if (!directives) {
    throw Failure(FailureKind::usage,
                  at(script, directives.error().place) + ": " + directives.error().message);
  }
  script.directives = *directives;
  if (header.starts_with(no_transaction_of_sqlx)) script.directives.in_transaction = false;
}

/// What is known behind the last line.
void take_ways(Script& script, const Ways& ways) {
  script.style = ways.style();
  if (ways.has_way_back() && script.way == Way::forth) script.back_path = script.path;
  if (!ways.in_transaction()) script.directives.in_transaction = false;
  script.directives.variables = ways.variables();
}

Script unnamed_script(const std::string& path, Way way = Way::forth) {
  Script script;
  script.path = path;
  script.way = way;
  script.file = text_of_path(fs::path(path).filename());
  return script;
}

/// `kept_max` is the longest text that is kept.
Script read_unnamed(const std::string& path, std::size_t kept_max, Way way = Way::forth) {
  Script script = unnamed_script(path, way);
  ScriptFile file(path, way);
  std::string& text = script.text;
  bool goes_on = file.read(text, std::max(kept_max, limits::script_part_bytes));
  while (goes_on && !holds_header(text)) {
    if (text.size() > limits::script_statement_bytes_max) {
      throw Failure(FailureKind::usage, path + ":1: in its first " +
                                            format_bytes(limits::script_statement_bytes_max) +
                                            " is no statement");
    }
    goes_on = file.read(text, text.size());
  }
  take_directives(script, text);
  script.is_kept = !goes_on && text.size() <= kept_max;
  for (std::string part; goes_on; part.clear())
    goes_on = file.read(part, limits::script_part_bytes);
  script.checksum = file.checksum();
  take_ways(script, file.ways());
  if (!script.is_kept) script.text = std::string();
  return script;
}

/// Folders inside that look as if their files were meant.
bool has_sql(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".sql") return true;
  return false;
}

void check_schedule(const Script& script) {
  const bool scheduled = script.name.kind == ScriptKind::scheduled;
  if (scheduled == !script.directives.schedule.empty()) return;
  throw Failure(FailureKind::usage,
                script.path + (scheduled ? ":1: a scheduled file says when: -- pgsluice: schedule "
                                           "\"0 3 * * *\" tz=Europe/Berlin"
                                         : ":1: only a file named S__name.sql has a schedule"));
}

ScriptName script_name_of(const std::string& path) {
  const auto name = parse_script_name(fs::path(path).filename().string());
  if (!name) throw Failure(FailureKind::usage, path + ": " + name.error());
  if (!*name) throw Failure(FailureKind::usage, path + ": is no SQL file");
  return **name;
}

/// Of a folder, whose texts are kept while they are not too many.
Script read_named(const std::string& path, std::size_t& kept_bytes) {
  const ScriptName name = script_name_of(path);
  Script script = read_unnamed(
      path, std::min(limits::script_kept_bytes_max, limits::scripts_kept_bytes_max - kept_bytes));
  kept_bytes += script.text.size();
  script.name = name;
  check_schedule(script);
  return script;
}

/// Where the ways back of versions stand that have a file of their own.
using WaysBack = std::map<Version, std::string>;

/// Says of each script where its way back is, and of what has none or too many that it does.
std::vector<std::string> join_ways(std::vector<Script>& versioned, WaysBack& ways_back) {
  std::vector<std::string> wrong;
  for (Script& script : versioned) {
    const auto found = ways_back.find(script.name.version);
    if (found == ways_back.end()) continue;
    if (!script.back_path.empty()) {
      wrong.push_back(found->second + ": is the way back of " + script.file +
                      ", which has one inside; take one of them away");
    }
    script.back_path = found->second;
    ways_back.erase(found);
  }
  for (const auto& [version, path] : ways_back) {
    wrong.push_back(path + ": goes back, and the folder has no file of version " + version.text() +
                    " that goes forth");
  }
  return wrong;
}

/// "goose (3 files), dbmate (1)" where there is more than one.
std::string mixed_styles(const std::vector<Script>& versioned) {
  std::map<std::string_view, std::size_t> counts;
  for (const Script& script : versioned) {
    const bool has_pair = script.style == Style::plain && script.file.ends_with(".up.sql");
    ++counts[has_pair ? ".up.sql and .down.sql" : name_of(script.style)];
  }
  if (counts.size() < 2) return "";
  std::string all;
  for (const auto& [style, count] : counts) {
    all += (all.empty() ? "" : ", ") + std::string(style) + " (" + std::to_string(count) +
           (count == 1 ? " file)" : " files)");
  }
  return all;
}

/// Two files of one version, which stand side by side.
std::vector<std::string> doubles(const std::vector<Script>& versioned) {
  std::vector<std::string> found;
  for (std::size_t i = 1; i < versioned.size(); ++i) {
    if (versioned[i].name.version != versioned[i - 1].name.version) continue;
    found.push_back(versioned[i].path + ": has the version of " + versioned[i - 1].file);
  }
  return found;
}

/// What one of them stands for must not run beside it.
std::vector<std::string> replaced_and_there(const std::vector<Script>& versioned) {
  std::vector<std::string> found;
  for (const Script& script : versioned) {
    if (script.directives.replaces.empty()) continue;
    for (const Script& other : versioned) {
      if (other.name.version >= script.name.version) continue;
      found.push_back(other.path + ": is older than " + script.file +
                      ", which stands for all up to its version: take this one away (migrate "
                      "squash)");
    }
  }
  return found;
}

std::vector<Script>& of_kind(Folder& folder, const Script& script) {
  if (script.name.kind == ScriptKind::hook)
    return script.file == before_file ? folder.before : folder.after;
  switch (script.name.kind) {
    case ScriptKind::versioned: return folder.versioned;
    case ScriptKind::repeatable: return folder.repeatable;
    case ScriptKind::scheduled:
    case ScriptKind::hook:
    case ScriptKind::way_back: break;
  }
  return folder.scheduled;
}

}  // namespace

std::string at(const Script& script, Place place) {
  return script.path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

Script make_script(const std::string& path, std::string_view bytes) {
  const ScriptName name = script_name_of(path);
  Script script = unnamed_script(path);
  ScriptText text(path);
  text.add(bytes, script.text);
  text.end(script.text);
  script.checksum = text.checksum();
  take_directives(script, script.text);
  take_ways(script, text.ways());
  script.name = name;
  check_schedule(script);
  return script;
}

Script read_script(const std::string& path) {
  return read_unnamed(path, limits::script_kept_bytes_max);
}

Script read_way_back(const Script& script) {
  const Way way = script.back_path == script.path ? Way::back : Way::forth;
  Script back = read_unnamed(script.back_path, limits::script_kept_bytes_max, way);
  back.name = script.name;
  back.name.kind = ScriptKind::way_back;
  return back;
}

namespace {

std::string note_of_near_misses(const std::string& path, const std::vector<std::string>& names) {
  constexpr std::size_t shown_max = 5;
  std::string all;
  for (std::size_t i = 0; i < std::min(names.size(), shown_max); ++i)
    all += (i == 0 ? "\"" : ", \"") + names[i] + "\"";
  if (names.size() > shown_max) all += " and " + std::to_string(names.size() - shown_max) + " more";
  return path + ": no migrations, as their names do not end in .sql: " + all;
}

}  // namespace

Folder read_folder(const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  std::vector<std::string> inside;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
    // What a link leads to may not be there, or lead back to the link: that is no folder.
    std::error_code unknown;
    const bool is_folder = at->is_directory(unknown);
    (is_folder && at->path().extension() != ".sql" ? inside : files).push_back(at->path());
  }
  if (error) {
    throw Failure(FailureKind::usage, path + ": " + errno_message(error.value()) +
                                          "; --dir names the folder of the migrations");
  }
  std::ranges::sort(files);

  Folder folder;
  for (const std::string& sub : inside) {
    if (has_sql(sub))
      folder.notes.push_back(sub + ": a folder inside is left out; --dir reads one folder");
  }
  std::vector<std::string> near_misses;
  std::vector<std::string> wrong;
  WaysBack ways_back;
  std::size_t kept_bytes = 0;
  folder.versioned.reserve(files.size());
  for (const std::string& file : files) {
    const std::string name = fs::path(file).filename();
    const auto parsed = parse_script_name(name);
    if (parsed && !*parsed) {
      if (looks_like_script(name)) near_misses.push_back(name);
      continue;
    }
    if (parsed && (*parsed)->kind == ScriptKind::way_back) {
      const auto [at, is_first] = ways_back.emplace((*parsed)->version, file);
      if (!is_first) wrong.push_back(file + ": goes back as " + at->second + " does");
      continue;
    }
    try {
      Script script = read_named(file, kept_bytes);
      of_kind(folder, script).push_back(std::move(script));
    } catch (const Failure& failure) {
      wrong.emplace_back(failure.what());
    }
  }
  std::ranges::stable_sort(folder.versioned, {}, [](const Script& s) { return s.name.version; });
  std::ranges::copy(doubles(folder.versioned), std::back_inserter(wrong));
  std::ranges::copy(replaced_and_there(folder.versioned), std::back_inserter(wrong));
  std::ranges::copy(join_ways(folder.versioned, ways_back), std::back_inserter(wrong));
  if (const std::string styles = mixed_styles(folder.versioned); !styles.empty())
    folder.notes.push_back(path + ": files of several styles, each read as what it is: " + styles);
  if (!near_misses.empty()) folder.notes.push_back(note_of_near_misses(path, near_misses));
  if (wrong.empty()) return folder;
  std::string all;
  for (const std::string& line : wrong) all += (all.empty() ? "" : "\n") + line;
  throw Failure(FailureKind::usage, all);
}

}  // namespace sluice::script

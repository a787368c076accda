#include <algorithm>
#include <sstream>

#include "app/migrate_cli.hpp"
#include "app/output.hpp"
#include "base/failure.hpp"
#include "migrate/verify.hpp"
#include "pg/conninfo.hpp"

/// `migrate verify`.
namespace sluice::app {
namespace {

using nlohmann::ordered_json;

/// What stands behind the flags that only this command has.
struct VerifyFlags {
  bool only_builds = false;
  std::string scratch_url;
};

std::vector<std::string> lines_in(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  if (lines.empty()) lines.emplace_back();
  return lines;
}

/// The first line in which two definitions differ, with its number where there are several.
std::string first_difference(const std::string& one, const std::string& other) {
  const std::vector<std::string> mine = lines_in(one);
  const std::vector<std::string> theirs = lines_in(other);
  const auto [at, their_at] = std::ranges::mismatch(mine, theirs);
  const std::string line = std::max(mine.size(), theirs.size()) > 1
                               ? " (line " + std::to_string(at - mine.begin() + 1) + ")"
                               : "";
  const auto shown = [&line](const std::string& who, bool is_there, const std::string& text) {
    return "  " + who + line + ": " + (is_there && !text.empty() ? cell(text) : "(nothing)") + "\n";
  };
  return shown("files   ", at != mine.end(), at == mine.end() ? "" : *at) +
         shown("database", their_at != theirs.end(), their_at == theirs.end() ? "" : *their_at);
}

std::string text_of(const migrate::SchemaDifference& difference) {
  const std::string what = cell(difference.kind) + " " + cell(difference.name);
  if (!difference.other) return what + ": the files make it, and the database has none\n";
  if (!difference.one) return what + ": the database has it, and no file makes it\n";
  return what + ": differs\n" + first_difference(*difference.one, *difference.other);
}

ordered_json json_of(const migrate::SchemaDifference& difference) {
  const auto definition = [](const std::optional<std::string>& text) {
    return text ? ordered_json(*text) : ordered_json();
  };
  return {{"kind", difference.kind},
          {"name", difference.name},
          {"files", definition(difference.one)},
          {"database", definition(difference.other)}};
}

MigrateOutcome verify_step(const MigrateFlags& flags, const VerifyFlags& wanted,
                           const migrate::Options& given, const migrate::Listener& listener,
                           const migrate::Stop& stop) {
  const script::Folder folder = script::read_folder(flags.folder);
  for (const std::string& note : folder.notes) listener.note(note);
  migrate::Options options = given;
  take_variables(folder, options);
  migrate::VerifyWish wish{.only_builds = wanted.only_builds, .elsewhere = {}};
  if (!wanted.scratch_url.empty())
    wish.elsewhere = pg::conninfo({.dbname = wanted.scratch_url, .stall_max = options.stall_max});
  const migrate::Verified verified = migrate::verify(folder, options, wish, listener, stop);

  MigrateOutcome outcome;
  outcome.json = {{"built", verified.built},
                  {"compared", !wish.only_builds},
                  {"pending", verified.pending},
                  {"differences", ordered_json::array()}};
  for (const migrate::SchemaDifference& one : verified.found)
    outcome.json["differences"].push_back(json_of(one));
  if (prints_text(flags)) {
    for (const migrate::SchemaDifference& one : verified.found) print_result(text_of(one));
    print_result("built from nothing: " + std::to_string(verified.built) +
                 (verified.built == 1 ? " file of " : " files of ") + cell(flags.folder) + "\n");
    if (!verified.pending.empty()) {
      print_result("not compared, as the database does not have them yet: " +
                   std::to_string(verified.pending.size()) + ", the first one " +
                   cell(verified.pending.front()) + "\n");
    }
    if (!wish.only_builds && verified.found.empty())
      print_result("the database is what its files make\n");
  }
  if (verified.found.empty()) return outcome;
  outcome.exit_code = exit_changed;
  outcome.message =
      "the database is not what its files make: " + std::to_string(verified.found.size()) +
      (verified.found.size() == 1 ? " difference" : " differences");
  return outcome;
}

}  // namespace

void add_verify(const MigrateCli& cli) {
  const auto wanted = std::make_shared<VerifyFlags>();
  CLI::App& c = add_migrate_subcommand(
      cli.parent, "verify",
      "build all files into a new database beside this one, and compare what they make with it",
      cli.flags);
  add_folder(c, cli.flags);
  c.add_flag("--build-only", wanted->only_builds,
             "compare nothing: only whether the files build from nothing");
  not_empty(*c.add_option("--scratch-url", wanted->scratch_url,
                          "the server on which they are built (default: the database's own)")
                 ->option_text("URL"));
  add_running(c, cli.flags);
  cli.choose(c, [wanted](const MigrateFlags& given, const migrate::Options& options,
                         const migrate::Listener& listener, const migrate::Stop& stop) {
    return verify_step(given, *wanted, options, listener, stop);
  });
}

}  // namespace sluice::app

#include "app/defaults.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "app/command_tree.hpp"
#include "app/completion.hpp"
#include "app/output.hpp"
#include "app/program.hpp"
#include "base/failure.hpp"
#include "base/suggestion.hpp"
#include "jobs/defaults.hpp"

namespace sluice::app {
namespace {

constexpr const char* variable_prefix = "PGSLUICE_";

/// What takes something away, or means one load or version, is said each time.
constexpr std::array never_by_default{
    "again",  "truncate", "replace",  "delete-missing",  "after",    "after-sql",
    "accept", "forget",   "finished", "give-up-indexes", "older",    "to",
    "help",   "version",  "limit",    "create",          "password", "accept-search-path",
    "yes",    "steps",    "from"};

bool may_be_default(const std::string& flag) {
  return std::ranges::find(never_by_default, flag) == never_by_default.end();
}

std::string text_of_variable(const std::string& name) {
  const char* const text = std::getenv(name.c_str());
  return text == nullptr ? "" : text;
}

/// Empty: there is none.
std::string path_of_defaults() {
  const std::string named = text_of_variable(defaults_variable);
  if (!named.empty()) return named;
  std::string folder = text_of_variable("XDG_CONFIG_HOME");
  const std::string home = text_of_variable("HOME");
  if (!folder.starts_with('/')) folder = home.empty() ? "" : home + "/.config";
  const std::string path = folder + "/pgsluice/config.toml";
  return !folder.empty() && ::access(path.c_str(), F_OK) == 0 ? path : "";
}

const CLI::App* find_command(const CLI::App& program, const std::vector<std::string>& path) {
  const CLI::App* command = &program;
  for (const std::string& name : path) {
    const std::vector<const CLI::App*> below = shown_subcommands(*command);
    const auto found = std::ranges::find(below, name, &CLI::App::get_name);
    if (found == below.end()) return nullptr;
    command = *found;
  }
  return command;
}

void collect_flags(const CLI::App& command, bool with_below, std::vector<ShownOption>& flags) {
  for (ShownOption& option : shown_options(command))
    if (!option.is_positional && option.names.back().starts_with("--"))
      flags.push_back(std::move(option));
  if (!with_below) return;
  for (const CLI::App* sub : shown_subcommands(command)) collect_flags(*sub, true, flags);
}

const ShownOption* find_flag(const std::vector<ShownOption>& flags, const std::string& name) {
  const auto found = std::ranges::find_if(
      flags, [&name](const ShownOption& flag) { return flag.names.back() == "--" + name; });
  return found == flags.end() ? nullptr : &*found;
}

[[noreturn]] void refuse(const std::string& place, const std::string& why) {
  throw Failure(FailureKind::usage, place + ": " + why);
}

void require_value(const std::string& place, const ShownOption& flag, bool is_switch,
                   std::size_t count) {
  const bool is_optional = flag.value.starts_with("[=");
  if (is_switch && flag.takes_value && flag.value != "true|false")
    refuse(place, flag.names.back() + " wants a value: " + flag.value);
  if (!is_switch && !flag.takes_value && !is_optional)
    refuse(place, flag.names.back() + " is true or false");
  if (count > 1 && !flag.is_repeatable) refuse(place, flag.names.back() + " has one value");
}

/// That a command has it, whichever runs now: a mistyped one would never count.
void require_known(const CLI::App& whole, const jobs::Default& one) {
  std::string path;
  for (const std::string& name : one.command) path += (path.empty() ? "" : " ") + name;
  const CLI::App* const command = find_command(whole, one.command);
  if (command == nullptr) refuse(one.place, "there is no command " + path);
  std::vector<ShownOption> flags;
  collect_flags(*command, one.command.empty(), flags);
  const ShownOption* const flag = find_flag(flags, one.flag);
  if (flag == nullptr) {
    std::vector<std::string> names;
    for (const ShownOption& each : flags) names.push_back(each.names.back().substr(2));
    const auto meant = nearest(one.flag, names);
    refuse(one.place, (path.empty() ? "no command" : "pgsluice " + path) + " has " +
                          (path.empty() ? "a" : "no") + " flag --" + one.flag +
                          (meant ? "; did you mean " + *meant + "?" : ""));
  }
  if (!may_be_default(one.flag))
    refuse(one.place, "--" + one.flag + " is no default: it stands on a command line alone");
  require_value(one.place, *flag, one.is_switch, one.values.size());
}

std::vector<jobs::Default> read_file_of_defaults() {
  const std::string path = path_of_defaults();
  if (path.empty()) return {};
  std::vector<jobs::Default> all = jobs::read_defaults(path);
  if (all.empty()) return all;
  const Program whole("");
  for (const jobs::Default& one : all) require_known(whole.app, one);
  return all;
}

std::string variable_of(const std::string& flag) {
  std::string name = variable_prefix + flag;
  for (char& c : name)
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// What a variable says of a flag; an empty one says nothing.
std::optional<jobs::Default> default_of_variable(const ShownOption& flag) {
  const std::string name = flag.names.back().substr(2);
  const std::string variable = variable_of(name);
  const std::string text = text_of_variable(variable);
  if (text.empty() || variable == defaults_variable) return std::nullopt;
  if (!may_be_default(name)) {
    print_note(variable + " counts for nothing: --" + name + " stands on a command line alone");
    return std::nullopt;
  }
  const bool is_on = text == "1" || text == "true" || text == "yes" || text == "on";
  const bool is_off = text == "0" || text == "false" || text == "no" || text == "off";
  const bool is_switch = !flag.takes_value && (is_on || is_off);
  require_value(variable, flag, is_switch, 1);
  return jobs::Default{.command = {},
                       .flag = name,
                       .values = {is_switch ? (is_on ? "true" : "false") : text},
                       .is_switch = is_switch,
                       .place = variable};
}

/// The most specific one of a flag, as far as it is of this command.
std::optional<jobs::Default> default_of_file(const std::vector<jobs::Default>& all,
                                             const std::vector<std::string>& command,
                                             const std::string& flag) {
  std::optional<jobs::Default> best;
  for (const jobs::Default& one : all)
    if (one.flag == flag && (one.command.empty() || one.command == command))
      if (!best || one.command.size() >= best->command.size()) best = one;
  return best;
}

void add_arguments(const jobs::Default& one, std::vector<std::string>& added) {
  const std::string flag = "--" + one.flag;
  for (const std::string& value : one.values) {
    if (!one.is_switch && value.empty()) {
      added.insert(added.end(), {flag, value});  // an = with nothing behind it takes what follows
    } else if (!one.is_switch) {
      added.push_back(flag + "=" + value);
    } else if (value == "true") {
      added.push_back(flag);
    }
  }
}

std::vector<std::string> path_of(const CLI::App& command) {
  std::vector<std::string> path;
  for (const CLI::App* at = &command; at->get_parent() != nullptr; at = at->get_parent())
    path.insert(path.begin(), at->get_name());
  return path;
}

}  // namespace

/// A mistyped one would never count.
void tell_unknown_variables() {
  std::optional<Program> whole;
  std::vector<ShownOption> flags;
  std::vector<std::string> names;
  const std::string_view prefix = variable_prefix;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::string variable(entry.substr(0, entry.find('=')));
    if (!variable.starts_with(variable_prefix) || variable.starts_with("PGSLUICE_TEST_") ||
        variable.starts_with("PGSLUICE_HANDED_"))
      continue;
    if (!whole) {
      whole.emplace("");
      collect_flags(whole->app, true, flags);
      for (const ShownOption& flag : flags)
        names.push_back(variable_of(flag.names.back().substr(2)).substr(prefix.size()));
    }
    const std::string name = variable.substr(prefix.size());
    if (variable == defaults_variable || std::ranges::find(names, name) != names.end()) continue;
    // What they all begin with makes no two of them alike.
    const auto meant = nearest(name, names);
    if (meant)
      print_note(variable + " is no setting of pgsluice, and counts for nothing; did you mean " +
                 variable_prefix + *meant + "?");
  }
}

std::vector<Origin> add_defaults(const CLI::App& program, std::vector<std::string>& arguments) {
  std::vector<Origin> origins;
  if (text_of_variable(defaults_variable) == "none") return origins;
  std::vector<std::string> words = arguments;
  words.emplace_back();
  const Completion line = completion_of(program, words);
  const std::vector<std::string> path = path_of(*line.command);
  const bool is_command = !path.empty() && path.size() <= arguments.size() &&
                          std::equal(path.begin(), path.end(), arguments.begin());
  if (!is_command || line.given.contains("--help")) return origins;
  tell_unknown_variables();
  const std::vector<jobs::Default> of_file = read_file_of_defaults();
  std::vector<std::string> added;
  for (const ShownOption& flag : shown_options(*line.command)) {
    const std::string& name = flag.names.back();
    if (flag.is_positional || !name.starts_with("--") || line.given.contains(name)) continue;
    // Two ways to say which database.
    if (name == "--dbname" && line.given.contains("--url-from")) continue;
    if (name == "--url-from" && line.given.contains("--dbname")) continue;
    auto one = default_of_variable(flag);
    if (!one) one = default_of_file(of_file, path, name.substr(2));
    if (!one) continue;
    add_arguments(*one, added);
    origins.push_back({name, one->place});
  }
  arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(path.size()), added.begin(),
                   added.end());
  return origins;
}

}  // namespace sluice::app

#include "app/wrong_usage.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "app/cli.hpp"
#include "app/flag_values.hpp"
#include "base/suggestion.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

/// But for one that no help shows.
std::vector<const CLI::App*> subcommands_of(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<std::string> names_of_subcommands(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : subcommands_of(command)) names.push_back(sub->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::string shown_argument(const std::string& argument) {
  if (source::is_remote(argument)) return source::shown_remote(argument);
  return is_connection(argument) ? "(a connection, which stands behind -d)" : argument;
}

/// "unknown flag --jbos; did you mean --jobs?"
std::string unknown_arguments(const CLI::App& app, const CLI::App& command) {
  std::vector<std::string> extras = command.remaining();
  if (extras.empty()) extras = app.remaining();
  std::string name = extras.empty() ? "" : extras.front();
  const bool is_shown_whole = is_connection(name) || source::is_remote(name);
  name = is_shown_whole ? shown_argument(name) : name.substr(0, name.find('='));
  const bool is_flag = name.starts_with("-");
  if (is_flag && command.get_option_no_throw(name) != nullptr)
    return name + " stands in front of its command: write it behind " + command.get_name();
  const auto meant = nearest(name, is_flag ? flags_of(command) : names_of_subcommands(command));
  std::string what = is_flag ? "flag " : "argument ";
  if (!is_flag && !subcommands_of(command).empty()) what = "command ";
  return "unknown " + what + name + (meant ? "; did you mean " + *meant + "?" : "");
}

/// How messages name an option: "--jobs", "FILE".
std::string option_name(const CLI::Option& option) { return option.get_name(); }

bool is_positional(const CLI::Option& option) {
  return option.get_lnames().empty() && option.get_snames().empty();
}

/// "FILE is required", "say what to do: up, status or plan"
std::string missing(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_required() && option->count() == 0)
      return option_name(*option) + " is required";
  }
  std::string listed;
  for (const std::string& name : names_of_subcommands(command))
    listed += (listed.empty() ? "" : ", ") + name;
  return "say what to do: " + listed;
}

/// The option that an error of the library is about: its name is in what the error says.
const CLI::Option* option_of(const CLI::App& command, std::string_view said) {
  const CLI::Option* found = nullptr;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option_name(*option);
    const std::size_t at = said.find(name);
    if (at == std::string_view::npos) continue;
    const std::size_t end = at + name.size();
    const bool is_whole = end == said.size() || said[end] == ':' || said[end] == ' ';
    if (is_whole && (found == nullptr || name.size() > option_name(*found).size())) found = option;
  }
  return found;
}

/// "a number", from what stands behind the flag in the help.
std::string wanted_by(const CLI::Option& option) {
  const std::string text = option.get_option_text();
  if (text == "N" || text == "ID") return "a whole number in digits";
  return text.empty() ? "what its help says" : text;
}

/// Too few, too many, or none that it takes.
std::string wrong_values(const CLI::Option& option) {
  const std::string name = option_name(option);
  if (option.get_items_expected_max() == 0) return name + " takes no value: leave it out";
  const CLI::results_t given = option.results();
  if (given.empty()) {
    return name + " needs a value behind it" +
           (is_positional(option) ? ""
                                  : " (one that begins with a dash is written " + name + "=-...)");
  }
  if (given.size() > 1 && option.get_items_expected_max() == 1)
    return name + " is given " + std::to_string(given.size()) +
           " times, and counts once: say which";
  // What was meant as a placeholder's value, or as a header's, may be a secret.
  const bool is_shown = !name.starts_with("--placeholder") && !name.starts_with("--http-header");
  return name + ": " + (is_shown ? "\"" + shown_argument(given.back()) + "\"" : "this") +
         " cannot be used; write " + wanted_by(option);
}

}  // namespace

NamedCommand named_command(const CLI::App& app) {
  NamedCommand named{&app, "pgsluice"};
  while (!named.command->get_subcommands().empty()) {
    named.command = named.command->get_subcommands().back();
    named.path += " " + named.command->get_name();
  }
  return named;
}

std::string describe(const CLI::App& app, const CLI::ParseError& error,
                     const std::string& first_argument) {
  const auto [command, path] = named_command(app);
  const std::string begin = path + ": ";
  if (dynamic_cast<const WrongValue*>(&error) != nullptr) return begin + error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    return begin + unknown_arguments(app, *command);
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    // A mistyped flag often makes another one seem to be missing: it is the one to name.
    std::vector<std::string> rest = command->remaining();
    if (rest.empty() && command == &app && !first_argument.empty()) rest.push_back(first_argument);
    const bool is_unknown = std::ranges::any_of(rest, [&](const std::string& word) {
      return word.size() > 1 && (word.starts_with("-") || !subcommands_of(*command).empty());
    });
    return begin + (is_unknown ? unknown_arguments(app, *command) : missing(*command));
  }
  if (const CLI::Option* const option = option_of(*command, error.what()))
    return begin + wrong_values(*option);
  return begin + "these arguments cannot be read";
}

}  // namespace sluice::app

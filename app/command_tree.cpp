#include "app/command_tree.hpp"

#include <algorithm>

namespace sluice::app {
namespace {

ShownOption shown(const CLI::Option& option) {
  ShownOption made{
      .names = {},
      .value = option.get_option_text().empty() ? option.get_type_name() : option.get_option_text(),
      .help = option.get_description(),
      .is_positional = option.get_positional(),
      .is_required = option.get_required(),
      .is_repeatable = option.get_expected_max() > 1,
      .takes_value = option.get_expected_min() > 0 && option.get_type_size() > 0};
  if (made.is_positional) {
    made.names.push_back(option.get_name(true));
    return made;
  }
  for (const std::string& name : option.get_snames()) made.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) made.names.push_back("--" + name);
  return made;
}

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void complete(ShownCommand& made, const CLI::App& command) {
  made.help = command.get_description();
  made.footer = command.get_footer();
  made.needs_subcommand = command.get_require_subcommand_min() > 0;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    ShownOption one = shown(*option);
    if (one.is_positional) {
      made.positionals.push_back(std::move(one));
      continue;
    }
    const std::string& title = option->get_group();
    auto group = std::ranges::find(made.groups, title, &ShownGroup::title);
    if (group == made.groups.end()) {
      made.groups.push_back({.title = title, .options = {}});
      group = made.groups.end() - 1;
    }
    group->options.push_back(std::move(one));
  }
  for (const CLI::App* sub : shown_subcommands(command)) {
    ShownCommand below{.path = made.path + " " + sub->get_name()};
    complete(below, *sub);
    made.subcommands.push_back(std::move(below));
  }
}

}  // namespace

std::vector<const CLI::App*> shown_subcommands(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

std::vector<ShownOption> shown_options(const CLI::App& command) {
  std::vector<ShownOption> all;
  for (const CLI::Option* option : command.get_options())
    if (!option->get_group().empty()) all.push_back(shown(*option));
  return all;
}

ShownCommand shown_command(const CLI::App& command) {
  ShownCommand made{.path = command.get_name()};
  for (const CLI::App* at = command.get_parent(); at != nullptr; at = at->get_parent())
    made.path.insert(0, at->get_name() + " ");
  complete(made, command);
  return made;
}

std::string synopsis_of(const ShownCommand& command) {
  std::string text = command.path;
  for (const ShownOption& one : command.positionals) {
    const std::string name = one.names.front() + (one.is_repeatable ? "..." : "");
    text += one.is_required ? " " + name : " [" + name + "]";
  }
  for (const ShownGroup& group : command.groups)
    for (const ShownOption& one : group.options)
      if (one.is_required) text += " " + one.names.back() + " " + one.value;
  const bool has_flags = std::ranges::any_of(
      command.groups, [](const ShownGroup& group) { return group.options.size() > 1; });
  text += command.groups.empty() || !has_flags ? "" : " [flags]";
  if (command.subcommands.empty()) return text;
  return text + (command.needs_subcommand ? " COMMAND" : " [COMMAND]");
}

std::vector<std::string> words_of(const std::string& value) {
  const bool is_optional = value.starts_with("[=") && value.ends_with("]");
  std::string rest = is_optional ? value.substr(2, value.size() - 3) : value;
  if (!is_optional && !rest.contains('|')) return {};
  std::vector<std::string> words;
  for (rest += '|'; !rest.empty(); rest.erase(0, rest.find('|') + 1)) {
    std::string word = rest.substr(0, rest.find('|'));
    const std::size_t colon = word.find(':');
    if (is_word(word.substr(0, colon)))
      words.push_back(colon == std::string::npos ? std::move(word) : word.substr(0, colon + 1));
  }
  return words;
}

}  // namespace sluice::app

#include "app/reference.hpp"

namespace sluice::app {
namespace {

/// In a cell of a table.
std::string in_cell(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '|' || c == '*' || c == '<' || c == '[' || c == '\\' || c == '_') made += '\\';
    made += c == '\n' ? ' ' : c;
  }
  return made;
}

/// Code in a cell: a | divides cells there too.
std::string code_in_cell(const std::string& text) {
  std::string made;
  for (const char c : text) made += c == '|' ? std::string("\\|") : std::string(1, c);
  return "`" + made + "`";
}

std::string row_of(const ShownOption& option) {
  std::string names;
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + name;
  if (!option.is_positional && !option.value.empty())
    names += (option.value.starts_with("[") ? "" : " ") + option.value;
  return "| " + code_in_cell(names) + " | " + in_cell(option.help) +
         (option.is_required ? " (required)" : "") + " |\n";
}

std::string table_of(const std::string& title, const std::vector<ShownOption>& options) {
  std::string text = "| " + in_cell(title) + " | |\n|---|---|\n";
  for (const ShownOption& option : options) text += row_of(option);
  return text + "\n";
}

std::string section_of(const ShownCommand& command, const std::string& marks) {
  std::string text = marks + " " + command.path + "\n\n" + command.help + "\n\n```\n" +
                     synopsis_of(command) + "\n```\n\n";
  if (!command.positionals.empty()) text += table_of("Arguments", command.positionals);
  for (const ShownGroup& group : command.groups) text += table_of(group.title, group.options);
  if (!command.footer.empty()) text += "```\n" + command.footer + "\n```\n\n";
  const std::string deeper = marks == "#" ? "##" : "###";
  for (const ShownCommand& sub : command.subcommands) text += section_of(sub, deeper);
  return text;
}

}  // namespace

std::string reference_of(const ShownCommand& program) {
  std::string text = section_of(program, "#");
  text.pop_back();
  return text;
}

}  // namespace sluice::app

#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// The tree of commands as those see it who write about it: manual pages, the reference,
/// completion. What no help shows is not in it.
namespace sluice::app {

struct ShownOption {
  std::vector<std::string> names;  ///< "-j", "--jobs"; of a positional one its name alone
  std::string value;  ///< what stands behind it: "N", "text|json", "[=all]"; may be empty
  std::string help;
  bool is_positional = false;
  bool is_required = false;
  bool is_repeatable = false;
  bool takes_value = false;  ///< the argument behind it, where none stands behind a =
};

struct ShownGroup {
  std::string title;
  std::vector<ShownOption> options;
};

struct ShownCommand {
  std::string path;  ///< "pgsluice loads show"
  std::string help;
  std::string footer;
  std::vector<ShownOption> positionals;
  std::vector<ShownGroup> groups;
  std::vector<ShownCommand> subcommands;
  bool needs_subcommand = false;
};

ShownCommand shown_command(const CLI::App& command);

/// Of one command, without those of others.
std::vector<const CLI::App*> shown_subcommands(const CLI::App& command);
std::vector<ShownOption> shown_options(const CLI::App& command);

/// "pgsluice load FILE... --table TABLE [flags]"
std::string synopsis_of(const ShownCommand& command);

/// The words of an enum that a value may be: of "text|json", of "CHAR|none" ("none"), of "[=all]".
std::vector<std::string> words_of(const std::string& value);

}  // namespace sluice::app

#include <algorithm>

#include "app/cli.hpp"
#include "app/command_tree.hpp"
#include "app/output.hpp"
#include "app/program.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "base/suggestion.hpp"

namespace sluice::app {
namespace {

/// What `pgsluice COMMAND --help` prints.
int print_help_of(const std::vector<std::string>& words) {
  const Program program("");
  const CLI::App* command = &program.app;
  std::string path;
  for (const std::string& word : words) {
    const std::vector<const CLI::App*> below = shown_subcommands(*command);
    const auto named = std::ranges::find(below, word, &CLI::App::get_name);
    path += (path.empty() ? "" : " ") + command->get_name();
    if (named == below.end()) {
      std::vector<std::string> names;
      for (const CLI::App* sub : below) names.push_back(sub->get_name());
      const auto meant = nearest(word, names);
      throw Failure(FailureKind::usage, path + " has no command " + word +
                                            (meant ? "; did you mean " + *meant + "?" : ""));
    }
    command = *named;
  }
  print_result(command->help(path));
  return exit_ok;
}

}  // namespace

Run add_help_command(CLI::App& app) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App& c = *app.add_subcommand("help", "what a command does, and its flags, as its --help");
  c.set_help_flag("--help", "print this help and exit");
  c.add_option("COMMAND", *words, "of which one: load, migrate up");
  return [words] { return print_help_of(*words); };
}

}  // namespace sluice::app

#include <fstream>

#include "app/cli.hpp"
#include "app/manual.hpp"
#include "app/program.hpp"
#include "app/reference.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"

namespace sluice::app {
namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) throw Failure(FailureKind::failed, path + ": cannot be written");
}

/// What is said of the commands elsewhere than in their help, into a folder that is there.
int generate(const std::string& what, const std::string& folder) {
  const Program program("");
  const ShownCommand tree = shown_command(program.app);
  if (what == "reference") {
    write(folder + "/reference.md", reference_of(tree));
    return exit_ok;
  }
  if (what != "manual") throw Failure(FailureKind::usage, "generate: manual or reference");
  for (const ManualPage& page : manual_of(tree, PGSLUICE_VERSION))
    write(folder + "/" + page.name, page.text);
  const ManualPage configuration = manual_of_configuration(PGSLUICE_VERSION);
  write(folder + "/" + configuration.name, configuration.text);
  return exit_ok;
}

}  // namespace

Run add_generate_command(CLI::App& app) {
  CLI::App& c = *app.add_subcommand("generate");
  c.group("");
  auto what = std::make_shared<std::string>();
  auto folder = std::make_shared<std::string>();
  c.add_option("WHAT", *what)->required();
  c.add_option("DIR", *folder)->required();
  return [what, folder] { return generate(*what, *folder); };
}

}  // namespace sluice::app

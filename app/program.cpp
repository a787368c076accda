#include "app/program.hpp"

#include <algorithm>
#include <array>
#include <boost/version.hpp>
#include <string_view>

#include "decode/library.hpp"
#include "http/library.hpp"
#include "migrate/library.hpp"
#include "pg/library.hpp"
#include "script/library.hpp"

namespace sluice::app {
namespace {

struct AddedCommand {
  std::string_view name;
  Run (*add)(CLI::App&);
};
constexpr std::array all_commands{
    AddedCommand{"load", add_load_command},         AddedCommand{"check", add_check_command},
    AddedCommand{"inspect", add_inspect_command},   AddedCommand{"loads", add_loads_command},
    AddedCommand{"migrate", add_migrate_command},   AddedCommand{"schedule", add_schedule_command},
    AddedCommand{"serve", add_serve_command},       AddedCommand{"worker", add_worker_command},
    AddedCommand{"doctor", add_doctor_command},     AddedCommand{"help", add_help_command},
    AddedCommand{"generate", add_generate_command},
};

/// What runs: for whoever reports a fault, or asks whether one is mended here.
std::string versions() {
  std::string boost = BOOST_LIB_VERSION;
  std::ranges::replace(boost, '_', '.');
  return "pgsluice " PGSLUICE_VERSION "\n" + pg::library() + ", " + migrate::library() +
         ", Boost " + boost + ", " + script::library() + ", " + http::library() + ", " +
         decode::library();
}

}  // namespace

Program::Program(const std::string& first) {
  app.set_help_flag("--help", "print this help and exit");
  app.set_version_flag("-V,--version", versions, "print the versions of this and its libraries");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some rows rejected, 4 cannot connect, 5 too "
      "many rejects,\n"
      "6 another run holds it, 7 the source or a migration changed, 10 migrations are pending, "
      "130/143 interrupted\n(can be resumed).");
  // A version is no command's, and told without them.
  const bool names_one = first == "--version" || first == "-V" ||
                         std::ranges::any_of(all_commands, [&first](const AddedCommand& command) {
                           return command.name == first;
                         });
  for (const AddedCommand& command : all_commands)
    if (!names_one || command.name == first) commands[std::string(command.name)] = command.add(app);
}

}  // namespace sluice::app

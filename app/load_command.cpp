#include <iostream>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "app/run_load.hpp"

namespace sluice::app {
namespace {

void print_text(const Ending& ending, bool quiet) {
  const std::string text = text_of(ending);
  if (ending.message.empty()) {
    if (!quiet) std::cout << text << std::flush;
    return;
  }
  std::cerr << "pgsluice: " << ending.message << "\n" << text;
}

int run_load(const LoadFlags& flags) {
  std::vector<Ending> endings;
  int exit_code = exit_ok;
  try {
    load::LoadOptions options = options_of(flags);
    Runtime runtime(flags.common.connect);
    for (std::size_t i = 0; i < flags.files.size(); ++i) {
      options.path = flags.files[i];
      options.more_follows = i + 1 < flags.files.size();
      endings.push_back(run_one(runtime, flags, options));
      const Ending& ending = endings.back();
      if (ending.exit_code != exit_ok) exit_code = ending.exit_code;
      if (flags.common.output == OutputFormat::text) print_text(ending, flags.common.quiet);
      if (!ending.message.empty()) break;
    }
  } catch (const Failure& error) {
    Ending ending = ending_of(error, flags.files.front(), flags.load.table);
    exit_code = ending.exit_code;
    if (flags.common.output == OutputFormat::text) print_text(ending, flags.common.quiet);
    endings.push_back(std::move(ending));
  }
  if (flags.common.output == OutputFormat::json) {
    nlohmann::ordered_json json{
        {"command", "load"}, {"exit_code", exit_code}, {"loads", nlohmann::ordered_json::array()}};
    for (const Ending& ending : endings) json["loads"].push_back(json_of(ending));
    std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
  return exit_code;
}

}  // namespace

Run add_load_command(CLI::App& app) {
  auto flags = std::make_shared<LoadFlags>();
  CLI::App& c = *app.add_subcommand("load", "load CSV files into a table");
  c.set_help_flag("--help", "print this help and exit");
  c.add_option("FILE", flags->files, "files to load, one after the other; - is stdin")->required();
  c.add_option("-t,--table", flags->load.table,
               "the table, as in SQL: trips, sales.trips, '\"Trips\"'")
      ->required();
  add_input_flags(c, *flags);
  add_row_flags(c, *flags);
  add_reject_flags(c, *flags);
  add_speed_and_safety_flags(c, *flags);
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  add_progress_flag(c, *flags);
  return [flags] { return run_load(*flags); };
}

}  // namespace sluice::app

#include <fmt/format.h>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "app/output.hpp"
#include "app/run_load.hpp"
#include "base/quantity.hpp"
#include "load/salvage.hpp"

namespace sluice::app {
namespace {

int run_check(const LoadFlags& flags) {
  const bool as_json = flags.common.output == OutputFormat::json;
  int exit_code = exit_ok;
  auto json = nlohmann::ordered_json::array();
  const auto report = [&](const Ending& ending, nlohmann::ordered_json rejects) {
    if (ending.exit_code != exit_ok) exit_code = ending.exit_code;
    if (as_json) {
      json.push_back(json_of(ending));
      json.back()["rejects"] = std::move(rejects);
    } else if (ending.message.empty()) {
      print_result(text_of(ending));
    } else {
      print_error(ending.message);
    }
  };
  try {
    load::LoadOptions options = options_of(flags);
    if (!options.rejects.ratio_max && !options.rejects.rejects_max)
      options.rejects.rejects_max = std::numeric_limits<std::uint64_t>::max();
    Runtime runtime(flags.common.connect);
    for (const std::string& file : flags.files) {
      options.path = file;
      auto rejects = nlohmann::ordered_json::array();
      options.on_reject = [&](const tuple::Reject& reject) {
        const std::string source = file == "-" ? "stdin" : file;
        if (as_json) {
          rejects.push_back(json_of(source, reject));
        } else {
          print_result(cell(load::text_of(source, reject)) + "\n");
        }
      };
      const Ending ending = run_one(runtime, flags, options);
      report(ending, std::move(rejects));
      if (!ending.message.empty()) break;
    }
  } catch (const Failure& error) {
    report(ending_of(error, flags.files.front(), flags.load.table),
           nlohmann::ordered_json::array());
  }
  if (as_json) {
    const nlohmann::ordered_json all{
        {"command", "check"}, {"exit_code", exit_code}, {"checks", std::move(json)}};
    print_json(all);
  }
  return exit_code;
}

}  // namespace

Run add_check_command(CLI::App& app) {
  auto flags = std::make_shared<LoadFlags>();
  flags->load.check = true;
  flags->load.use_ledger = false;
  flags->no_ledger = true;
  CLI::App& c =
      *app.add_subcommand("check", "let the server judge all records of CSV files, and keep none");
  c.set_help_flag("--help", "print this help and exit");
  c.footer(
      "Each bad record is a line on stdout; exit code 3 if there is one. All records go into one\n"
      "transaction that is rolled back: triggers of the table run, and rows with the same keys "
      "that\n"
      "others insert meanwhile wait for its end.");
  c.add_option("FILE", flags->files, "files to check; - is stdin")->required();
  c.add_option("-t,--table", flags->load.table,
               "the table, as in SQL: trips, sales.trips, '\"Trips\"'")
      ->required();
  add_input_flags(c, *flags);
  add_conflict_flags(c, *flags);
  add_reject_flags(c, *flags);
  add_setting_flags(c, *flags);
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  add_progress_flag(c, *flags);
  return [flags] { return run_check(*flags); };
}

}  // namespace sluice::app

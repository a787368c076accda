#include "app/cli.hpp"
#include "app/fetch_flags.hpp"
#include "app/handed_upload.hpp"
#include "app/load_files.hpp"
#include "app/output.hpp"
#include "app/run_load.hpp"
#include "app/sql_flags.hpp"
#include "base/exit_code.hpp"
#include "base/path_text.hpp"

namespace sluice::app {
namespace {

int run_load(LoadFlags& flags, const MoreFiles& more) {
  report::Several several;
  const bool as_text = flags.common.output == OutputFormat::text;
  int exit_code = exit_ok;
  try {
    settle_fetching(flags);
    if (!flags.files.empty()) {
      exit_code = load_files(flags, more, several);
    } else if (as_text && !flags.common.quiet) {
      print_result("no new files\n");  // of a job, whose patterns may match nothing
    }
  } catch (const Failure& error) {
    report::Ending ending = ending_of(error, flags.files.front(), flags.load.table);
    exit_code = ending.exit_code;
    if (as_text) print_ending(ending, flags.common.quiet, false);
    several.endings.push_back(std::move(ending));
  }
  if (as_text) {
    if (several.files.size() > 1 && !flags.common.quiet) print_result(text_of(several));
    return exit_code;
  }
  nlohmann::ordered_json json{
      {"command", "load"}, {"exit_code", exit_code}, {"loads", nlohmann::ordered_json::array()}};
  for (const report::Ending& ending : several.endings) json["loads"].push_back(json_of(ending));
  json["totals"] = json_of_totals(several);
  if (!several.left_out.empty()) {
    json["left_out"] = nlohmann::ordered_json::array();
    for (const std::string& file : several.left_out) json["left_out"].push_back(text_of_path(file));
  }
  print_json(json);
  return exit_code;
}

}  // namespace

Run add_load_command(CLI::App& app) {
  auto flags = std::make_shared<LoadFlags>();
  auto more = std::make_shared<MoreFiles>();
  CLI::App& c = *app.add_subcommand("load", "load CSV files into a table");
  c.set_help_flag("--help", "print this help and exit");
  c.add_option(
       "FILE", flags->files,
       "what to load: files, folders, patterns in quotes ('in/**/*.csv'), URLs, @LIST for a "
       "file that names them, - for stdin")
      ->required();
  // Of a job, which has looked already: a name that a file had then is no list, pattern or folder.
  c.add_flag("--as-named", flags->as_named)->group("");
  c.add_option("-t,--table", flags->load.table,
               "the table, as in SQL: trips, sales.trips, '\"Trips\"'")
      ->type_name("TABLE")
      ->required();
  c.add_flag("--keep-going", more->keep_going,
             "of several files: a failure does not stop the others");
  c.add_flag("--join", more->join,
             "other commands may load the same files at the same time, on any host: each takes "
             "what no other one has, and ends well when all of them are loaded");
  const auto lease = [more](const std::chrono::milliseconds& time) { more->lease = time; };
  add_duration_option(c, "--lease", lease,
                      "with --join: what a command has loads another one, once the server has not "
                      "heard of it for so long (default: 1m)");
  add_size_option(c, "--segment-size", more->segment_bytes,
                  "with --join: in parts of which length commands share a larger file, or shorter "
                  "ones where they are few; each reads one at a time into memory (default: 64MiB)");
  c.add_option("--after", more->after,
               "what becomes of a file that is loaded (default: keep); a move replaces no file")
      ->option_text("move:DIR|delete|keep");
  add_duration_option(
      c, "--wait", more->wait,
      "how long to wait at the start for a server that is starting or not there yet "
      "(default: 0s)");
  add_input_flags(c, *flags);
  add_packing_flags(c, *flags);
  add_fetch_flags(c, *flags);
  add_sql_flags(c, *flags);
  add_create_flags(c, flags->create);
  add_row_flags(c, *flags);
  add_end_flags(c, *flags);
  add_reject_flags(c, *flags);
  add_speed_flags(c, *flags);
  add_safety_flags(c, *flags);
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  add_progress_flag(c, *flags);
  return [flags, more] {
    if (flags->files == std::vector<std::string>{"-"}) take_handed_upload(flags->load);
    return run_load(*flags, *more);
  };
}

}  // namespace sluice::app

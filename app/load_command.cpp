#include "app/after_load.hpp"
#include "app/cli.hpp"
#include "app/inputs.hpp"
#include "app/output.hpp"
#include "app/run_load.hpp"
#include "base/exit_code.hpp"
#include "base/path_text.hpp"
#include "base/reject_name.hpp"
#include "pg/await_server.hpp"
#include "report/several.hpp"

namespace sluice::app {
namespace {

/// What concerns several files.
struct MoreFiles {
  bool keep_going = false;
  std::string after = "keep";
  std::chrono::milliseconds wait{};  ///< for a server that is starting, or away
};

void print_text(const report::Ending& ending, bool quiet) {
  const std::string text = text_of(ending);
  if (ending.message.empty()) {
    if (!quiet) print_result(text);
    return;
  }
  print_error(ending.message);
  print_log(text);
}

/// Of several files: the first failure counts, or else that some records were rejected.
int worse(int before, int now) {
  const bool failed_before = before != exit_ok && before != exit_rejected;
  return failed_before || now == exit_ok ? before : now;
}

bool is_loaded(const report::Ending& ending) {
  return ending.exit_code == exit_ok || ending.exit_code == exit_rejected;
}

/// What becomes of a loaded file; where that fails, the ending says so.
void act_after(const AfterLoad& after, const LoadFlags& flags, const std::string& path,
               report::Ending& ending) {
  const bool as_text = flags.common.output == OutputFormat::text;
  try {
    const std::string done = after.apply(path, ending.report.file);
    if (!done.empty() && !flags.common.quiet) print_note(done);
  } catch (const Failure& failure) {
    ending.exit_code = exit_code_of(failure.kind(), 0);
    ending.message = failure.what();
    if (as_text) print_error(ending.message);
  }
}

report::Ending load_one(Runtime& runtime, const LoadFlags& flags, const AfterLoad& after,
                        const plan::LoadOptions& options) {
  try {
    after.check(options.path);
  } catch (const Failure& failure) {
    return ending_of(failure, options.path, options.table);
  }
  return run_one(runtime, flags, options);
}

/// A pattern of the shell matches the rejects of its files too. Where all are such, they are meant.
std::vector<std::string> without_rejects(const LoadFlags& flags, report::Several& several) {
  std::vector<std::string> data;
  for (const std::string& file : flags.files)
    (file != "-" && is_reject_file(file) ? several.left_out : data).push_back(file);
  if (data.empty() || several.left_out.empty()) {
    several.left_out.clear();
    return flags.files;
  }
  if (!flags.common.quiet && flags.common.output == OutputFormat::text) {
    for (const std::string& file : several.left_out)
      print_note("left out " + file + ", which has the rejects of a load: load it by itself");
  }
  return data;
}

/// Of several files, each message says which one it is about.
void name_file(report::Ending& ending) {
  const std::string name = ending.path == "-" ? "stdin" : text_of_path(ending.path);
  if (ending.message.empty() || ending.message.contains(name) ||
      ending.message.contains(ending.path))
    return;
  ending.message.insert(0, name + ": ");
}

/// Nothing where the server is there, or is not waited for; else the ending of the command.
std::optional<report::Ending> await_server(Runtime& runtime, const LoadFlags& flags,
                                           std::chrono::milliseconds patience) {
  if (patience <= std::chrono::milliseconds::zero()) return std::nullopt;
  const bool is_quiet = flags.common.quiet;
  const auto say = [is_quiet](const std::string& why) {
    if (!is_quiet) print_note(why);
  };
  std::optional<Failure> failed;
  runtime.end_on_signal();
  try {
    pg::ServerWait wait{patience, say};
    runtime.run(pg::await_server(runtime.pool(), std::move(wait)));
  } catch (const pg::PgError& error) {
    failed.emplace(FailureKind::connect, error.full());
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    failed.emplace(FailureKind::interrupted, "interrupted; nothing was stored");
  }
  runtime.on_signal({}, {});
  if (!failed) return std::nullopt;
  report::Ending ending = ending_of(*failed, flags.files.front(), flags.load.table);
  ending.exit_code = exit_code_of(failed->kind(), runtime.signal());
  return ending;
}

/// Loads one file after the other; returns the exit code of all.
int load_files(const LoadFlags& flags, const MoreFiles& more, report::Several& several) {
  int exit_code = exit_ok;
  const AfterLoad after = AfterLoad::parse(more.after);
  if (after.what != AfterLoad::What::keep && flags.limit) {
    throw Failure(FailureKind::usage,
                  "--after " + more.after +
                      " with --limit: the file would be gone, and what is behind the limit in no "
                      "table; leave one of them out");
  }
  plan::LoadOptions options = options_of(flags);
  Runtime runtime(flags.common.connect);
  const std::vector<Input> inputs = inputs_of(without_rejects(flags, several), options.unpack);
  for (const Input& input : inputs) several.files.push_back(input.shown());
  if (std::optional<report::Ending> ending = await_server(runtime, flags, more.wait)) {
    if (flags.common.output == OutputFormat::text) print_text(*ending, flags.common.quiet);
    exit_code = ending->exit_code;
    several.endings.push_back(std::move(*ending));
    return exit_code;
  }
  bool all_of_file = true;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    options.path = inputs[i].path;
    options.unpack.member = inputs[i].member;
    options.more_follows = i + 1 < inputs.size();
    several.endings.push_back(load_one(runtime, flags, after, options));
    report::Ending& ending = several.endings.back();
    ending.path = several.files[i];
    if (several.files.size() > 1) name_file(ending);
    if (flags.common.output == OutputFormat::text) print_text(ending, flags.common.quiet);
    all_of_file = all_of_file && is_loaded(ending);
    if (all_of_file && inputs[i].is_last_of_file && !options.dry_run)
      act_after(after, flags, options.path, ending);
    all_of_file = all_of_file || inputs[i].is_last_of_file;
    exit_code = worse(exit_code, ending.exit_code);
    if (is_loaded(ending)) continue;
    if (!more.keep_going || runtime.signal() != 0 || ending.exit_code == exit_connect) break;
  }
  return exit_code;
}

int run_load(const LoadFlags& flags, const MoreFiles& more) {
  report::Several several;
  const bool as_text = flags.common.output == OutputFormat::text;
  int exit_code = exit_ok;
  try {
    exit_code = load_files(flags, more, several);
  } catch (const Failure& error) {
    report::Ending ending = ending_of(error, flags.files.front(), flags.load.table);
    exit_code = ending.exit_code;
    if (as_text) print_text(ending, flags.common.quiet);
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
  c.add_option("FILE", flags->files, "files to load, one after the other; - is stdin")->required();
  c.add_option("-t,--table", flags->load.table,
               "the table, as in SQL: trips, sales.trips, '\"Trips\"'")
      ->required();
  c.add_flag("--keep-going", more->keep_going,
             "of several files: a failure does not stop the others");
  c.add_option("--after", more->after,
               "what becomes of a file that is loaded (default: keep); a move replaces no file")
      ->option_text("move:DIR|delete|keep");
  add_duration_option(
      c, "--wait", more->wait,
      "how long to wait at the start for a server that is starting or not there yet "
      "(default: 0s)");
  add_input_flags(c, *flags);
  add_packing_flags(c, *flags);
  add_row_flags(c, *flags);
  add_reject_flags(c, *flags);
  add_speed_flags(c, *flags);
  add_safety_flags(c, *flags);
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  add_progress_flag(c, *flags);
  return [flags, more] { return run_load(*flags, *more); };
}

}  // namespace sluice::app

#include <fmt/format.h>

#include <iostream>
#include <optional>

#include "app/cli.hpp"
#include "app/exit_code.hpp"
#include "app/progress_printer.hpp"
#include "app/report.hpp"
#include "app/runtime.hpp"
#include "async/task_group.hpp"
#include "base/quantity.hpp"
#include "load/load.hpp"

namespace sluice::app {
namespace {

/// The flags as they were given; what they mean together is decided in options_of().
struct LoadFlags {
  CommonOptions common;
  std::vector<std::string> files;
  ProgressMode progress = ProgressMode::automatic;
  std::optional<char> delimiter;
  std::optional<char> quote;
  std::optional<char> escape;
  std::optional<std::uint64_t> limit;
  std::vector<std::string> maps;
  std::vector<std::string> settings;
  std::optional<std::chrono::milliseconds> lock_timeout;
  bool header_given = false;
  bool no_ledger = false;
  load::LoadOptions load;
};

std::map<std::string, std::string> parse_pairs(const std::vector<std::string>& texts,
                                               const std::string& flag,
                                               const std::string& example) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    const std::size_t at = text.find('=');
    if (at == std::string::npos || at == 0) {
      throw Failure(FailureKind::usage, flag + ": \"" + text +
                                            "\" has no name and value; write for example " + flag +
                                            " " + example);
    }
    pairs[text.substr(0, at)] = text.substr(at + 1);
  }
  return pairs;
}

/// Throws Failure(usage) for flags that do not go together.
load::LoadOptions options_of(const LoadFlags& flags) {
  load::LoadOptions o = flags.load;
  o.dialect.delimiter = flags.delimiter.value_or(o.dialect.delimiter);
  o.dialect.quote = flags.quote.value_or(o.dialect.quote);
  o.dialect.escape = flags.escape.value_or(o.dialect.quote);
  if (const auto defect = csv::defect_of(o.dialect)) throw Failure(FailureKind::usage, *defect);
  o.limit = flags.limit;
  o.renames = parse_pairs(flags.maps, "--map", "\"Trip ID=trip_id\"");
  o.settings = parse_pairs(flags.settings, "--set", "synchronous_commit=off");
  if (flags.lock_timeout)
    o.settings["lock_timeout"] = std::to_string(flags.lock_timeout->count()) + "ms";
  o.encoding = flags.common.connect.client_encoding;
  o.use_ledger = !flags.no_ledger;
  if (!o.columns.empty() && (!flags.header_given || o.header == load::HeaderMode::match)) {
    throw Failure(FailureKind::usage,
                  "--columns names the file's columns; say too whether the file has a header to "
                  "skip (--header=skip) or "
                  "none (--header=none)");
  }
  if (o.chunk_bytes == 0 || o.chunk_bytes > limits::chunk_bytes_max) {
    throw Failure(FailureKind::usage,
                  "--chunk-size must be from 1 byte to " + format_bytes(limits::chunk_bytes_max));
  }
  if (o.record_bytes_max == 0 || o.record_bytes_max > limits::record_bytes_max) {
    throw Failure(FailureKind::usage, "--max-record-bytes must be from 1 byte to " +
                                          format_bytes(limits::record_bytes_max));
  }
  if (o.defer_indexes && !o.use_ledger) {
    throw Failure(
        FailureKind::usage,
        "--defer-indexes keeps its journal in the ledger, so that no index is lost: leave "
        "out --no-ledger");
  }
  if (flags.files.size() > 1 && o.truncate) {
    throw Failure(
        FailureKind::usage,
        "--truncate with several files would keep the rows of the last one only; load the first "
        "file with --truncate and the others without");
  }
  return o;
}

void refuse_unsafe_encoding(const std::string& encoding) {
  // In these a byte of a longer character can look like a delimiter or a quote.
  for (const char* unsafe :
       {"SJIS",         "SHIFT_JIS", "SHIFTJIS",   "MSKANJI", "WIN932", "WINDOWS932",
        "BIG5",         "WIN950",    "WINDOWS950", "GBK",     "WIN936", "WINDOWS936",
        "UHC",          "WIN949",    "WINDOWS949", "GB18030", "JOHAB",  "SHIFT_JIS_2004",
        "SHIFTJIS2004", "UTF16",     "UTF-16",     "UTF32",   "UTF-32"}) {
    std::string upper = encoding;
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    if (upper != unsafe) continue;
    throw Failure(FailureKind::usage,
                  "--encoding " + encoding +
                      " cannot be read in chunks; convert the file first: iconv -f " + encoding +
                      " -t UTF-8 FILE | pgsluice load - --table T");
  }
}

/// Runs the load and keeps the printer running beside it.
asio::awaitable<void> run_and_follow(load::Load& load, ProgressPrinter& printer) {
  async::TaskGroup beside(co_await asio::this_coro::executor);
  beside.spawn(printer.follow(load));
  std::exception_ptr failed;
  try {
    co_await load.run();
  } catch (...) {
    failed = std::current_exception();
  }
  beside.cancel();
  try {
    co_await beside.join();
  } catch (const boost::system::system_error&) {
    // The printer's cancellation, which was asked for.
  }
  if (failed) std::rethrow_exception(failed);
}

Ending run_one(Runtime& runtime, const LoadFlags& flags, load::LoadOptions options) {
  Ending ending{.report = {},
                .path = options.path,
                .table = options.table,
                .exit_code = 0,
                .message = {},
                .sql_state = {},
                .bad_record = {}};
  load::Load load(runtime.resources(), std::move(options));
  ProgressPrinter printer(flags.progress, flags.common.quiet, flags.common.verbose);
  runtime.on_signal([&load] { load.stop(); }, [&load] { load.cancel(); });
  try {
    runtime.run(run_and_follow(load, printer));
  } catch (const load::BadRecord& error) {
    ending.bad_record = error;
    ending.message = error.what();
    ending.sql_state = error.reject().sql_state;
    ending.exit_code = exit_code_of(error.kind(), 0);
  } catch (const Failure& error) {
    ending.message = error.what();
    ending.exit_code = exit_code_of(error.kind(), runtime.signal());
  } catch (const pg::PgError& error) {
    ending.message = error.full();
    if (!error.state.empty()) ending.sql_state = error.state.code();
    ending.exit_code = error.phase == pg::Phase::connect ? exit_connect : exit_failed;
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    ending.message = "interrupted";
    ending.exit_code = exit_code_of(FailureKind::interrupted, runtime.signal());
  }
  runtime.on_signal({}, {});
  printer.finish(load);
  ending.report = load.report();
  return ending;
}

void print_text(const Ending& ending, bool quiet) {
  const std::string text = text_of(ending);
  if (ending.exit_code == exit_ok) {
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
    refuse_unsafe_encoding(options.encoding);
    Runtime runtime(flags.common.connect);
    for (std::size_t i = 0; i < flags.files.size(); ++i) {
      options.path = flags.files[i];
      options.more_follows = i + 1 < flags.files.size();
      endings.push_back(run_one(runtime, flags, options));
      exit_code = endings.back().exit_code;
      if (flags.common.output == OutputFormat::text) print_text(endings.back(), flags.common.quiet);
      if (exit_code != exit_ok) break;
    }
  } catch (const Failure& error) {
    Ending ending{.report = {},
                  .path = flags.files.front(),
                  .table = flags.load.table,
                  .exit_code = exit_code_of(error.kind(), 0),
                  .message = error.what(),
                  .sql_state = {},
                  .bad_record = {}};
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

void add_input_flags(CLI::App& c, LoadFlags& f) {
  static const std::map<std::string, load::HeaderMode> headers{{"match", load::HeaderMode::match},
                                                               {"skip", load::HeaderMode::skip},
                                                               {"none", load::HeaderMode::none}};
  const std::string group = "Input (the defaults are those of COPY ... (FORMAT csv))";
  const auto in_group = [&](CLI::Option* option) { option->group(group); };
  add_character_option(c, "--delimiter", f.delimiter, "between values (default: comma)");
  add_character_option(c, "--quote", f.quote, "around values (default: \")");
  add_character_option(c, "--escape", f.escape,
                       "before a quote inside quotes (default: the quote itself)");
  for (const char* flag : {"--delimiter", "--quote", "--escape"}) in_group(c.get_option(flag));
  in_group(c.add_option("--null", f.load.dialect.null_text,
                        "unquoted text that means NULL (default: empty)")
               ->option_text("TEXT"));
  const auto header_given = [&f](const std::string& text) {
    f.header_given = true;
    f.load.header = headers.at(text);
  };
  in_group(c.add_option_function<std::string>(
                "--header", header_given,
                "match: the first record names the columns (default); skip: it is ignored; "
                "none: it is data")
               ->check(CLI::IsMember(headers))
               ->option_text("match|skip|none"));
  in_group(c.add_option("--skip-lines", f.load.skip_lines,
                        "lines in front of the header or the data that are not read")
               ->option_text("N"));
  in_group(c.add_option("--encoding", f.common.connect.client_encoding,
                        "of the file, as PostgreSQL names it (default: PGCLIENTENCODING or UTF8)")
               ->option_text("NAME"));
  in_group(c.add_option("--columns", f.load.columns,
                        "the file's columns in order, with --header=skip or --header=none")
               ->delimiter(',')
               ->option_text("A,B,C"));
  in_group(c.add_option("--map", f.maps, "which table column a CSV column goes to (repeatable)")
               ->option_text("CSV=COLUMN"));
  in_group(
      c.add_flag("--ignore-extra", f.load.ignore_extra, "drop CSV columns that the table lacks"));
  add_size_option(c, "--max-record-bytes", f.load.record_bytes_max,
                  "largest record, before it is an error (default: 64MiB)");
  in_group(c.get_option("--max-record-bytes"));
}

void add_row_flags(CLI::App& c, LoadFlags& f) {
  const std::string group = "Rows";
  c.add_flag("--truncate", f.load.truncate,
             "empty the table when the load begins (not when it is resumed)")
      ->group(group);
  c.add_flag("--again", f.load.again,
             "load the file although it is in the table already, or unfinished")
      ->group(group);
  c.add_option("--limit", f.limit, "stop after N records")->option_text("N")->group(group);
}

void add_speed_and_safety_flags(CLI::App& c, LoadFlags& f) {
  c.add_option("-j,--jobs", f.load.jobs,
               "connections (default: one per core, from 2 to 8, and more for a distant server)")
      ->check(CLI::Range(std::size_t{1}, limits::jobs_max))
      ->option_text("N")
      ->group("Speed");
  add_size_option(c, "--chunk-size", f.load.chunk_bytes,
                  "bytes per transaction (default: 8MiB); a resumed load keeps its own");
  c.get_option("--chunk-size")->group("Speed");
  c.add_flag("--defer-indexes", f.load.defer_indexes,
             "drop the indexes that are not unique and build them again at the end; pays where the "
             "table is empty or most of its rows are new")
      ->group("Speed");
  const std::string group = "Safety";
  add_duration_option(
      c, "--retry-for", f.load.retry_for,
      "how long a chunk is tried again after a lost connection or a deadlock (default: 5m)");
  c.get_option("--retry-for")->group(group);
  const auto lock_timeout = [&f](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError("--lock-timeout", parsed.error());
    f.lock_timeout = *parsed;
  };
  c.add_option_function<std::string>("--lock-timeout", lock_timeout,
                                     "how long to wait for a lock on the table")
      ->option_text("DURATION")
      ->group(group);
  c.add_option("--set", f.settings, "a setting for each transaction (repeatable)")
      ->option_text("NAME=VALUE")
      ->group(group);
  c.add_flag("--no-ledger", f.no_ledger,
             "keep no record of the load: it cannot be resumed, and can be loaded twice")
      ->group(group);
  c.add_flag("--dry-run", f.load.dry_run, "show what would be done, and store nothing")
      ->group(group);
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
  add_speed_and_safety_flags(c, *flags);
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  static const std::map<std::string, ProgressMode> modes{{"auto", ProgressMode::automatic},
                                                         {"bar", ProgressMode::bar},
                                                         {"plain", ProgressMode::plain},
                                                         {"json", ProgressMode::json},
                                                         {"none", ProgressMode::none}};
  c.add_option("--progress", flags->progress,
               "on stderr: a bar on a terminal, a line now and then elsewhere (auto)")
      ->transform(CLI::CheckedTransformer(modes))
      ->option_text("auto|bar|plain|json|none")
      ->group("Output");
  return [flags] { return run_load(*flags); };
}

}  // namespace sluice::app

#include <fmt/format.h>

#include "app/cli.hpp"
#include "app/fetch_flags.hpp"
#include "app/inputs.hpp"
#include "app/output.hpp"
#include "app/reader.hpp"
#include "app/run_load.hpp"
#include "app/sniffed.hpp"
#include "app/sql_flags.hpp"
#include "base/exit_code.hpp"
#include "base/path_text.hpp"
#include "base/quantity.hpp"
#include "rejects/salvage.hpp"
#include "rejects/spill.hpp"
#include "source/buckets.hpp"

namespace sluice::app {
namespace {

/// The report of a check in JSON. The bad records may be many, so all is kept as text, on the disk
/// where it is long.
class JsonReport {
 public:
  /// `shown_max`: of more bad records of a file only the number is told, and also of those that
  /// would make a report that is longer than whoever wants few of them reads.
  explicit JsonReport(std::optional<std::uint64_t> shown_max) : shown_max_(shown_max) {}

  void add(const std::string& source, const tuple::Reject& reject) {
    const std::string text = text_of(report::json_of(source, reject), -1);
    if (shown_max_ && (not_shown_ > 0 || shown_ >= *shown_max_ ||
                       rejects_.size() + text.size() > shown_bytes_max)) {
      ++not_shown_;
      return;
    }
    ++shown_;
    rejects_.append(rejects_.size() == 0 ? "" : ",\n");
    rejects_.append(text);
  }

  /// The end of a file's check, to which the rejects so far belong.
  void end_file(const report::Ending& ending) {
    checks_.append(checks_.size() == 0 ? "" : ",\n");
    const std::string text = text_of(json_of(ending), -1);
    checks_.append(std::string_view(text).substr(0, text.size() - 1));
    checks_.append(",\"rejects\":[");
    rejects::Spill::Reader rejects(rejects_);
    while (true) {
      const std::string_view piece = rejects.read(limits::MiB);
      if (piece.empty()) break;
      checks_.append(piece);
    }
    checks_.append("]");
    if (not_shown_ > 0) checks_.append(",\"rejects_not_shown\":" + std::to_string(not_shown_));
    checks_.append("}");
    rejects_ = rejects::Spill(limits::MiB);
    shown_ = not_shown_ = 0;
  }

  void print(int exit_code) const {
    print_json_text("{\"command\":\"check\",\"exit_code\":" + std::to_string(exit_code) +
                    ",\"checks\":[\n");
    rejects::Spill::Reader checks(checks_);
    while (true) {
      const std::string_view piece = checks.read(limits::MiB);
      if (piece.empty()) break;
      print_json_text(piece);
    }
    print_json_text("\n]}\n");
  }

 private:
  static constexpr std::size_t shown_bytes_max = 2 * limits::MiB;

  std::optional<std::uint64_t> shown_max_;
  std::uint64_t shown_ = 0;
  std::uint64_t not_shown_ = 0;
  rejects::Spill rejects_{limits::MiB};
  rejects::Spill checks_{limits::MiB};
};

int run_check(LoadFlags& flags, std::optional<std::uint64_t> shown_max) {
  const bool as_json = flags.common.output == OutputFormat::json;
  int exit_code = exit_ok;
  JsonReport json(shown_max);
  const auto tell = [&](const report::Ending& ending) {
    exit_code = worse(exit_code, ending.exit_code);
    if (as_json) {
      json.end_file(ending);
    } else if (ending.message.empty()) {
      print_result(text_of(ending));
    } else {
      print_error(ending.message);
    }
  };
  try {
    settle_fetching(flags);
    plan::LoadOptions options = options_of(flags);
    if (!options.rejects.ratio_max && !options.rejects.rejects_max)
      options.rejects.rejects_max = std::numeric_limits<std::uint64_t>::max();
    Runtime runtime(connection_of(flags));
    runtime.also_end([&flags] { flags.load.unpack.buckets->stop(); });
    std::vector<std::string> names;
    if (flags.finds_dialect) names = ask_column_names(runtime, options.table);
    for (const Input& input : inputs_of(files_of(flags), options.unpack)) {
      options.path = input.path;
      options.unpack.member = input.member;
      options.unpack.shelf = input.archive ? input.archive->shelf : nullptr;
      std::uint64_t seen = 0;
      options.on_reject = [&](const tuple::Reject& reject) {
        const std::string source = name_of_file(input.path == "-" ? input.path : input.shown());
        if (as_json) {
          json.add(source, reject);
        } else if (!shown_max || seen++ < *shown_max) {
          print_result(cell(rejects::text_of(source, reject)) + "\n");
        }
      };
      plan::LoadOptions found = options;
      if (flags.finds_dialect) {
        Reader reader;
        reader.run(runtime, [&] {
          reader.open(found);
          found = with_dialect_of(flags, found, names);
        });
      }
      report::Ending ending = run_one(runtime, flags, found);
      ending.path = input.shown();
      tell(ending);
      if (!ending.message.empty()) break;
    }
  } catch (const Failure& error) {
    tell(ending_of(error, flags.files.front(), flags.load.table));
  }
  if (as_json) json.print(exit_code);
  return exit_code;
}

}  // namespace

Run add_check_command(CLI::App& app) {
  auto flags = std::make_shared<LoadFlags>();
  auto shown_max = std::make_shared<std::optional<std::uint64_t>>();
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
  c.add_option("FILE", flags->files, "files, folders, patterns in quotes, URLs, @LIST; - is stdin")
      ->required();
  c.add_option("-t,--table", flags->load.table,
               "the table, as in SQL: trips, sales.trips, '\"Trips\"'")
      ->type_name("TABLE")
      ->required();
  add_input_flags(c, *flags);
  add_packing_flags(c, *flags);
  add_fetch_flags(c, *flags);
  add_sql_flags(c, *flags);
  add_conflict_flags(c, *flags);
  add_reject_flags(c, *flags);
  add_number_option(
      c, "--show-rejects", {}, [shown_max](const std::uint64_t& given) { *shown_max = given; },
      "tell of so many bad records of a file, and of the others how many they are; with --output "
      "json of 2 MiB at most (default: of all)")
      .group("Bad records");
  add_setting_flags(c, *flags);
  add_connection_options(c, flags->common);
  add_output_options(c, flags->common);
  add_progress_flag(c, *flags);
  return [flags, shown_max] { return run_check(*flags, *shown_max); };
}

}  // namespace sluice::app

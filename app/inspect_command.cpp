#include <sys/ioctl.h>
#include <unistd.h>

#include "app/cli.hpp"
#include "app/fetch_flags.hpp"
#include "app/inputs.hpp"
#include "app/output.hpp"
#include "app/run_load.hpp"
#include "app/runtime.hpp"
#include "app/signals.hpp"
#include "app/sniffed.hpp"
#include "base/exit_code.hpp"
#include "report/inspect.hpp"
#include "report/together.hpp"
#include "source/buckets.hpp"
#include "source/encoding.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

enum class InspectOutput { text, json, sql };
constexpr auto names_of(InspectOutput) {
  return std::array{Named{InspectOutput::text, "text"}, Named{InspectOutput::json, "json"},
                    Named{InspectOutput::sql, "sql"}};
}

struct InspectFlags {
  LoadFlags load;  ///< of these: the files, what is packed, the connection
  InspectOutput output = InspectOutput::text;
  sniff::Naming naming = sniff::Naming::keep;
  std::string table;
};

std::string file_name_of(const std::string& path) {
  return source::is_remote(path) ? source::file_name_of_remote(path) : path;
}

/// Those of the table, where one is named.
std::vector<std::string> names_of_table(const InspectFlags& flags) {
  if (flags.table.empty()) return {};
  Runtime runtime(flags.load.common.connect);
  runtime.end_on_signal();
  return ask_column_names(runtime, flags.table);
}

/// Of stdout; 0: it is none.
std::size_t columns_of_terminal() {
  winsize size{};
  if (::isatty(STDOUT_FILENO) == 0) return 0;
  static constexpr std::size_t usual = 80;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

report::Inspected inspect_one(const InspectFlags& flags, source::UnpackOptions unpack,
                              const Input& input, const std::vector<std::string>& names) {
  unpack.member = input.member;
  unpack.shelf = input.archive ? input.archive->shelf : nullptr;
  std::string encoding = flags.load.load.encoding;
  if (encoding == "auto") encoding.clear();
  const auto look = [&] {
    const auto source = source::open(
        input.path, unpack, encoding.empty() ? std::nullopt : source::encoding_named(encoding));
    return sniff::inspect(*source, {.names = names}, sniff::effort_of_machine());
  };
  sniff::Proposal proposal = look();
  const std::optional<sniff::Proposal::NotUtf8> not_utf8 = proposal.not_utf8;
  if (not_utf8 && encoding.empty() && input.path != "-" && !not_utf8->likely.empty()) {
    encoding = not_utf8->likely.front();
    proposal = look();
    proposal.not_utf8 = not_utf8;
  }
  const std::string table =
      flags.table.empty() ? sniff::table_of_file(input.member.value_or(file_name_of(input.path)))
                          : flags.table;
  report::Inspected inspected{
      .file = input.path, .table = table, .proposal = std::move(proposal), .naming = flags.naming};
  if (!encoding.empty()) inspected.more_flags = {"--encoding", encoding};
  if (input.member) {
    inspected.more_flags.emplace_back("--member");
    inspected.more_flags.push_back(*input.member);
  }
  for (const std::string& word : fetch_flags_for(input.path, flags.load))
    inspected.more_flags.push_back(word);
  if (inspected.proposal.columns.empty())
    throw Failure(FailureKind::failed,
                  name_of_file(input.shown()) + ": no record of it can be read as one");
  return inspected;
}

/// Several files, one after the other, and what they are together.
class Inspection {
 public:
  Inspection(const InspectFlags& flags, std::size_t files)
      : flags_(flags), is_of_many_(files > 1) {}

  void take(const Input& input, report::Inspected inspected) {
    inspected.is_one_of_many = is_of_many_;
    inspected.screen_columns = columns_of_terminal();
    switch (flags_.output) {
      case InspectOutput::json: files_.push_back(json_of(inspected)); break;
      case InspectOutput::sql: break;
      case InspectOutput::text: print(text_of(inspected)); break;
    }
    // Whoever names a table says that they are for that one.
    const bool is_said = !flags_.table.empty() && !kinds_.empty();
    auto kind = is_said ? kinds_.begin() : sniff::kind_of(kinds_, inspected.proposal);
    if (kind == kinds_.end()) {
      tables_.push_back(inspected.table);
      kind = kinds_.emplace(kinds_.end(), flags_.naming);
    }
    kind->add({.shown = input.shown(), .path = input.path, .more_flags = inspected.more_flags},
              inspected.proposal);
  }

  /// The others are looked at all the same.
  void take(const Input& input, const Failure& failure) {
    exit_code_ = worse(exit_code_, exit_code_of(failure.kind(), 0));
    if (flags_.output == InspectOutput::json)
      files_.push_back({{"file", input.shown()}, {"error", failure.what()}});
    else
      print_error(failure.what());
  }

  int finish() {
    nlohmann::ordered_json together = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < kinds_.size(); ++i) {
      switch (flags_.output) {
        case InspectOutput::json: together.push_back(report::json_of(kinds_[i], tables_[i])); break;
        case InspectOutput::sql: print_result(report::create_table(kinds_[i], tables_[i])); break;
        case InspectOutput::text:
          if (is_of_many_) print(report::text_of(kinds_[i], tables_[i]));
          break;
      }
    }
    if (flags_.output != InspectOutput::json) return exit_code_;
    nlohmann::ordered_json json{
        {"command", "inspect"}, {"exit_code", exit_code_}, {"files", std::move(files_)}};
    if (is_of_many_) json["together"] = std::move(together);
    print_json(json);
    return exit_code_;
  }

 private:
  void print(const std::string& text) {
    print_result((is_first_ ? "" : "\n") + text);
    is_first_ = false;
  }

  const InspectFlags& flags_;
  bool is_of_many_;
  bool is_first_ = true;
  int exit_code_ = exit_ok;
  nlohmann::ordered_json files_ = nlohmann::ordered_json::array();
  std::vector<sniff::Together> kinds_;
  std::vector<std::string> tables_;  ///< of each kind
};

int run_inspect(InspectFlags& flags) {
  settle_fetching(flags.load);
  source::UnpackOptions unpack = flags.load.load.unpack;
  if (flags.load.bytes_max > 0) unpack.bytes_max = flags.load.bytes_max;
  const std::vector<std::string> names = names_of_table(flags);
  const EndOnSignal ends([&unpack] { unpack.buckets->stop(); });
  const std::vector<Input> inputs = inputs_of(files_of(flags.load), unpack);
  Inspection inspection(flags, inputs.size());
  for (const Input& input : inputs) {
    try {
      inspection.take(input, inspect_one(flags, unpack, input, names));
    } catch (const Failure& failure) {
      if (inputs.size() == 1) throw;
      inspection.take(input, failure);
    }
  }
  return inspection.finish();
}

}  // namespace

Run add_inspect_command(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App& c = *app.add_subcommand(
      "inspect", "say what CSV files are: dialect, columns, types, and how to load them");
  c.set_help_flag("--help", "print this help and exit");
  c.footer(
      "Types are those of all rows, so that the table takes the file. No server is asked unless\n"
      "--table names a table, whose columns then tell what the header is.");
  c.add_option("FILE", flags->load.files,
               "files, folders, patterns in quotes, URLs, @LIST; - is stdin")
      ->required();
  c.add_option("-t,--table", flags->table, "the table that they are for, as in SQL")
      ->type_name("TABLE");
  add_choice_option<sniff::Naming>(c, "--names", flags->naming,
                                   "columns are named as in the file, or unit_price");
  add_choice_option<InspectOutput>(c, "--output", flags->output, "a screen, JSON, or CREATE TABLE");
  add_log_option(c, "stderr");
  c.add_option("--encoding", flags->load.load.encoding, "of the text (default: by its beginning)");
  add_packing_flags(c, flags->load);
  add_fetch_flags(c, flags->load);
  add_connection_options(c, flags->load.common);
  return [flags] { return run_inspect(*flags); };
}

}  // namespace sluice::app

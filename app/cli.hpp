#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/flag_values.hpp"
#include "base/names.hpp"
#include "pg/connection.hpp"

namespace sluice::app {

enum class OutputFormat { text, json };
constexpr auto names_of(OutputFormat) {
  return std::array{Named{OutputFormat::text, "text"}, Named{OutputFormat::json, "json"}};
}

enum class ProgressMode { automatic, bar, plain, json, none };
constexpr auto names_of(ProgressMode) {
  return std::array{Named{ProgressMode::automatic, "auto"}, Named{ProgressMode::bar, "bar"},
                    Named{ProgressMode::plain, "plain"}, Named{ProgressMode::json, "json"},
                    Named{ProgressMode::none, "none"}};
}

/// What every command that talks to a server takes.
struct CommonOptions {
  pg::ConnectOptions connect;
  OutputFormat output = OutputFormat::text;
  bool quiet = false;
  bool verbose = false;
};

void add_connection_options(CLI::App& command, CommonOptions& options);
/// How all of stderr is written; `what` is what stands there.
void add_log_option(CLI::App& command, const std::string& what);
void add_output_format(CLI::App& command, OutputFormat& format, const std::string& help);
void add_output_options(CLI::App& command, CommonOptions& options);

/// A connection that stands where something else is wanted: it may hold a password, and is not
/// shown.
bool is_connection(const std::string& argument);

/// Names and texts go to the server and into JSON: throws Failure{usage} for what is no UTF-8.
void require_utf8(const std::string& flag, const std::string& text);

/// Each command adds itself; what it returns runs it and gives the exit code.
using Run = std::function<int()>;
Run add_load_command(CLI::App& app);
Run add_check_command(CLI::App& app);
Run add_inspect_command(CLI::App& app);
Run add_loads_command(CLI::App& app);
Run add_migrate_command(CLI::App& app);
Run add_schedule_command(CLI::App& app);
Run add_serve_command(CLI::App& app);
Run add_doctor_command(CLI::App& app);
Run add_help_command(CLI::App& app);
/// What `serve` starts. No help shows it.
Run add_worker_command(CLI::App& app);
/// What the build calls: manual pages, the reference. No help shows it.
Run add_generate_command(CLI::App& app);

/// What is wrong with the arguments of a command that is to be run later; nothing runs now.
std::optional<std::string> wrong_arguments(std::vector<std::string> arguments);

/// The whole program, of these arguments.
int run_program(std::vector<std::string> arguments);

/// The same, where what it throws is told on stderr and is an exit code.
int run_and_tell(std::vector<std::string> arguments);

}  // namespace sluice::app

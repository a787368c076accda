#include "app/cli.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string_view>

#include "app/complete_command.hpp"
#include "app/defaults.hpp"
#include "app/flag_values.hpp"
#include "app/output.hpp"
#include "app/password_prompt.hpp"
#include "app/program.hpp"
#include "app/wrong_usage.hpp"
#include "base/exit_code.hpp"
#include "base/failure.hpp"
#include "jobs/handed.hpp"
#include "tuple/utf8.hpp"

namespace sluice::app {
namespace {

/// What the arguments give to that flag, also where they cannot be read.
std::optional<std::string> value_of(const std::vector<std::string>& arguments,
                                    const std::string& flag) {
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i].starts_with(flag + "=")) return arguments[i].substr(flag.size() + 1);
    if (arguments[i] == flag && i + 1 < arguments.size()) return arguments[i + 1];
  }
  return std::nullopt;
}

/// How stderr is to be written as long as no flag is read: the argument says it, or else the
/// variable, where variables count.
void use_log_of(const std::vector<std::string>& arguments) {
  const auto variable = [](const char* name) {
    const char* const text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  const bool counts = variable(defaults_variable) != "none";
  const std::string of_environment = counts ? variable("PGSLUICE_LOG") : "";
  const bool is_json = value_of(arguments, "--log").value_or(of_environment) == "json";
  use_log(is_json ? LogFormat::json : LogFormat::text);
}

/// Whatever is longer is no scheme.
constexpr std::size_t scheme_length_max = 40;

/// A connection that a variable of the environment has, as platforms hand it out.
void add_url_from(CLI::App& command, CommonOptions& options, const std::string& group) {
  CLI::Option* const dbname = command.get_option("--dbname");
  const auto take = [&options, dbname](const std::string& name) {
    if (dbname->count() > 0)
      throw WrongValue("--url-from and --dbname both say which database: leave one of them out");
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0')
      throw WrongValue("--url-from: the environment has no " + name);
    const std::string url = value;
    // Nothing but its beginning is shown: it may hold a password.
    if (!url.starts_with("postgresql://") && !url.starts_with("postgres://")) {
      const std::size_t colon = url.find("://");
      throw WrongValue(
          "--url-from: " + name + " has no postgresql:// URL" +
          (colon < scheme_length_max ? ", but begins with " + url.substr(0, colon + 3) : ""));
    }
    options.connect.dbname = url;
  };
  command
      .add_option_function<std::string>("--url-from", take,
                                        "take the URI from this variable of the environment, such "
                                        "as DATABASE_URL")
      ->option_text("NAME")
      ->group(group);
}

}  // namespace

bool is_connection(const std::string& argument) {
  return argument.starts_with("postgresql://") || argument.starts_with("postgres://") ||
         argument.contains("password=");
}

void add_connection_options(CLI::App& command, CommonOptions& options) {
  if (const char* const handed = std::getenv(jobs::handed_connection))
    options.connect.dbname = handed;
  if (const char* const handed = std::getenv(jobs::handed_role)) options.connect.role = handed;
  const std::string group =
      "Connection (as in psql; PG* variables, .pgpass and service files work too)";
  command
      .add_option("-d,--dbname", options.connect.dbname, "database name, URI or conninfo string")
      ->type_name("DBNAME")
      ->group(group);
  command
      .add_option("-h,--host", options.connect.host, "server's host, or the folder of its socket")
      ->type_name("HOST")
      ->group(group);
  command.add_option("-p,--port", options.connect.port, "server's port")
      ->type_name("PORT")
      ->group(group);
  command.add_option("-U,--username", options.connect.user, "user name")
      ->type_name("NAME")
      ->group(group);
  add_password_flags(command, group);
  add_url_from(command, options, group);
}

void add_log_option(CLI::App& command, const std::string& what) {
  const Take<LogFormat> take = [](const LogFormat& format) { use_log(format); };
  add_choice_option<LogFormat>(command, "--log", take,
                               what +
                                   " as text, or as JSON: each line an object of time, event "
                                   "and message")
      .group("Output");
}

void add_output_format(CLI::App& command, OutputFormat& format, const std::string& help) {
  add_choice_option<OutputFormat>(command, "--output", format, help).group("Output");
  const Take<Color> color = [](const Color& when) { use_color(when); };
  add_choice_option<Color>(command, "--color", color,
                           "of errors and notes: at a terminal (auto, the default; never where "
                           "NO_COLOR is set), always, or never")
      .group("Output");
  add_log_option(command, "stderr");
}

void add_output_options(CLI::App& command, CommonOptions& options) {
  add_output_format(command, options.output,
                    "text, or json: one object at the end, also on failure");
  command.add_flag("-q,--quiet", options.quiet, "no progress and no notes; errors only")
      ->group("Output");
  command.add_flag("-v,--verbose", options.verbose, "say more of what is decided and why")
      ->group("Output");
}

void require_utf8(const std::string& flag, const std::string& text) {
  if (!tuple::find_invalid_utf8(text)) return;
  throw Failure(FailureKind::usage, flag + ": \"" + text + "\" is no UTF-8, in which it is wanted");
}

std::optional<std::string> wrong_arguments(std::vector<std::string> arguments) {
  const std::string first = arguments.empty() ? "" : arguments.front();
  Program program(first);
  const std::vector<Hidden> hidden = hidden_in(arguments);
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    program.app.parse(std::move(arguments));
    return std::nullopt;
  } catch (const CLI::Success&) {
    return "this asks for help or a version, and runs nothing";
  } catch (const CLI::ParseError& error) {
    return without_hidden(describe(program.app, error, first), hidden);
  }
}

/// CLI11 takes [a,b] for a list: a file of such a name is named with its folder. For --null= it
/// would take the argument that follows: an empty value becomes one of its own.
std::vector<std::string> for_parser(std::vector<std::string> given) {
  std::vector<std::string> arguments;
  bool may_be_flag = true;
  for (std::string& argument : given) {
    may_be_flag = may_be_flag && argument != "--";
    const bool is_list = argument.starts_with('[') && argument.ends_with(']');
    if (is_list && ::access(argument.c_str(), F_OK) == 0) argument.insert(0, "./");
    const bool is_empty = may_be_flag && argument.size() > 3 && argument.starts_with("--") &&
                          argument.find('=') == argument.size() - 1;
    if (is_empty) argument.pop_back();
    arguments.push_back(std::move(argument));
    if (is_empty) arguments.emplace_back();
  }
  return arguments;
}

/// A -h with no host behind it, and no flag in front of it, asks for help.
bool asks_for_help(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.back() != "-h") return false;
  return std::none_of(arguments.begin(), arguments.end() - 1,
                      [](const std::string& argument) { return argument.starts_with('-'); });
}

/// `path` is that of the command: "pgsluice loads show".
void tell_wrong_usage(const std::string& path, const std::string& message, bool as_json) {
  if (as_json) {
    print_json(json_of_failure(path, exit_usage, message));
  } else if (log_format() == LogFormat::json) {
    print_error(message);
  } else {
    print_log(with_origins(cell(message)) + "\n  See " + path + " --help.\n");
  }
}

int run_program(std::vector<std::string> arguments) {
  // Words of a line that is still being written: what is wrong with them says nobody.
  if (!arguments.empty() && arguments.front() == "complete") return run_complete(arguments);
  arguments = for_parser(std::move(arguments));
  // It may have been "-h $HOST" of a script, whose HOST is empty: what ran nothing is no success.
  const bool is_lone = asks_for_help(arguments);
  const bool may_lack_host = is_lone && arguments.size() > 1;
  if (is_lone) arguments.back() = "--help";
  const std::string first = arguments.empty() ? "" : arguments.front();
  Program program(first);
  CLI::App& app = program.app;
  hide_in_output(hidden_in(arguments));
  use_log_of(arguments);
  try {
    tell_origins(add_defaults(app, arguments));
  } catch (const Failure& failure) {
    if (value_of(arguments, "--output") != "json") throw;
    const int exit_code = exit_code_of(failure.kind(), 0);
    print_json(json_of_failure("pgsluice " + first, exit_code, failure.what()));
    return exit_code;
  }
  // The defaults are among them from here on.
  hide_in_output(hidden_in(arguments));
  use_log_of(arguments);
  const bool as_json = value_of(arguments, "--output") == "json";
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp& help) {
    const int exit_code = app.exit(help);
    return may_lack_host ? exit_usage : exit_code;
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    tell_wrong_usage(named_command(app).path, describe(app, error, first), as_json);
    return exit_usage;
  }
  const std::string name = app.get_subcommands().front()->get_name();
  // What they start has its flags from them alone.
  if (name == "schedule" || name == "serve") ::setenv(defaults_variable, "none", 1);
  const auto run = [&program, &name] {
    settle_password_prompt();
    return program.commands.at(name)();
  };
  if (!as_json) return run();
  try {
    return run();
  } catch (const Failure& failure) {
    const int exit_code = exit_code_of(failure.kind(), 0);
    print_json(json_of_failure(named_command(app).path, exit_code, failure.what()));
    return exit_code;
  }
}

namespace {

int run_or_tell(std::vector<std::string> arguments) {
  try {
    return run_program(std::move(arguments));
  } catch (const Failure& failure) {
    print_error(failure.what());
    return exit_code_of(failure.kind(), 0);
  } catch (const std::filesystem::filesystem_error& error) {
    // What may be missing or unreadable is asked for where it is used; this is what is not.
    print_error(error.path1().string() + ": " + errno_message(error.code().value()));
    return exit_failed;
  } catch (const std::exception& error) {
    print_error(error.what());
    return exit_failed;
  }
}

}  // namespace

int run_and_tell(std::vector<std::string> arguments) {
  return exit_code_with_output(run_or_tell(std::move(arguments)));
}

}  // namespace sluice::app

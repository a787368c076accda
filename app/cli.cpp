#include "app/cli.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "app/exit_code.hpp"
#include "app/output.hpp"
#include "base/failure.hpp"
#include "base/quantity.hpp"
#include "base/suggestion.hpp"
#include "csv/dialect.hpp"
#include "tuple/utf8.hpp"

namespace sluice::app {
namespace {

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

/// The subcommand that was named last, and all names on the way to it.
std::pair<const CLI::App*, std::string> named_command(const CLI::App& app) {
  const CLI::App* command = &app;
  std::string path = "pgsluice";
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().back();
    path += " " + command->get_name();
  }
  return {command, path};
}

bool has_subcommands(const CLI::App& command) {
  return !command.get_subcommands([](const CLI::App*) { return true; }).empty();
}

std::string shown_argument(const std::string& argument) {
  return is_connection(argument) ? "(a connection, which stands behind -d)" : argument;
}

/// "pgsluice load: unknown flag --jbos; did you mean --jobs?"
std::string unknown_arguments(const CLI::App& app) {
  const auto [command, path] = named_command(app);
  std::vector<std::string> extras = command->remaining();
  if (extras.empty()) extras = app.remaining();
  std::string name = extras.empty() ? "" : extras.front();
  name = is_connection(name) ? shown_argument(name) : name.substr(0, name.find('='));
  std::vector<std::string> known = flags_of(*command);
  const bool is_flag = name.starts_with("-");
  if (!is_flag) {
    known.clear();
    for (const CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(sub->get_name());
  }
  const auto meant = nearest(name, known);
  return path + ": unknown " + (is_flag ? "flag " : "argument ") + name +
         (meant ? "; did you mean " + *meant + "?" : "");
}

/// The command line and what each command runs.
struct Program {
  Program();
  CLI::App app{
      "Loads CSV into PostgreSQL: fast, exactly once, and with every row accounted for. Runs SQL "
      "migrations, and both on a schedule.",
      "pgsluice"};
  std::map<std::string, Run> commands;
};

Program::Program() {
  app.set_help_flag("--help", "print this help and exit");
  app.set_version_flag("-V,--version", "pgsluice " PGSLUICE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 some rows rejected, 4 cannot connect, 5 too "
      "many rejects,\n"
      "6 another run holds it, 7 the source or a migration changed, 10 migrations are pending, "
      "130/143 interrupted\n(can be resumed).");
  commands["load"] = add_load_command(app);
  commands["check"] = add_check_command(app);
  commands["loads"] = add_loads_command(app);
  commands["migrate"] = add_migrate_command(app);
  commands["schedule"] = add_schedule_command(app);
}

/// What is wrong with the arguments, which `error` says too.
std::string describe(const CLI::App& app, const CLI::ParseError& error,
                     const std::string& first_argument) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) return unknown_arguments(app);
  // A mistyped flag often makes another one seem to be missing: it is the one to name.
  const auto [command, path] = named_command(app);
  const bool required = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  std::vector<std::string> rest = command->remaining();
  if (rest.empty() && command == &app && !first_argument.empty()) rest.push_back(first_argument);
  const bool unknown =
      required && std::ranges::any_of(rest, [&](const std::string& word) {
        return word.size() > 1 && (word.starts_with("-") || has_subcommands(*command));
      });
  return unknown ? unknown_arguments(app) : path + ": " + error.what();
}

}  // namespace

bool is_connection(const std::string& argument) {
  return argument.starts_with("postgresql://") || argument.starts_with("postgres://") ||
         argument.contains("password=");
}

void add_connection_options(CLI::App& command, CommonOptions& options) {
  if (const char* const handed = std::getenv(handed_connection)) options.connect.dbname = handed;
  const std::string group =
      "Connection (as in psql; PG* variables, .pgpass and service files work too)";
  command
      .add_option("-d,--dbname", options.connect.dbname, "database name, URI or conninfo string")
      ->group(group);
  command
      .add_option("-h,--host", options.connect.host, "server's host, or the folder of its socket")
      ->group(group);
  command.add_option("-p,--port", options.connect.port, "server's port")->group(group);
  command.add_option("-U,--username", options.connect.user, "user name")->group(group);
}

void add_output_format(CLI::App& command, OutputFormat& format, const std::string& help) {
  static const std::map<std::string, OutputFormat> formats{{"text", OutputFormat::text},
                                                           {"json", OutputFormat::json}};
  command.add_option("--output", format, help)
      ->transform(CLI::CheckedTransformer(formats))
      ->option_text("text|json")
      ->group("Output");
}

void add_output_options(CLI::App& command, CommonOptions& options) {
  add_output_format(command, options.output,
                    "text, or json: one object at the end, also on failure");
  command.add_flag("-q,--quiet", options.quiet, "no progress and no notes; errors only")
      ->group("Output");
  command.add_flag("-v,--verbose", options.verbose, "say more of what is decided and why")
      ->group("Output");
}

void add_size_option(CLI::App& command, const std::string& flag, std::size_t& bytes,
                     const std::string& help) {
  const auto parse = [flag, &bytes](const std::string& text) {
    const auto size = parse_bytes(text);
    if (!size) throw CLI::ValidationError(flag, size.error());
    bytes = *size;
  };
  command.add_option_function<std::string>(flag, parse, help)->option_text("SIZE");
}

namespace {

template <class Duration>
void add_duration(CLI::App& command, const std::string& flag, Duration& duration,
                  const std::string& help) {
  const auto parse = [flag, &duration](const std::string& text) {
    const auto parsed = parse_duration(text);
    if (!parsed) throw CLI::ValidationError(flag, parsed.error());
    duration = *parsed;
  };
  command.add_option_function<std::string>(flag, parse, help)->option_text("DURATION");
}

}  // namespace

void add_duration_option(CLI::App& command, const std::string& flag,
                         std::chrono::milliseconds& duration, const std::string& help) {
  add_duration(command, flag, duration, help);
}

void add_duration_option(CLI::App& command, const std::string& flag,
                         std::optional<std::chrono::milliseconds>& duration,
                         const std::string& help) {
  add_duration(command, flag, duration, help);
}

void add_character_option(CLI::App& command, const std::string& flag, std::optional<char>& c,
                          const std::string& help) {
  const auto parse = [flag, &c](const std::string& text) {
    c = csv::parse_character(text);
    if (!c) {
      throw CLI::ValidationError(
          flag, "\"" + text +
                    "\" is not one character; write for example ';', '\\t', tab, pipe or '\\x01'");
    }
  };
  command.add_option_function<std::string>(flag, parse, help)->option_text("CHAR");
}

void require_utf8(const std::string& flag, const std::string& text) {
  if (!tuple::find_invalid_utf8(text)) return;
  throw Failure(FailureKind::usage, flag + ": \"" + text + "\" is no UTF-8, in which it is wanted");
}

std::optional<std::string> wrong_arguments(std::vector<std::string> arguments) {
  Program program;
  const std::string first = arguments.empty() ? "" : arguments.front();
  std::ranges::reverse(arguments);  // as CLI11 wants them
  try {
    program.app.parse(std::move(arguments));
    return std::nullopt;
  } catch (const CLI::Success&) {
    return "this asks for help or a version, and runs nothing";
  } catch (const CLI::ParseError& error) {
    return describe(program.app, error, first);
  }
}

/// CLI11 takes [a,b] for a list. A file of such a name is named with its folder.
std::vector<std::string> arguments_of(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  for (std::string& argument : arguments) {
    const bool is_list = argument.starts_with('[') && argument.ends_with(']');
    if (is_list && ::access(argument.c_str(), F_OK) == 0) argument.insert(0, "./");
  }
  std::ranges::reverse(arguments);  // as CLI11 wants them
  return arguments;
}

int run_program(int argc, const char* const* argv) {
  Program program;
  CLI::App& app = program.app;
  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    print_log(cell(describe(app, error, argc > 1 ? argv[1] : "")) + "\n  See " +
              named_command(app).second + " --help.\n");
    return exit_usage;
  }
  return program.commands.at(app.get_subcommands().front()->get_name())();
}

}  // namespace sluice::app

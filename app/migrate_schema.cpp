#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/dump_program.hpp"
#include "app/migrate_cli.hpp"
#include "app/output.hpp"
#include "app/whole_file.hpp"
#include "base/failure.hpp"
#include "migrate/schema_dump.hpp"

/// `migrate dump` and `migrate load-schema`.
namespace sluice::app {
namespace {

/// What stands behind the flags that only `dump` has.
struct SchemaFlags {
  std::string pg_dump = "pg_dump";
  bool only_compares = false;
  bool without_privileges = false;
};

/// Without carriage returns, which a checkout may have added; nothing where there is no such file.
/// Of a file: a pipe would be waited for.
std::optional<std::string> text_if_any(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  std::string all = std::move(text).str();
  std::erase(all, '\r');
  return all;
}

/// The first line, from 1, in which they differ.
std::size_t first_other_line(const std::string& one, const std::string& other) {
  std::size_t line = 1;
  for (std::size_t i = 0; i < std::min(one.size(), other.size()) && one[i] == other[i]; ++i)
    line += one[i] == '\n' ? 1 : 0;
  return line;
}

MigrateOutcome dump_step(const MigrateFlags& flags, const SchemaFlags& wanted,
                         const migrate::Options& options, const migrate::Listener& listener,
                         const migrate::Stop& stop) {
  const std::string& path = flags.argument;
  if (wanted.only_compares && (path.empty() || path == "-"))
    throw Failure(FailureKind::usage, "--check compares with a FILE: name it");
  const migrate::SchemaDump dump =
      migrate::dump_schema(folder_if_any(flags.folder), dump_program_of(flags, wanted.pg_dump),
                           !wanted.without_privileges, options, listener, stop);
  MigrateOutcome outcome;
  outcome.json["migrations"] = dump.migrations;
  if (path.empty() || path == "-") {
    outcome.json["schema"] = dump.text;
    if (flags.common.output == OutputFormat::text) print_result(dump.text);
    return outcome;
  }
  const std::optional<std::string> before = text_if_any(path);
  const bool is_same = before == dump.text;
  outcome.json["file"] = path;
  outcome.json["changed"] = !is_same;
  if (wanted.only_compares && !is_same) {
    outcome.exit_code = exit_changed;
    outcome.message = path +
                      (before ? ":" + std::to_string(first_other_line(*before, dump.text)) +
                                    ": is not the schema of this database from here on"
                              : std::string(": is not there")) +
                      "; pgsluice migrate dump writes it";
    return outcome;
  }
  if (!is_same) write_whole_file(path, dump.text, "dump: ");
  if (prints_text(flags)) {
    print_result((is_same ? "as it was: " : "wrote ") + cell(path) + ", with the history of " +
                 std::to_string(dump.migrations) +
                 (dump.migrations == 1 ? " migration\n" : " migrations\n"));
  }
  return outcome;
}

MigrateOutcome load_schema_step(const MigrateFlags& flags, const migrate::Options& options,
                                const migrate::Listener& listener, const migrate::Stop& stop) {
  const script::Script script = script::read_script(flags.argument);
  const std::string text = text_if_any(flags.argument).value_or("");
  const std::size_t count =
      migrate::load_schema(folder_if_any(flags.folder), script, text, options, listener, stop);
  MigrateOutcome outcome;
  outcome.json["file"] = flags.argument;
  outcome.json["migrations"] = count;
  if (prints_text(flags)) {
    print_result(
        "loaded " + cell(flags.argument) + ": " + std::to_string(count) +
        (count == 1 ? " migration counts as applied\n" : " migrations count as applied\n"));
  }
  return outcome;
}

}  // namespace

void add_schema_files(const MigrateCli& cli) {
  const auto wanted = std::make_shared<SchemaFlags>();
  CLI::App& dump = add_migrate_subcommand(
      cli.parent, "dump", "write the schema and its history into a file", cli.flags);
  dump.add_option("FILE", cli.flags->argument, "where to (default: stdout)");
  add_folder(dump, cli.flags);
  dump.add_flag("--check", wanted->only_compares,
                "write nothing: exit code 7 where FILE is not what would be written");
  dump.add_flag("--no-privileges", wanted->without_privileges,
                "leave out who may do what (GRANT, REVOKE, ALTER DEFAULT PRIVILEGES)");
  add_pg_dump(dump, wanted->pg_dump, "");
  cli.choose(dump, [wanted](const MigrateFlags& given, const migrate::Options& options,
                            const migrate::Listener& listener, const migrate::Stop& stop) {
    return dump_step(given, *wanted, options, listener, stop);
  });

  CLI::App& load = add_migrate_subcommand(
      cli.parent, "load-schema", "make a new database like one that was dumped, with its history",
      cli.flags);
  load.add_option("FILE", cli.flags->argument, "what migrate dump has written")->required();
  add_folder(load, cli.flags);
  add_lock_wait(load, cli.flags);
  cli.choose(load, load_schema_step);
}

}  // namespace sluice::app

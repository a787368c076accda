#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "app/dump_program.hpp"
#include "app/migrate_cli.hpp"
#include "app/output.hpp"
#include "app/whole_file.hpp"
#include "base/failure.hpp"
#include "migrate/squash.hpp"

/// `migrate squash`.
namespace sluice::app {
namespace {

void write(const migrate::Squash& squashed) {
  std::error_code unknown;
  if (std::filesystem::exists(std::filesystem::symlink_status(squashed.path, unknown)))
    throw Failure(FailureKind::usage, squashed.path + ": is there already");
  write_whole_file(squashed.path, squashed.text, "squash: ");
  for (const std::string& path : squashed.replaced) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) continue;
    throw Failure(FailureKind::failed, path + ": cannot be taken away: " + errno_message(errno) +
                                           "; " + squashed.path + " is written, and stands for it");
  }
}

MigrateOutcome squash_step(const MigrateFlags& flags, const std::string& pg_dump,
                           const migrate::Options& options, const migrate::Listener& listener,
                           const migrate::Stop& stop) {
  const script::Folder folder = script::read_folder(flags.folder);
  for (const std::string& note : folder.notes) listener.note(note);
  const migrate::Squash squashed = migrate::squash(
      folder, *options.to, dump_program_of(flags, pg_dump), options, listener, stop);
  const bool is_agreed_to =
      !options.dry_run && is_agreed(flags,
                                    "this writes " + cell(squashed.path) +
                                        ", and takes away the files that it stands for:",
                                    squashed.replaced, stop);
  if (is_agreed_to) write(squashed);
  MigrateOutcome outcome;
  outcome.json["file"] = squashed.path;
  outcome.json["replaced"] = squashed.replaced;
  outcome.json["written"] = is_agreed_to;
  if (!prints_text(flags)) return outcome;
  for (const std::string& path : squashed.replaced)
    print_result((is_agreed_to ? "took away " : "would take away ") + cell(path) + "\n");
  print_result((is_agreed_to ? "wrote " : "would write ") + cell(squashed.path) +
               ", which makes the same\n");
  return outcome;
}

}  // namespace

void add_squash(const MigrateCli& cli) {
  const auto pg_dump = std::make_shared<std::string>("pg_dump");
  CLI::App& c = add_migrate_subcommand(cli.parent, "squash", "make one file of all up to a version",
                                       cli.flags);
  add_folder(c, cli.flags);
  c.add_option("--to", cli.flags->to, "the last version that the new file stands for")
      ->option_text("VERSION")
      ->required();
  c.add_flag("--dry-run", cli.flags->options.dry_run, "show what would be done, and write nothing");
  c.add_flag("--yes", cli.flags->yes, "do not ask");
  add_pg_dump(c, *pg_dump, "");
  cli.choose(c, [pg_dump](const MigrateFlags& given, const migrate::Options& options,
                          const migrate::Listener& listener, const migrate::Stop& stop) {
    return squash_step(given, *pg_dump, options, listener, stop);
  });
}

}  // namespace sluice::app

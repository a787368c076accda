#include "app/migrate_flags.hpp"

#include <unistd.h>

#include <cstdlib>

#include "app/server_wait.hpp"
#include "jobs/config.hpp"
#include "jobs/handed.hpp"
#include "pg/password.hpp"

namespace sluice::app {

pg::ConnectOptions connection_of(const MigrateFlags& flags) {
  pg::ConnectOptions connect = flags.common.connect;
  if (!flags.migrate_url.empty()) connect = {.dbname = flags.migrate_url};
  connect.stall_max = flags.options.stall_max;
  return connect;
}

script::Version version_of(const std::string& flag, const std::string& text) {
  const auto version = script::Version::parse(text);
  if (!version) throw Failure(FailureKind::usage, flag + ": " + version.error());
  return *version;
}

migrate::Options options_of(const MigrateFlags& flags) {
  migrate::Options options = flags.options;
  require_utf8("--project", flags.project);
  if (flags.has_project) {
    options.project = given_project(flags.project, "--project");
  } else if (flags.connects) {
    options.project = jobs::project_of_folder(flags.folder, jobs::process_environment());
  }
  if (flags.connects) pg::settle_password(connection_of(flags));
  if (flags.connects) options.conninfo = pg::conninfo(connection_of(flags));
  if (flags.to) options.to = version_of("--to", *flags.to);
  if (flags.is_safe) options.safe_bytes = flags.safe_bytes;
  options.placeholders = placeholders_of(flags.placeholders);
  return options;
}

std::chrono::milliseconds stop_after_of(const MigrateFlags& flags) {
  if (flags.stop_after) return *flags.stop_after;
  return ::isatty(STDERR_FILENO) != 0 ? limits::stop_grace : limits::migration_stop_unattended;
}

void add_migrate_output(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  add_output_format(c, flags->common.output,
                    "text, or json: one object at the end, also on failure");
  c.add_flag("-q,--quiet", flags->common.quiet, "errors only")->group("Output");
}

CLI::App& add_migrate_subcommand(CLI::App& parent, const std::string& name, const std::string& help,
                                 const std::shared_ptr<MigrateFlags>& flags) {
  CLI::App& c = *parent.add_subcommand(name, help);
  c.set_help_flag("--help", "print this help and exit");
  const auto take_project = [flags](const std::string& given) {
    flags->project = given;
    flags->has_project = true;
  };
  c.add_option_function<std::string>(
       "--project", take_project,
       "whose migrations these are, where several applications share a database (default: what "
       "pgsluice.toml says, or the folder's place in its repository)")
      ->option_text("NAME");
  add_connection_options(c, flags->common);
  if (const char* const handed = std::getenv(jobs::handed_migrate_url)) flags->migrate_url = handed;
  c.add_option("--migrate-url", flags->migrate_url,
               "where to migrate instead of -d: the server itself, where that one is a pooler")
      ->option_text("URL");
  add_wait_option(c, flags->wait, "30s; 0 at a terminal");
  add_duration_option(c, "--stall-timeout", flags->options.stall_max,
                      "how long the server may leave a question of pgsluice's own unanswered; "
                      "statements of files are not limited by it (default: 15m; 0: no limit)");
  add_migrate_output(c, flags);
  return c;
}

void add_folder(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  c.add_option("--dir", flags->folder, "folder of the migrations (default: sql/migrations)")
      ->option_text("DIR");
}

void add_running(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  add_duration_option(c, "--lock-timeout", flags->options.lock_timeout,
                      "how long a statement waits for a table, and keeps others waiting behind it "
                      "(default: 3s; 0: no limit)");
  add_duration_option(
      c, "--stop-after", flags->stop_after,
      "how long what runs may go on after SIGTERM or Ctrl-C (default: 10s; 3s without "
      "a terminal)");
  add_duration_option(c, "--statement-timeout", flags->options.statement_timeout,
                      "how long a statement may take (default: no limit)");
  add_placeholder_flags(c, flags->placeholders);
}

void add_safe(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  c.add_flag("--safe", flags->is_safe,
             "refuse what would keep others from reading or writing a large table for longer than "
             "the lock timeout");
  add_size_option(c, "--safe-size", flags->safe_bytes,
                  "with --safe: from which size on a table is large, with its indexes (default: "
                  "100MB)");
}

void add_strict(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  c.add_flag("--strict", flags->options.strict,
             "a folder that is only behind the history, as an older release's is, is an error too "
             "(exit 7)");
}

void add_lock_wait(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  add_duration_option(c, "--lock-wait", flags->options.lock_wait,
                      "how long to wait for another run to end (default: 60s)");
}

void add_to(CLI::App& c, const std::shared_ptr<MigrateFlags>& flags) {
  c.add_option("--to", flags->to, "the last version to run")->option_text("VERSION");
}

}  // namespace sluice::app

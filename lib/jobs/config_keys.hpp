#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The keys of a configuration (pgsluice.toml): what the reader takes, and what pgsluice.toml(5)
/// says of them.
namespace sluice::jobs {

struct ConfigKey {
  std::string_view name;
  std::string_view value;  ///< what it is: "TEXT", "DURATION"
  std::string_view help;
};

inline constexpr std::array root_keys{
    ConfigKey{"dbname", "TEXT",
              "database name, URI or conninfo string, as -d, which wins; PG* variables work too"},
    ConfigKey{"migrate_url", "TEXT",
              "for migrations and SQL files, where dbname goes through a pooler"},
    ConfigKey{"project", "TEXT",
              "whose jobs these are, where applications share a database; --project wins. Without "
              "it: the place of the configuration in its repository, or default"},
    ConfigKey{"scheduler", "TABLE", "[scheduler], below"},
    ConfigKey{"job", "TABLES", "[[job]], below, once for each"},
    ConfigKey{"scripts", "TABLE", "[scripts], below"},
};

inline constexpr std::array scheduler_keys{
    ConfigKey{"grace", "DURATION", "after SIGTERM, for what runs (30s)"},
    ConfigKey{"keep", "DURATION", "how long the history is kept (30d)"},
    ConfigKey{"lost_after", "DURATION",
              "a scheduler that was silent for so long counts as lost (60s); 3s at least"},
    ConfigKey{"at_once", "NUMBER",
              "so many jobs run at the same time, others wait in line (0: any number)"},
    ConfigKey{"on_failure", "TEXT or TEXTS",
              "a URL, or a program and its arguments, that is told of a run that ended badly, of "
              "jobs that name none"},
    ConfigKey{"on_success", "TEXT or TEXTS", "the same of one that ended well"},
    ConfigKey{"on_recovery", "TEXT or TEXTS",
              "the same of one that ended well behind one that had not"},
    ConfigKey{"hook_ca_file", "FILE", "the authorities that https trusts for these"},
};

inline constexpr std::array job_keys{
    ConfigKey{"name", "TEXT", "of the job, unique in its project; wanted"},
    ConfigKey{"cron", "TEXT",
              "when: cron fields, @daily and the like, or @every 90s; wanted, or after_job is"},
    ConfigKey{"tz", "TEXT", "time zone of cron, an IANA name (UTC)"},
    ConfigKey{"after_job", "TEXT",
              "instead of cron: the slots of that job, each once its run has ended well"},
    ConfigKey{"migrate", "FOLDER", "apply its migrations, as pgsluice migrate up does"},
    ConfigKey{"load", "TEXTS",
              "load each of these once: patterns of files, URLs, s3:// patterns, or @LIST"},
    ConfigKey{"sql", "FILE", "run this SQL file, as pgsluice migrate run does"},
    ConfigKey{"table", "TABLE", "that load is for"},
    ConfigKey{"flags", "TEXTS", "more flags of that command: [\"--max-rejects\", \"100\"]"},
    ConfigKey{"after", "TEXT",
              "what becomes of a file that is loaded: move:DIR, delete or keep (keep)"},
    ConfigKey{"settle", "DURATION",
              "files that were written to within this time are left for the next run (10s)"},
    ConfigKey{"overlap", "TEXT",
              "a slot that comes while the job runs: skip, queue or cancel (skip)"},
    ConfigKey{"catchup", "TEXT",
              "slots that were missed: 0 (none), 1 (the newest), or \"all\" (1)"},
    ConfigKey{"timeout", "DURATION", "of one attempt, which is cancelled then (none)"},
    ConfigKey{"retries", "NUMBER", "attempts after a failure (0)"},
    ConfigKey{"retry_delay", "DURATION", "the pause before the first of them, which grows (10s)"},
    ConfigKey{"jitter", "DURATION",
              "a slot begins up to so much later, the same on every host (0s)"},
    ConfigKey{"on_failure", "TEXT or TEXTS",
              "a URL, or a program and its arguments, that is told of a run that ended badly"},
    ConfigKey{"on_success", "TEXT or TEXTS", "the same of one that ended well"},
    ConfigKey{"on_recovery", "TEXT or TEXTS",
              "the same of one that ended well behind one that had not"},
};

inline constexpr std::array scripts_keys{
    ConfigKey{"dir", "FOLDER",
              "its S__name.sql files are jobs, with the schedule that each one names"},
    ConfigKey{"flags", "TEXTS", "more flags of pgsluice migrate run"},
    ConfigKey{"on_failure", "TEXT or TEXTS",
              "a URL, or a program and its arguments, that is told of a run that ended badly"},
    ConfigKey{"on_success", "TEXT or TEXTS", "the same of one that ended well"},
    ConfigKey{"on_recovery", "TEXT or TEXTS",
              "the same of one that ended well behind one that had not"},
};

inline std::vector<std::string> names_of_keys(std::span<const ConfigKey> keys) {
  std::vector<std::string> names;
  for (const ConfigKey& key : keys) names.emplace_back(key.name);
  return names;
}

}  // namespace sluice::jobs

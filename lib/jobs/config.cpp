#include "jobs/config.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "base/quantity.hpp"
#include "base/suggestion.hpp"
#include "jobs/config_keys.hpp"
#include "jobs/hook_config.hpp"
#include "jobs/toml_file.hpp"
#include "script/checksum.hpp"
#include "script/script.hpp"
#include "script/secret_arguments.hpp"
#include "source/remote.hpp"

namespace sluice::jobs {
namespace {

namespace fs = std::filesystem;

/// It is a part of a key.
constexpr std::size_t job_name_bytes_max = 200;

class Reader : private TomlFile {
 public:
  Reader(const std::string& path, const Environment& environment, ConfigUse use)
      : TomlFile(path, environment),
        path_(path),
        folder_(fs::path(path).parent_path()),
        calls_hooks_(use == ConfigUse::run) {}

  Config read() {
    const toml::table root = parse();
    expect_keys(root, names_of_keys(root_keys));
    Config config;
    std::error_code unknown;
    const fs::path whole = fs::weakly_canonical(path_, unknown);
    config.path = text_of_path(unknown ? path_ : whole.string());
    config.project = project_of(root);
    config.dbname = text(root, "dbname").value_or("");
    config.migrate_url = text(root, "migrate_url").value_or("");
    if (const toml::node* node = root.get("scheduler")) read_scheduler(table(*node), config);
    hooks_ = hooks_of_all(root);
    if (const toml::node* node = root.get("job")) {
      if (!node->is_array_of_tables()) fail(*node, "write [[job]], with two brackets");
      for (const toml::node& job : *node->as_array()) add(config, job, read_job(table(job)));
    }
    if (const toml::node* node = root.get("scripts")) read_scripts(table(*node), config);
    resolve_after(root, config);
    if (config.jobs.empty()) {
      throw Failure(FailureKind::usage,
                    path_ +
                        ":1: no jobs: a job is a [[job]], or an S__name.sql in the dir of "
                        "[scripts]");
    }
    return config;
  }

  Project project() { return project_of(parse()); }

 private:
  Project project_of(const toml::table& root) const {
    const toml::node* const node = root.get("project");
    if (node == nullptr) return project_of_place(path_);
    Project project = given_project(expanded(*node), place_of(node->source().begin) + ": project");
    project.origin = path_;
    return project;
  }

  void read_scheduler(const toml::table& from, Config& config) const {
    expect_keys(from, names_of_keys(scheduler_keys));
    set(from, "grace", config.grace);
    set(from, "keep", config.keep);
    set(from, "lost_after", config.lost_after);
    set(from, "at_once", config.at_once, "at_once: a number; 0 is any number");
    if (config.lost_after < limits::job_lost_after_min) {
      fail(*from.get("lost_after"),
           "lost_after: at least " + format_duration(limits::job_lost_after_min));
    }
  }

  /// Those of all jobs that have none of their own.
  HookPlace hook_place() const { return {.folder = folder_of_loads(), .is_called = calls_hooks_}; }
  Hooks hooks_of_all(const toml::table& root) const {
    Hooks hooks;
    for (Hook* hook : {&hooks.on_failure, &hooks.on_success, &hooks.on_recovery})
      hook->folder = folder_of_loads().string();
    const toml::table* const from = root.get_as<toml::table>("scheduler");
    if (from == nullptr) return hooks;
    if (const toml::node* node = from->get("hook_ca_file")) {
      const std::string file = resolved(expanded(*node), folder_of_loads());
      if (calls_hooks_ && !std::ifstream(file).good())
        fail(*node, "hook_ca_file: " + file + ": cannot be read");
      for (Hook* hook : {&hooks.on_failure, &hooks.on_success, &hooks.on_recovery})
        hook->ca_file = file;
    }
    return read_hooks(*this, *from, hook_place(), hooks);
  }

  /// The jobs that come after others have their slots.
  void resolve_after(const toml::table& root, Config& config) const {
    std::map<std::string, Job*> jobs;
    std::vector<std::string> names;
    for (Job& job : config.jobs) names.push_back((jobs[job.name] = &job)->name);
    const toml::array* const all = root.get_as<toml::array>("job");
    for (std::size_t i = 0; all != nullptr && i < all->size(); ++i) {
      Job& job = config.jobs[i];
      if (job.after.empty()) continue;
      const toml::node& node = *all->get(i)->as_table()->get("after_job");
      const Job* first = &job;
      std::string way = job.name;
      while (!first->after.empty()) {
        const auto found = jobs.find(first->after);
        if (found == jobs.end()) {
          const auto meant = nearest(job.after, names);
          fail(node, "after_job: there is no job named \"" + first->after + "\"" +
                         (meant ? "; did you mean " + *meant + "?" : ""));
        }
        first = found->second;
        way += " comes after " + first->name;
        if (first == &job) fail(node, "after_job: a circle: " + way);
        if (way.size() > config.jobs.size() * (job_name_bytes_max + 20)) break;
      }
      job.recurrence = first->recurrence;
    }
  }

  void add_flags(const toml::table& from, Command& command) const {
    for (const std::string& flag : texts(from, "flags")) {
      if (flag == "--") fail(*from.get("flags"), "flags: -- ends them; leave it out");
      command.arguments.push_back(flag);
    }
  }

  /// A pattern in the file is seen from the folder of the file, whose own name is no pattern.
  std::string resolved_pattern(const std::string& pattern) const {
    std::string folder;
    for (const char c : folder_of_loads().string()) {
      if (std::string_view("*?[]\\").contains(c)) folder += '\\';
      folder += c;
    }
    const fs::path path(pattern);
    return path.is_absolute() ? pattern : (fs::path(folder) / path).lexically_normal().string();
  }

  /// A path in the file is seen from the folder of the file.
  std::string resolved(const std::string& path) const { return resolved(path, folder_); }
  static std::string resolved(const std::string& path, const fs::path& folder) {
    return fs::path(path).is_absolute() ? path : (folder / path).lexically_normal().string();
  }

  /// Loads run there, so that a path in their flags is seen from there too.
  fs::path folder_of_loads() const {
    return folder_.empty() ? folder_ : fs::path(absolute_folder());
  }

  schedule::Written recurrence(const toml::table& from) const {
    const auto tz = text(from, "tz");
    auto parsed = schedule::read_recurrence(expanded(*from.get("cron")), tz, "tz");
    if (!parsed) fail(*from.get(tz ? "tz" : "cron"), parsed.error());
    return *parsed;
  }

  /// When that is, is seen when all jobs are read.
  schedule::Written recurrence_after(const toml::table& from, const std::string& after) const {
    for (const char* key : {"cron", "tz"})
      if (const toml::node* node = from.get(key))
        fail(*node, std::string(key) + ": a job with after_job has the slots of \"" + after +
                        "\": leave it out");
    return *schedule::read_recurrence("@daily", {}, "tz");
  }

  Job read_job(const toml::table& from) const {
    expect_keys(from, names_of_keys(job_keys));
    const auto name = text(from, "name");
    const auto cron = text(from, "cron");
    if (!name || name->empty()) fail(from, "a job has a name = \"...\"");
    if (name->size() > job_name_bytes_max)
      fail(*from.get("name"), "the name of a job has at most 200 bytes");
    const std::string after = text(from, "after_job").value_or("");
    if (!cron && after.empty())
      fail(from, "job \"" + *name + "\" has a cron = \"...\", or an after_job = \"...\"");
    const schedule::Written when = after.empty() ? recurrence(from) : recurrence_after(from, after);
    const toml::node& written = from.get("flags") == nullptr ? from : *from.get("flags");
    Job job{.name = *name,
            .place = place_of(written.source().begin),
            .schedule = after.empty() ? when.expression + " " + when.zone_name
                                      : std::string(after_prefix) + after,
            .meaning = "",
            .meaning_with_secrets = "",
            .recurrence = when.recurrence,
            .after = after,
            .command = read_command(from),
            .retry_delay = limits::job_retry_delay,
            .hooks = read_hooks(*this, from, hook_place(), hooks_)};
    job.meaning = meaning_of(from, Digest::without_secrets);  // its files are there
    if (has_secrets(from)) job.meaning_with_secrets = meaning_of(from, Digest::with_secrets);
    set(from, "overlap", job.overlap);
    set(from, "catchup", job.catchup);
    if (job.catchup == Catchup::all && from.get("overlap") != nullptr) {
      fail(*from.get("overlap"),
           "with catchup = \"all\" every slot waits for the one before it: leave overlap out");
    }
    set(from, "timeout", job.timeout);
    set(from, "retry_delay", job.retry_delay);
    set(from, "jitter", job.jitter);
    set(from, "retries", job.retries, "retries: a number");
    return job;
  }

  /// With secrets it is that of a version before, which is still to be known again.
  enum class Digest { without_secrets, with_secrets };

  static std::string digest(const std::string& key, const std::string& value) {
    constexpr std::size_t shown = 12;
    return key + "=" + script::sha256(value).substr(0, shown);
  }

  /// Without the values of the environment: hosts have their own.
  static std::string as_written(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    std::string all;
    if (const auto* array = node.as_array())
      for (const toml::node& one : *array) all += as_written(one) + "\n";
    return all;
  }

  /// Paths differ from host to host, and from release to release: of SQL its content counts, and of
  /// a folder of migrations its first file.
  std::string content_of(const std::string& key, const toml::node& node, Digest which) const {
    if (key == "flags") return flags_of(node, which);
    if (key == "sql") return script::read_script(resolved(expanded(node))).checksum;
    if (key == "migrate") {
      const script::Folder folder = script::read_folder(resolved(expanded(node)));
      if (folder.versioned.empty()) return "";
      return folder.versioned.front().file + " " + folder.versioned.front().checksum;
    }
    // Where a pattern is none that all hosts share, it is this folder's.
    const std::string text = key == "load" ? sources_of(node) : as_written(node);
    const bool is_relative = key == "load" && !text.starts_with("/") && !text.starts_with("${") &&
                             !source::is_remote(text);
    return is_relative ? text + absolute_folder() : text;
  }

  /// A URL may have secrets in it.
  static std::string sources_of(const toml::node& node) {
    const std::string text = as_written(node);
    if (node.is_string()) return source::is_remote(text) ? source::shown_remote(text) : text;
    std::string all;
    if (const auto* array = node.as_array())
      for (const toml::node& one : *array) all += sources_of(one) + "\n";
    return all;
  }

  std::string absolute_folder() const {
    std::error_code unknown;
    const fs::path whole = fs::absolute(folder_.empty() ? "." : folder_, unknown);
    return (unknown ? folder_ : whole.lexically_normal()).string();
  }

  static std::string flags_of(const toml::node& node, Digest which) {
    if (which == Digest::with_secrets) return as_written(node);
    const auto* const array = node.as_array();
    std::vector<std::string> flags;
    if (array == nullptr) flags.push_back(as_written(node));
    if (array != nullptr)
      for (const toml::node& one : *array) flags.push_back(as_written(one));
    std::string all;
    for (const std::string& flag : script::without_secrets(flags))
      all += flag + (array == nullptr ? "" : "\n");
    return all;
  }

  static bool has_secrets(const toml::table& from) {
    const toml::node* const flags = from.get("flags");
    return flags != nullptr &&
           flags_of(*flags, Digest::with_secrets) != flags_of(*flags, Digest::without_secrets);
  }

  std::string meaning_of(const toml::table& from, Digest which) const {
    static const std::vector<std::string> says_how{"name",        "timeout",    "retries",
                                                   "retry_delay", "jitter",     "settle",
                                                   "on_failure",  "on_success", "on_recovery"};
    std::string meaning;
    for (const auto& [key, node] : from) {
      const std::string name(key.str());
      if (std::ranges::find(says_how, name) != says_how.end()) continue;
      meaning += (meaning.empty() ? "" : " ") + digest(name, content_of(name, node, which));
    }
    return meaning;
  }

  static std::string meaning_of(const toml::table& from, const script::Script& script,
                                Digest which) {
    std::string meaning = digest("sql", script.checksum);
    if (const toml::node* flags = from.get("flags"))
      meaning = digest("flags", flags_of(*flags, which)) + " " + meaning;
    return meaning;
  }

  Command read_command(const toml::table& from) const {
    const int kinds = (from.get("migrate") != nullptr) + (from.get("load") != nullptr) +
                      (from.get("sql") != nullptr);
    if (kinds != 1) fail(from, "a job has one of migrate, load and sql");
    const bool is_load = from.get("load") != nullptr;
    Command command = is_load ? load_command(from) : migrate_command(from);
    add_flags(from, command);
    if (is_load) add_usual_flags(command.arguments);
    return command;
  }

  /// What a load on a schedule does where its flags do not say otherwise.
  static void add_usual_flags(std::vector<std::string>& arguments) {
    const auto has = [&arguments](const std::string& flag) {
      return std::ranges::any_of(
          arguments, [&flag](const std::string& argument) { return argument.starts_with(flag); });
    };
    // With a budget that is named bad data have an exit code of their own, and are not retried.
    if (!has("--max-reject")) arguments.insert(arguments.end(), {"--max-rejects", "0"});
    // Nobody looks at each file, and what is missing in one would become NULL.
    if (!has("--on-drift") && !has("--no-ledger"))
      arguments.insert(arguments.end(), {"--on-drift", "note"});
  }

  /// What the load would say each time, as far as it is seen without a look at files and servers.
  void require_source(const toml::node& node, const std::string& name) const {
    try {
      source::require_known_scheme(name);
      http::FetchOptions nothing;
      std::vector<std::string> names{name};
      source::hide_secrets(names, nothing);
    } catch (const Failure& failure) {
      fail(node, failure.problem());
    }
  }

  Command load_command(const toml::table& from) const {
    Command command{.configuration = path_, .settle = limits::job_settle};
    const auto target = text(from, "table");
    if (!target) fail(*from.get("load"), "a load needs a table = \"...\"");
    command.arguments = {"load", "--table", *target, "--keep-going", "--progress", "none"};
    for (const std::string& pattern : texts(from, "load")) {
      require_source(*from.get("load"), pattern);
      if (source::is_remote(pattern)) {
        command.remotes.push_back(pattern);
      } else if (pattern.starts_with('@')) {
        command.lists.push_back("@" + resolved(pattern.substr(1), folder_of_loads()));
      } else {
        command.patterns.push_back(resolved_pattern(pattern));
      }
    }
    command.folder = folder_of_loads().string();
    if (const toml::node* after = from.get("after"); after != nullptr && !command.remotes.empty())
      fail(*after, "after acts on files of this machine, and a URL is none");
    if (auto after = text(from, "after")) {
      constexpr std::string_view move = "move:";
      if (*after != "keep" && *after != "delete" && !after->starts_with(move)) {
        fail(*from.get("after"),
             "after says what becomes of loaded files: write move:DIR, delete or keep; a job that "
             "comes after another one has an after_job = \"NAME\"");
      }
      if (after->starts_with(move))
        after = std::string(move) + resolved(after->substr(move.size()), folder_of_loads());
      command.arguments.insert(command.arguments.end(), {"--after", *after});
    }
    set(from, "settle", command.settle);
    return command;
  }

  Command migrate_command(const toml::table& from) const {
    for (const char* only_load : {"table", "after", "settle"})
      if (const toml::node* node = from.get(only_load))
        fail(*node, std::string(only_load) + " goes with load" +
                        (only_load == std::string_view("after")
                             ? ", and says what becomes of its files; a job that comes after "
                               "another one has an after_job = \"NAME\""
                             : ""));
    const bool whole = from.get("migrate") != nullptr;
    const toml::node& node = *from.get(whole ? "migrate" : "sql");
    const std::string path = resolved(expanded(node));
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    const std::string kind = whole ? "folder" : "file";
    // What is not there is no error, and what cannot be looked at is one.
    if (error && fs::status_known(status) && !fs::exists(status)) error.clear();
    if (error)
      fail(node, path + ": " + errno_message(error.value()) + "; a " + kind + " is expected");
    if (whole ? !fs::is_directory(status) : !fs::is_regular_file(status))
      fail(node, path + ": there is no such " + kind);
    if (!whole) script::read_script(path);  // says what is wrong with it
    if (whole) return {.arguments = {"migrate", "up", "--dir", path}, .is_migration = true};
    return {.arguments = {"migrate", "run"}, .files = {path}, .is_migration = true};
  }

  /// Files that say themselves when they run.
  void read_scripts(const toml::table& from, Config& config) const {
    expect_keys(from, names_of_keys(scripts_keys));
    const auto dir = text(from, "dir");
    if (!dir) fail(from, "scripts have a dir = \"...\"");
    for (const script::Script& script : script::read_folder(resolved(*dir)).scheduled) {
      const script::Directives& says = script.directives;
      const auto zone = says.time_zone.empty() ? std::nullopt : std::optional(says.time_zone);
      const auto parsed = schedule::read_recurrence(says.schedule, zone, "tz=");
      if (!parsed) throw Failure(FailureKind::usage, script.path + ":1: " + parsed.error());
      Job job{.name = text_of_path(fs::path(script.path).stem()),
              .place = place_of(from.source().begin),
              .schedule = parsed->expression + " " + parsed->zone_name,
              .meaning = meaning_of(from, script, Digest::without_secrets),
              .meaning_with_secrets =
                  has_secrets(from) ? meaning_of(from, script, Digest::with_secrets) : "",
              .recurrence = parsed->recurrence,
              .command = {.arguments = {"migrate", "run"},
                          .files = {script.path},
                          .is_migration = true},
              .retry_delay = limits::job_retry_delay,
              .hooks = read_hooks(*this, from, hook_place(), hooks_)};
      add_flags(from, job.command);
      add(config, from, std::move(job));
    }
  }

  void add(Config& config, const toml::node& node, Job job) const {
    for (const Job& other : config.jobs)
      if (other.name == job.name) fail(node, "there are two jobs named \"" + job.name + "\"");
    config.jobs.push_back(std::move(job));
  }

  std::string path_;
  fs::path folder_;
  bool calls_hooks_;
  Hooks hooks_;  ///< of all jobs that have none of their own
};

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

void set_project(Config& config, const Project& project) {
  config.project = project;
  for (Job& job : config.jobs) {
    job.project = project;
    std::vector<std::string>& arguments = job.command.arguments;
    const auto names_one = [](const std::string& argument) {
      return argument == "--project" || argument.starts_with("--project=");
    };
    const bool is_up = job.command.is_migration && job.command.files.empty();
    if (project.is_given && is_up && std::ranges::none_of(arguments, names_one))
      arguments.push_back("--project=" + project.name);
  }
}

Project project_of_folder(const std::string& folder, const Environment& environment) {
  const auto configuration = nearest_configuration(folder);
  return configuration ? Reader(*configuration, environment, ConfigUse::look).project()
                       : project_of_place(folder);
}

Config read_config(const std::string& path, const Environment& environment, ConfigUse use) {
  std::error_code error;
  const bool is_there = fs::exists(path, error);
  if (error || !is_there) {
    throw Failure(FailureKind::usage,
                  path + ": " + (error ? errno_message(error.value()) : "there is no such file") +
                      "; --config names the configuration");
  }
  return Reader(path, environment, use).read();
}

}  // namespace sluice::jobs

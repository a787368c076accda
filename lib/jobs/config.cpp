#include "jobs/config.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "base/quantity.hpp"
#include "base/suggestion.hpp"
#include "script/checksum.hpp"
#include "script/script.hpp"
#include "script/secret_arguments.hpp"
#include "source/remote.hpp"

namespace sluice::jobs {
namespace {

namespace fs = std::filesystem;

/// It is a part of a key.
constexpr std::size_t job_name_bytes_max = 200;

class Reader {
 public:
  Reader(const std::string& path, const Environment& environment)
      : path_(path), folder_(fs::path(path).parent_path()), environment_(environment) {}

  Config read() {
    const toml::table root = parse();
    expect_keys(root, {"dbname", "migrate_url", "project", "scheduler", "job", "scripts"});
    Config config;
    std::error_code unknown;
    const fs::path whole = fs::weakly_canonical(path_, unknown);
    config.path = text_of_path(unknown ? path_ : whole.string());
    config.project = project_of(root);
    config.dbname = text(root, "dbname").value_or("");
    config.migrate_url = text(root, "migrate_url").value_or("");
    if (const toml::node* node = root.get("scheduler")) read_scheduler(table(*node), config);
    if (const toml::node* node = root.get("job")) {
      if (!node->is_array_of_tables()) fail(*node, "write [[job]], with two brackets");
      for (const toml::node& job : *node->as_array()) add(config, job, read_job(table(job)));
    }
    if (const toml::node* node = root.get("scripts")) read_scripts(table(*node), config);
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

  std::string place_of(const toml::source_position& at) const {
    return path_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
  }

  [[noreturn]] void fail(const toml::node& node, const std::string& message) const {
    throw Failure(FailureKind::usage, place_of(node.source().begin) + ": " + message);
  }

  toml::table parse() const {
    try {
      return toml::parse_file(path_);
    } catch (const toml::parse_error& error) {
      const toml::source_position at = error.source().begin;
      throw Failure(FailureKind::usage, (at.line == 0 ? path_ : place_of(at)) + ": " +
                                            std::string(error.description()));
    }
  }

  void expect_keys(const toml::table& table, const std::vector<std::string>& known) const {
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::ranges::find(known, name) != known.end()) continue;
      const auto meant = nearest(name, known);
      throw Failure(FailureKind::usage, place_of(key.source().begin) + ": unknown key \"" + name +
                                            "\"" + (meant ? "; did you mean " + *meant + "?" : ""));
    }
  }

  const toml::table& table(const toml::node& node) const {
    if (!node.is_table()) fail(node, "a table is expected here");
    return *node.as_table();
  }

  /// With the values of the environment.
  std::string expanded(const toml::node& node) const {
    if (!node.is_string()) fail(node, "a text in quotes is expected here");
    std::string rest = node.as_string()->get();
    if (rest.contains('\0')) fail(node, "a character 0 stands here, which no argument can hold");
    std::string result;
    for (std::size_t at = 0; (at = rest.find("${")) != std::string::npos;) {
      const std::size_t end = rest.find('}', at);
      if (end == std::string::npos) break;
      const std::string name = rest.substr(at + 2, end - at - 2);
      const auto value = environment_(name);
      if (!value) fail(node, "the environment has no " + name);
      result += rest.substr(0, at) + *value;
      rest.erase(0, end + 1);
      at = 0;
    }
    return result + rest;
  }

  std::optional<std::string> text(const toml::table& from, const char* key) const {
    const toml::node* const node = from.get(key);
    if (node == nullptr) return std::nullopt;
    return expanded(*node);
  }

  std::vector<std::string> texts(const toml::table& from, const char* key) const {
    std::vector<std::string> all;
    const toml::node* const node = from.get(key);
    if (node == nullptr) return all;
    if (!node->is_array()) return {expanded(*node)};
    for (const toml::node& one : *node->as_array()) all.push_back(expanded(one));
    return all;
  }

  void set(const toml::table& from, const char* key, milliseconds& duration) const {
    const toml::node* const node = from.get(key);
    if (node == nullptr) return;
    const auto parsed = parse_duration(expanded(*node));
    if (!parsed) fail(*node, parsed.error());
    duration = *parsed;
  }

  template <HasNames Choice>
  void set(const toml::table& from, const char* key, Choice& choice) const {
    const toml::node* const node = from.get(key);
    if (node == nullptr) return;
    const std::string name =
        node->is_integer() ? std::to_string(node->as_integer()->get()) : expanded(*node);
    const std::optional<Choice> found = value_named<Choice>(name);
    if (!found) {
      std::string names;
      for (const Named<Choice>& each : names_of(Choice{}))
        names += (names.empty() ? "" : ", ") + std::string(each.name);
      fail(*node, "\"" + name + "\": write one of " + names);
    }
    choice = *found;
  }

  void read_scheduler(const toml::table& from, Config& config) const {
    expect_keys(from, {"grace", "keep", "lost_after", "at_once"});
    set(from, "grace", config.grace);
    set(from, "keep", config.keep);
    set(from, "lost_after", config.lost_after);
    if (const toml::node* node = from.get("at_once")) {
      if (!node->is_integer() || node->as_integer()->get() < 0)
        fail(*node, "at_once: a number; 0 is any number");
      config.at_once = static_cast<std::size_t>(node->as_integer()->get());
    }
    if (config.lost_after < limits::job_lost_after_min) {
      fail(*from.get("lost_after"),
           "lost_after: at least " + format_duration(limits::job_lost_after_min));
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

  Job read_job(const toml::table& from) const {
    expect_keys(
        from, {"name", "cron", "tz", "migrate", "load", "sql", "table", "flags", "after", "settle",
               "overlap", "catchup", "timeout", "retries", "retry_delay", "jitter"});
    const auto name = text(from, "name");
    const auto cron = text(from, "cron");
    if (!name || name->empty()) fail(from, "a job has a name = \"...\"");
    if (name->size() > job_name_bytes_max)
      fail(*from.get("name"), "the name of a job has at most 200 bytes");
    if (!cron) fail(from, "job \"" + *name + "\" has a cron = \"...\"");
    const schedule::Written when = recurrence(from);
    const toml::node& written = from.get("flags") == nullptr ? from : *from.get("flags");
    Job job{.name = *name,
            .place = place_of(written.source().begin),
            .schedule = when.expression + " " + when.zone_name,
            .meaning = "",
            .meaning_with_secrets = "",
            .recurrence = when.recurrence,
            .command = read_command(from),
            .retry_delay = limits::job_retry_delay};
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
    if (const toml::node* node = from.get("retries")) {
      if (!node->is_integer() || node->as_integer()->get() < 0) fail(*node, "retries: a number");
      job.retries = static_cast<std::size_t>(node->as_integer()->get());
    }
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
    static const std::vector<std::string> says_how{"name",        "timeout", "retries",
                                                   "retry_delay", "jitter",  "settle"};
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
        fail(*node, std::string(only_load) + " goes with load");
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
    expect_keys(from, {"dir", "flags"});
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
              .retry_delay = limits::job_retry_delay};
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
  const Environment& environment_;
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
  return configuration ? Reader(*configuration, environment).project() : project_of_place(folder);
}

Config read_config(const std::string& path, const Environment& environment) {
  std::error_code error;
  const bool is_there = fs::exists(path, error);
  if (error || !is_there) {
    throw Failure(FailureKind::usage,
                  path + ": " + (error ? errno_message(error.value()) : "there is no such file") +
                      "; --config names the configuration");
  }
  return Reader(path, environment).read();
}

}  // namespace sluice::jobs

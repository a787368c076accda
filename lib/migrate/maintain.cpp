#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/failure.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/make_schema.hpp"
#include "migrate/migrate.hpp"

namespace sluice::migrate {
namespace {

namespace fs = std::filesystem;

/// Versions below this count files (001, 002), those above are days or times.
constexpr std::uint64_t counted_version_max = 9'999'999;

bool is_named(const std::string& name, bool versioned, std::uint64_t version,
              const std::string& file) {
  if (!versioned) return name == file;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() && number == version;
}

const script::Entry& entry_named(const script::History& history, const std::string& name) {
  for (const script::Entry& entry : history.entries)
    if (is_named(name, entry.versioned, entry.version, entry.file)) return entry;
  throw Failure(FailureKind::usage,
                name +
                    ": the history has no such version, and no repeatable file of that name; "
                    "pgsluice migrate status shows what it has");
}

using Find = Found (*)(Session&, const script::Folder&, const Options&);
using Change = std::function<std::string(Session&, const Found&)>;

/// What a maintenance command changes, it changes under the lock.
std::string maintain(const script::Folder& folder, const Options& options, const Stop& stop,
                     Find find, const Change& change) {
  const Listener silent{[](const std::string&) {}, {}};
  auto session = std::make_unique<Session>(options.conninfo, stop, options.stall_max);
  const std::string project = find(*session, folder, options).choice.project;
  LockedSession locked(std::move(session), project, options, silent, stop);
  make_schema(locked.work());
  const Found found = find(locked.work(), folder, options);
  adopt(locked.work(), found);
  return change(locked.work(), found);
}

const script::Script* script_named(const script::Folder& folder, const std::string& name) {
  for (const auto* scripts : {&folder.versioned, &folder.repeatable}) {
    for (const script::Script& script : *scripts) {
      const bool versioned = script.name.kind == script::ScriptKind::versioned;
      if (is_named(name, versioned, script.name.version, script.file)) return &script;
    }
  }
  return nullptr;
}

void keep(Session& session, const Sql& write) {
  if (!session.writes_one(write)) throw Failure(FailureKind::failed, script::not_kept);
}

/// A sentence; the entry is right as it is said to be.
std::string accept(Session& session, const script::Home& home, const script::Entry& entry,
                   const script::Script* script, const std::string& name) {
  const bool is_applied = entry.state == script::Entry::State::applied;
  const bool agrees = script == nullptr ? script::is_accepted_as_gone(entry)
                                        : script::has_content(entry, script->checksum);
  if (is_applied && agrees)
    throw Failure(FailureKind::usage, name + ": history and file agree; nothing to repair");
  if (script == nullptr) {
    keep(session, script::record_accepted(home, entry, ""));
    return entry.file + ": it is accepted that the file is gone" +
           (entry.versioned ? "; version " + std::to_string(entry.version) + " stays taken" : "");
  }
  if (script->file != entry.file) {
    throw Failure(FailureKind::usage,
                  script->path + ": " + name + " was applied as " + entry.file +
                      ", and this is another file, which was never run: give it a new number",
                  "If it is the same file under another name, give it back that name.");
  }
  keep(session, script::record_accepted(home, entry, script->checksum));
  return script->path + ": counts as applied as it is now";
}

/// "Add users!" gives "add_users".
std::string file_name_of(const std::string& name) {
  std::string file;
  bool gap = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) == 0 && byte < 0x80) {
      gap = true;
      continue;
    }
    if (gap && !file.empty()) file += '_';
    gap = false;
    file += static_cast<char>(std::tolower(byte));
  }
  if (file.empty()) throw Failure(FailureKind::usage, "\"" + name + "\": a name has letters");
  return file;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::uint64_t time_version(std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &utc);
  return std::stoull(text.data());
}

/// Behind the last one. Where files are counted, the next number in as many digits, written as the
/// last one is; otherwise the time.
std::string next_name(const script::Folder& folder, const std::string& words,
                      std::chrono::system_clock::time_point now) {
  const std::uint64_t newest = folder.versioned.empty() ? 0 : folder.versioned.back().name.version;
  if (newest == 0 || newest > counted_version_max) {
    const std::uint64_t version = std::max(time_version(now), newest + 1);
    return "V" + std::to_string(version) + "__" + words + ".sql";
  }
  const script::Script& last = folder.versioned.back();
  const bool has_prefix = last.file.starts_with("V");
  const std::size_t digits =
      last.file.find_first_not_of("0123456789", has_prefix ? 1 : 0) - (has_prefix ? 1 : 0);
  std::string number = std::to_string(last.name.version + 1);
  if (number.size() < digits) number.insert(0, digits - number.size(), '0');
  return (has_prefix ? "V" : "") + number + (has_prefix ? "__" : "_") + words +
         (last.file.ends_with(".up.sql") ? ".up.sql" : ".sql");
}

}  // namespace

std::string accept(const script::Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop) {
  return maintain(folder, options, stop, find_history, [&](Session& session, const Found& found) {
    const script::Entry& entry = entry_named(found.history(), name);
    return accept(session, found.home(), entry, script_named(folder, name), name);
  });
}

std::string accept_search_path(const script::Folder& folder, const Options& options,
                               const Stop& stop) {
  const Change change = [](Session& session, const Found& found) {
    session.query(script::record_search_path(found.home()));
    return "project \"" + found.choice.project + "\" counts as applied with search_path " +
           (found.search_path.empty() ? "(empty)" : found.search_path);
  };
  return maintain(folder, options, stop, find_history_anywhere, change);
}

std::string forget(const script::Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop) {
  return maintain(folder, options, stop, find_history, [&](Session& session, const Found& found) {
    const script::Entry& entry = entry_named(found.history(), name);
    if (entry.state != script::Entry::State::failed &&
        entry.state != script::Entry::State::running) {
      throw Failure(FailureKind::usage,
                    name + ": is applied; only what failed half-way can be forgotten");
    }
    keep(session, script::forget(found.home(), entry));
    return entry.file + ": runs from its beginning next time";
  });
}

std::string baseline(const script::Folder& folder, const Options& options, std::uint64_t version,
                     const Stop& stop) {
  const Change change = [version](Session& session, const Found& found) -> std::string {
    for (const script::Entry& entry : found.history().entries) {
      if (!entry.versioned) continue;
      const bool same = entry.state == script::Entry::State::baseline && entry.version == version;
      if (same) return "nothing to do: the baseline is " + std::to_string(version) + " already";
      throw Failure(FailureKind::usage, "the history of this database begins with " +
                                            std::to_string(entry.version) + " (" + entry.file +
                                            "); a baseline comes first");
    }
    keep(session, script::record_baseline(found.home(), version));
    return "baseline " + std::to_string(version) +
           ": all versions up to it count as applied, and are not run";
  };
  return maintain(folder, options, stop, find_history, change);
}

std::string new_script(const std::string& folder, const std::string& name,
                       std::chrono::system_clock::time_point now) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Failure(FailureKind::usage, folder + ": " + errno_message(error.value()) +
                                          "; --dir names the folder of the migrations");
  const std::string file = next_name(script::read_folder(folder), file_name_of(name), now);
  const fs::path path = fs::path(folder) / file;
  if (fs::exists(path, error))
    throw Failure(FailureKind::usage, path.string() + ": is there already");
  std::ofstream out(path);
  out << "-- " << one_line(name) << "\n"
      << "-- The whole file is one transaction, unless it says: pgsluice: no-transaction\n\n";
  if (!out.flush()) throw Failure(FailureKind::failed, path.string() + ": cannot be written");
  return path;
}

}  // namespace sluice::migrate

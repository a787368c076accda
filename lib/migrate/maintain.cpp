#include <algorithm>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/failure.hpp"
#include "migrate/locked_session.hpp"
#include "migrate/migrate.hpp"
#include "migrate/own_schema.hpp"

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

const Entry& entry_named(const History& history, const std::string& name) {
  for (const Entry& entry : history.entries)
    if (is_named(name, entry.versioned, entry.version, entry.file)) return entry;
  throw Failure(FailureKind::usage,
                name +
                    ": the history has no such version, and no repeatable file of that name; "
                    "pgsluice migrate status shows what it has");
}

/// What a maintenance command changes, it changes under the lock.
std::string maintain(const Options& options, const Stop& stop,
                     const std::function<std::string(Session&)>& change) {
  const Listener silent{[](const std::string&) {}, {}};
  LockedSession locked(std::make_unique<Session>(options.conninfo, stop, options.stall_max),
                       options, silent, stop);
  own_schema::create(locked.work());
  return change(locked.work());
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
std::string next_name(const Folder& folder, const std::string& words,
                      std::chrono::system_clock::time_point now) {
  const std::uint64_t newest = folder.versioned.empty() ? 0 : folder.versioned.back().name.version;
  if (newest == 0 || newest > counted_version_max) {
    const std::uint64_t version = std::max(time_version(now), newest + 1);
    return "V" + std::to_string(version) + "__" + words + ".sql";
  }
  const Script& last = folder.versioned.back();
  const bool has_prefix = last.file.starts_with("V");
  const std::size_t digits =
      last.file.find_first_not_of("0123456789", has_prefix ? 1 : 0) - (has_prefix ? 1 : 0);
  std::string number = std::to_string(last.name.version + 1);
  if (number.size() < digits) number.insert(0, digits - number.size(), '0');
  return (has_prefix ? "V" : "") + number + (has_prefix ? "__" : "_") + words +
         (last.file.ends_with(".up.sql") ? ".up.sql" : ".sql");
}

}  // namespace

std::string accept(const Folder& folder, const Options& options, const std::string& name,
                   const Stop& stop) {
  return maintain(options, stop, [&](Session& session) {
    const History history = read_history(session, options.project);
    const Entry& entry = entry_named(history, name);
    std::string checksum;
    std::string what = entry.file + ": it is accepted that the file is gone";
    for (const auto* scripts : {&folder.versioned, &folder.repeatable}) {
      for (const Script& script : *scripts) {
        if (!is_named(name, script.name.kind == ScriptKind::versioned, script.name.version,
                      script.file))
          continue;
        checksum = script.checksum;
        what = script.path + ": counts as applied as it is now";
      }
    }
    if (entry.state == Entry::State::applied && entry.checksum == checksum)
      throw Failure(FailureKind::usage, name + ": history and file agree; nothing to repair");
    session.query(record_accepted(options.project, entry, checksum));
    return what;
  });
}

std::string forget(const Options& options, const std::string& name, const Stop& stop) {
  return maintain(options, stop, [&](Session& session) {
    const History history = read_history(session, options.project);
    const Entry& entry = entry_named(history, name);
    if (entry.state != Entry::State::failed && entry.state != Entry::State::running) {
      throw Failure(FailureKind::usage,
                    name + ": is applied; only what failed half-way can be forgotten");
    }
    session.query(forget(options.project, entry));
    return entry.file + ": runs from its beginning next time";
  });
}

std::string baseline(const Options& options, std::uint64_t version, const Stop& stop) {
  return maintain(options, stop, [&](Session& session) -> std::string {
    for (const Entry& entry : read_history(session, options.project).entries) {
      if (!entry.versioned) continue;
      const bool same = entry.state == Entry::State::baseline && entry.version == version;
      if (same) return "nothing to do: the baseline is " + std::to_string(version) + " already";
      throw Failure(FailureKind::usage, "the history of this database begins with " +
                                            std::to_string(entry.version) + " (" + entry.file +
                                            "); a baseline comes first");
    }
    session.query(record_baseline(options.project, version));
    return "baseline " + std::to_string(version) +
           ": all versions up to it count as applied, and are not run";
  });
}

std::string new_script(const std::string& folder, const std::string& name,
                       std::chrono::system_clock::time_point now) {
  fs::create_directories(folder);
  const std::string file = next_name(read_folder(folder), file_name_of(name), now);
  const fs::path path = fs::path(folder) / file;
  if (fs::exists(path)) throw Failure(FailureKind::usage, path.string() + ": is there already");
  std::ofstream out(path);
  out << "-- " << one_line(name) << "\n"
      << "-- The whole file is one transaction, unless it says: pgsluice: no-transaction\n\n";
  if (!out.flush()) throw Failure(FailureKind::failed, path.string() + ": cannot be written");
  return path;
}

}  // namespace sluice::migrate

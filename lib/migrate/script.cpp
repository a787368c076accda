#include "migrate/script.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/failure.hpp"
#include "migrate/checksum.hpp"

namespace sluice::migrate {
namespace {

namespace fs = std::filesystem;

std::string normalised(std::string_view bytes) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (bytes.starts_with(byte_order_mark)) bytes.remove_prefix(byte_order_mark.size());
  if (!bytes.contains('\r')) return std::string(bytes);
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\r' && i + 1 < bytes.size() && bytes[i + 1] == '\n') continue;
    text += bytes[i];
  }
  return text;
}

/// What is no file would be waited for without end, or has none: a pipe, a device.
void require_file(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status) || fs::is_regular_file(status)) return;
  const char* const what = fs::is_directory(status) ? "a folder"
                           : fs::is_fifo(status)    ? "a named pipe"
                           : fs::is_socket(status)  ? "a socket"
                                                    : "a device";
  throw Failure(FailureKind::usage,
                path + ": is " + what + ", and no file; a migration is read more than once");
}

/// By stdio: a file stream would cost more than all the rest of reading a small file.
std::string bytes_of(const std::string& path) {
  require_file(path);
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  std::string bytes;
  if (file) {
    std::array<char, 16 * 1024> part{};
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    for (std::size_t count = part.size(); count == part.size();) {
      count = std::fread(part.data(), 1, part.size(), file.get());
      bytes.append(part.data(), count);
    }
  }
  if (!file || std::ferror(file.get()) != 0)
    throw Failure(FailureKind::usage, path + ": cannot be read");
  return bytes;
}

void check_encoding(const Script& script, std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    throw Failure(FailureKind::usage, script.path + ": is UTF-16; save it as UTF-8");
  const std::size_t zero = script.text.find('\0');
  if (zero == std::string::npos) return;
  const auto line = 1 + std::count(script.text.begin(), script.text.begin() + zero, '\n');
  throw Failure(FailureKind::usage, script.path + ":" + std::to_string(line) +
                                        ": a byte 0 stands here, which SQL cannot hold; if the "
                                        "file is UTF-16, save it as UTF-8");
}

/// Folders inside that look as if their files were meant.
bool has_sql(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".sql") return true;
  return false;
}

void check_schedule(const Script& script) {
  const bool scheduled = script.name.kind == ScriptKind::scheduled;
  if (scheduled == !script.directives.schedule.empty()) return;
  throw Failure(FailureKind::usage,
                script.path + (scheduled ? ":1: a scheduled file says when: -- pgsluice: schedule "
                                           "\"0 3 * * *\" tz=Europe/Berlin"
                                         : ":1: only a file named S__name.sql has a schedule"));
}

Script unnamed_script(const std::string& path, std::string_view bytes) {
  Script script;
  script.path = path;
  script.file = fs::path(path).filename();
  script.text = normalised(bytes);
  check_encoding(script, bytes);
  script.checksum = sha256(script.text);
  const auto directives = read_directives(script.text);
  if (!directives) {
    throw Failure(FailureKind::usage,
                  at(script, directives.error().place) + ": " + directives.error().message);
  }
  script.directives = *directives;
  return script;
}

/// Two files of one version, which stand side by side.
std::vector<std::string> doubles(const std::vector<Script>& versioned) {
  std::vector<std::string> found;
  for (std::size_t i = 1; i < versioned.size(); ++i) {
    if (versioned[i].name.version != versioned[i - 1].name.version) continue;
    found.push_back(versioned[i].path + ": has the version of " + versioned[i - 1].file);
  }
  return found;
}

std::vector<Script>& of_kind(Folder& folder, ScriptKind kind) {
  switch (kind) {
    case ScriptKind::versioned: return folder.versioned;
    case ScriptKind::repeatable: return folder.repeatable;
    case ScriptKind::scheduled: break;
  }
  return folder.scheduled;
}

}  // namespace

std::string at(const Script& script, Place place) {
  return script.path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

Script make_script(const std::string& path, std::string_view bytes) {
  const auto name = parse_script_name(fs::path(path).filename().string());
  if (!name) throw Failure(FailureKind::usage, path + ": " + name.error());
  if (!*name) throw Failure(FailureKind::usage, path + ": is no SQL file that goes forward");
  Script script = unnamed_script(path, bytes);
  script.name = **name;
  check_schedule(script);
  return script;
}

Script read_script(const std::string& path) { return unnamed_script(path, bytes_of(path)); }

Folder read_folder(const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  std::vector<std::string> inside;
  for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error))
    (at->is_directory() && at->path().extension() != ".sql" ? inside : files).push_back(at->path());
  if (error) {
    throw Failure(FailureKind::usage,
                  path + ": " + error.message() + "; --dir names the folder of the migrations");
  }
  std::ranges::sort(files);

  Folder folder;
  for (const std::string& sub : inside) {
    if (has_sql(sub))
      folder.notes.push_back(sub + ": a folder inside is left out; --dir reads one folder");
  }
  std::vector<std::string> wrong;
  std::size_t down = 0;
  folder.versioned.reserve(files.size());
  for (const std::string& file : files) {
    const std::string name = fs::path(file).filename();
    if (name.ends_with(".down.sql")) ++down;
    const auto parsed = parse_script_name(name);
    if (parsed && !*parsed) continue;
    try {
      Script script = make_script(file, bytes_of(file));
      of_kind(folder, script.name.kind).push_back(std::move(script));
    } catch (const Failure& failure) {
      wrong.emplace_back(failure.what());
    }
  }
  if (down > 0) {
    folder.notes.push_back(std::to_string(down) + " .down.sql file" + (down == 1 ? "" : "s") +
                           " left out: pgsluice goes forward only");
  }
  std::ranges::stable_sort(folder.versioned, {}, [](const Script& s) { return s.name.version; });
  std::ranges::copy(doubles(folder.versioned), std::back_inserter(wrong));
  if (wrong.empty()) return folder;
  std::string all;
  for (const std::string& line : wrong) all += (all.empty() ? "" : "\n") + line;
  throw Failure(FailureKind::usage, all);
}

}  // namespace sluice::migrate

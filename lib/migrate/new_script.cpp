#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "base/failure.hpp"
#include "migrate/migrate.hpp"

/// `migrate new`.
namespace sluice::migrate {
namespace {

namespace fs = std::filesystem;

/// Versions below this count files (001, 002), those above are days or times.
constexpr std::uint64_t counted_version_max = 9'999'999;

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

/// That of the folder's last file.
NewStyle style_of(const script::Folder& folder) {
  if (folder.versioned.empty()) return NewStyle::plain;
  const script::Script& last = folder.versioned.back();
  switch (last.style) {
    case script::Style::goose: return NewStyle::goose;
    case script::Style::dbmate: return NewStyle::dbmate;
    case script::Style::sql_migrate: return NewStyle::sql_migrate;
    case script::Style::node_pg_migrate: return NewStyle::node_pg_migrate;
    case script::Style::plain: break;
  }
  return last.file.ends_with(".up.sql") ? NewStyle::golang_migrate : NewStyle::plain;
}

std::uint64_t milliseconds_version(std::chrono::system_clock::time_point now) {
  const auto since = now.time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

/// What the tool itself would write behind the last file: where files are counted, the next number
/// in as many digits and with the same prefix; otherwise the time.
std::string next_stem(const script::Folder& folder, NewStyle style, const std::string& words,
                      std::chrono::system_clock::time_point now) {
  const std::uint64_t newest =
      folder.versioned.empty() ? 0 : folder.versioned.back().name.version.number();
  const std::string_view last = folder.versioned.empty()
                                    ? std::string_view("V")
                                    : std::string_view(folder.versioned.back().file);
  const bool may_have_prefix = style == NewStyle::plain || style == NewStyle::flyway;
  const bool has_prefix =
      may_have_prefix && (style == NewStyle::flyway || last.starts_with('V') || newest == 0);
  const bool is_counted = newest != 0 && newest <= counted_version_max;
  const std::uint64_t time =
      style == NewStyle::node_pg_migrate ? milliseconds_version(now) : time_version(now);
  std::string number = std::to_string(is_counted ? newest + 1 : std::max(time, newest + 1));
  const std::size_t prefix = last.starts_with('V') ? 1 : 0;
  const std::size_t digits = last.find_first_not_of("0123456789", prefix) - prefix;
  if (is_counted && number.size() < digits) number.insert(0, digits - number.size(), '0');
  if (has_prefix || (may_have_prefix && !is_counted)) return "V" + number + "__" + words;
  return number + (style == NewStyle::sql_migrate ? "-" : "_") + words;
}

struct NewFile {
  std::string name;
  std::string text;
};

std::vector<NewFile> files_of(NewStyle style, const std::string& stem, const std::string& name) {
  const std::string title = "-- " + one_line(name) + "\n";
  const std::string file = stem + ".sql";
  switch (style) {
    case NewStyle::golang_migrate:
    case NewStyle::sqlx:
      return {{stem + ".up.sql", title + "\n"}, {stem + ".down.sql", title + "\n"}};
    case NewStyle::goose: return {{file, title + "-- +goose Up\n\n-- +goose Down\n"}};
    case NewStyle::dbmate: return {{file, title + "-- migrate:up\n\n-- migrate:down\n"}};
    case NewStyle::sql_migrate: return {{file, title + "-- +migrate Up\n\n-- +migrate Down\n"}};
    case NewStyle::node_pg_migrate:
      return {{file, title + "-- Up Migration\n\n-- Down Migration\n"}};
    case NewStyle::plain:
    case NewStyle::flyway: break;
  }
  return {{file, title + "-- The whole file is one transaction, unless it says: pgsluice: "
                         "no-transaction\n\n"}};
}

}  // namespace

std::vector<std::string> new_script(const std::string& folder, const std::string& name,
                                    std::optional<NewStyle> style,
                                    std::chrono::system_clock::time_point now) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Failure(FailureKind::usage, folder + ": " + errno_message(error.value()) +
                                          "; --dir names the folder of the migrations");
  const script::Folder there = script::read_folder(folder);
  const NewStyle wanted = style.value_or(style_of(there));
  const std::string stem = next_stem(there, wanted, file_name_of(name), now);
  std::vector<std::string> made;
  for (const NewFile& file : files_of(wanted, stem, name)) {
    const fs::path path = fs::path(folder) / file.name;
    if (fs::exists(path, error))
      throw Failure(FailureKind::usage, path.string() + ": is there already");
    std::ofstream out(path);
    out << file.text;
    if (!out.flush()) throw Failure(FailureKind::failed, path.string() + ": cannot be written");
    made.push_back(path);
  }
  return made;
}

}  // namespace sluice::migrate

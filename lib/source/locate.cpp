#include "source/locate.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/ascii.hpp"
#include "base/failure.hpp"
#include "base/path_text.hpp"
#include "base/reject_name.hpp"
#include "base/trimmed.hpp"
#include "source/marked_source.hpp"
#include "source/remote.hpp"

namespace sluice::source {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kinds{".csv", ".tsv", ".txt"};
constexpr std::array<std::string_view, 6> packings{"", ".gz", ".zst", ".lz4", ".xz", ".bz2"};

bool has_kind(std::string_view written) {
  const std::string name = in_small_letters(written);
  return std::ranges::any_of(packings, [&name](std::string_view packing) {
    if (!name.ends_with(packing)) return false;
    const std::string_view plain(name.data(), name.size() - packing.size());
    return std::ranges::any_of(kinds, [plain](std::string_view kind) {
      return plain.size() > kind.size() && plain.ends_with(kind);
    });
  });
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

void tell(const Unseen& unseen, const fs::path& path, int error_number) {
  if (unseen) return unseen(path.string(), error_number);
  throw Failure(FailureKind::usage,
                text_of_path(path.string()) + ": cannot be read: " + errno_message(error_number));
}

/// Its names, sorted.
std::vector<std::string> names_in(const fs::path& folder, const Unseen& unseen = {}) {
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator at(folder.empty() ? fs::path(".") : folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) tell(unseen, folder, error.value());
  std::ranges::sort(names);
  return names;
}

/// "a/b*/c" is "a", "b*", "c"; one that begins at the root has "/" in front.
std::vector<std::string> parts_of(const std::string& pattern) {
  std::vector<std::string> parts;
  if (pattern.starts_with('/')) parts.emplace_back("/");
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', at), pattern.size());
    if (end > at) parts.push_back(pattern.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

/// A part without * ? [ has its backslashes taken out.
std::string plain_part(const std::string& part) {
  std::string text;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '\\' && i + 1 < part.size()) ++i;
    text += part[i];
  }
  return text;
}

bool is_link(const fs::path& path) {
  std::error_code error;
  return fs::is_symlink(fs::symlink_status(path, error));
}

class Search {
 public:
  Search(const std::string& pattern, const Unseen& unseen)
      : parts_(parts_of(pattern)), unseen_(unseen) {}

  std::vector<std::string> run() {
    const bool from_root = !parts_.empty() && parts_[0] == "/";
    look(from_root ? fs::path("/") : fs::path(), from_root ? 1 : 0);
    return {found_.begin(), found_.end()};
  }

  /// The names of files that it would match but for capitals.
  const std::set<std::string>& but_for_capitals() const { return but_for_capitals_; }
  /// The names of links that it would have to follow.
  const std::set<std::string>& links() const { return links_; }

 private:
  void look(const fs::path& folder, std::size_t part) {
    if (part == parts_.size()) return;
    const bool is_last = part + 1 == parts_.size();
    const std::string& pattern = parts_[part];
    if (pattern == "**") {
      // As the last part it means all files below.
      if (!is_last) look(folder, part + 1);
      for (const std::string& name : names_of(folder)) {
        if (name.starts_with('.')) continue;
        const fs::path path = folder / name;
        std::error_code error;
        if (fs::is_directory(fs::symlink_status(path, error))) {
          look(path, part);
        } else if (is_last) {
          take(path);
        }
      }
      return;
    }
    if (!is_pattern(pattern)) {
      step(folder / plain_part(pattern), part, is_last);
      return;
    }
    for (const std::string& name : names_of(folder)) {
      if (::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0) {
        // As of `**`: whoever may write there could name any folder of others, and with --after its
        // files would be deleted.
        if (!is_last && is_link(folder / name))
          links_.insert(name);
        else
          step(folder / name, part, is_last);
      } else if (is_last && !is_folder(folder / name) &&
                 ::fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD | FNM_CASEFOLD) == 0) {
        but_for_capitals_.insert(name);
      }
    }
  }

  void step(const fs::path& path, std::size_t part, bool is_last) {
    if (is_last) {
      take(path);
      return;
    }
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::status_known(status)) tell(unseen_, path, error.value());
    if (fs::is_directory(status)) look(path, part + 1);
  }

  void take(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::status_known(status)) {
      tell(unseen_, path, error.value());
    } else if (fs::exists(status) && !fs::is_directory(status)) {
      found_.insert(path.string());
    }
  }

  /// A folder that the pattern names itself may be missing; one that is there must be readable.
  std::vector<std::string> names_of(const fs::path& folder) const {
    if (!folder.empty() && !is_folder(folder)) return {};
    return names_in(folder, unseen_);
  }

  std::vector<std::string> parts_;
  const Unseen& unseen_;
  std::set<std::string> found_;
  std::set<std::string> but_for_capitals_;
  std::set<std::string> links_;
};

/// One that a load has left there, or an empty text.
std::string reject_file_in(const std::string& folder) {
  for (const std::string& name : names_in(folder)) {
    const fs::path path = fs::path(folder) / name;
    if (!is_folder(path) && is_reject_file(path.string())) return path.string();
  }
  return {};
}

class Locating {
 public:
  explicit Locating(std::vector<LeftOut>& left_out) : left_out_(left_out) {}

  void add(const std::string& argument, bool is_in_list) {
    if (is_remote(argument)) return take(argument);
    require_known_scheme(argument);
    std::error_code error;
    const fs::file_status status = fs::status(argument, error);
    const bool is_there = fs::exists(status);
    if (argument == "-") {
      take(is_in_list ? "./-" : argument);
    } else if (is_there && fs::is_directory(status)) {
      add_folder(argument);
    } else if (is_there) {
      take(argument);
    } else if (argument.starts_with('@') && !is_in_list) {
      add_list(argument.substr(1));
    } else if (is_pattern(argument)) {
      add_pattern(argument);
    } else {
      take(argument);
    }
  }

  std::vector<std::string> paths() && { return std::move(paths_); }
  const NamedByLists& of_lists() const { return of_lists_; }

 private:
  void add_folder(const std::string& folder) {
    LeftOut left{folder, {}};
    const std::vector<std::string> found = files_of_folder(folder, left.names);
    const std::string rejects = found.empty() ? reject_file_in(folder) : std::string();
    std::string if_none =
        folder + ": the folder has no *.csv, *.tsv or *.txt, packed or not, to load";
    for (std::size_t i = 0; i < std::min<std::size_t>(left.names.size(), 3); ++i)
      if_none += (i == 0 ? "; name what you mean, or use a pattern: " : ", ") + left.names[i];
    if (!rejects.empty())
      if_none += "; rejects of loads are loaded by their names alone: " + rejects;
    take_all(found, if_none);
    if (!left.names.empty()) left_out_.push_back(std::move(left));
  }

  void add_pattern(const std::string& pattern) {
    const Unseen fails;
    Search search(pattern, fails);
    std::vector<std::string> found = search.run();
    std::set<std::string> others = search.but_for_capitals();
    std::string if_no_other;
    if (!others.empty()) if_no_other = "; but for capitals it would match " + *others.begin();
    // A fifo among files would keep them waiting for whoever writes to it.
    const auto is_file = [](const std::string& path) {
      std::error_code error;
      return fs::is_regular_file(path, error) || error;
    };
    for (const std::string& path : found)
      if (!is_file(path)) others.insert(path);
    std::erase_if(found, [&](const std::string& path) { return !is_file(path); });
    std::string if_none = pattern + ": no file matches this pattern";
    // What a load has left there is no data until somebody has put it right, and names it.
    const bool names_rejects = pattern.contains("reject");
    if (!names_rejects && !found.empty() && std::ranges::all_of(found, is_reject_file)) {
      if_none += " but rejects of loads, which are loaded by their names: " + found.front();
      found.clear();
    }
    if_none += if_no_other;
    take_all(found, if_none);
    others.insert(search.links().begin(), search.links().end());
    if (!others.empty()) left_out_.push_back({pattern, {others.begin(), others.end()}});
  }

  void add_list(const std::string& path) {
    std::ifstream list(path);
    const std::size_t before = paths_.size();
    if (is_folder(path) || !list) {
      throw Failure(FailureKind::usage,
                    "@" + text_of_path(path) + ": there is no such list of files that can be read");
    }
    std::size_t number = 0;
    for (std::string line; std::getline(list, line);) {
      if (++number == 1 && line.starts_with(utf8_mark)) line.erase(0, utf8_mark.size());
      if (line.ends_with('\r')) line.pop_back();
      add_of_list("@" + path + ", line " + std::to_string(number), line);
    }
    if (paths_.size() == before)
      throw Failure(FailureKind::usage, "@" + text_of_path(path) + ": names no file");
  }

  void add_of_list(const std::string& place, const std::string& line) {
    // A name may have blanks around it.
    std::error_code error;
    const std::string named = fs::exists(line, error) ? line : std::string(trimmed(line));
    if (named.empty() || named.starts_with('#')) return;
    const std::size_t before = paths_.size();
    try {
      add(named, true);
    } catch (const Failure& failure) {
      throw Failure(failure.kind(), text_of_path(place) + ": " + failure.problem(),
                    failure.advice());
    }
    for (std::size_t i = before; i < paths_.size(); ++i) of_lists_[paths_[i]] = place;
  }

  void take_all(const std::vector<std::string>& found, const std::string& if_none) {
    if (found.empty()) throw Failure(FailureKind::usage, text_of_path(if_none));
    for (const std::string& path : found) take(path);
  }

  void take(const std::string& path) {
    if (seen_.insert(path).second) paths_.push_back(path);
  }

  std::vector<LeftOut>& left_out_;
  std::vector<std::string> paths_;
  std::set<std::string> seen_;
  NamedByLists of_lists_;
};

}  // namespace

bool is_pattern(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
      return true;
    }
  }
  return false;
}

std::vector<std::string> matches(const std::string& pattern, const Unseen& unseen) {
  return Search(pattern, unseen).run();
}

std::vector<std::string> files_of_folder(const std::string& folder,
                                         std::vector<std::string>& left_out) {
  std::vector<std::string> paths;
  for (const std::string& name : names_in(folder)) {
    const fs::path path = fs::path(folder) / name;
    if (name.starts_with('.') || is_folder(path) || is_reject_file(path.string())) continue;
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    const bool may_be_file = !fs::exists(status) || fs::is_regular_file(status);
    if (has_kind(name) && may_be_file) {
      paths.push_back(path.string());
    } else {
      left_out.push_back(name);
    }
  }
  return paths;
}

std::vector<std::string> locate(const std::vector<std::string>& arguments,
                                std::vector<LeftOut>& left_out, NamedByLists* of_lists) {
  Locating locating(left_out);
  for (const std::string& argument : arguments) locating.add(argument, false);
  if (of_lists != nullptr) *of_lists = locating.of_lists();
  return std::move(locating).paths();
}

}  // namespace sluice::source

#include "app/after_files.hpp"

#include <filesystem>
#include <set>
#include <string_view>

#include "base/exit_code.hpp"
#include "base/path_text.hpp"

namespace sluice::app {
namespace {

bool is_there(const std::string& path) {
  std::error_code error;
  return path == "-" || std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

}  // namespace

bool is_loaded(const report::Ending& ending) {
  return ending.exit_code == exit_ok || ending.exit_code == exit_rejected;
}

AfterFiles::AfterFiles(const LoadFlags& flags, const CommandFiles& files, const AfterLoad& after)
    : flags_(flags), files_(files), after_(after) {
  if (after.what == AfterLoad::What::keep) return;
  // What a folder or a pattern has named was there when it was looked through.
  const std::set<std::string_view> named(flags.files.begin(), flags.files.end());
  for (std::size_t file = 0; file < files.size(); ++file) {
    const std::string& path = files[file].path;
    was_there_.push_back(!named.contains(path) || is_there(path));
  }
}

/// Whoever names one file wants that one; with --join whoever loads it.
bool AfterFiles::shares_with_others() const {
  return after_.what != AfterLoad::What::keep &&
         (files_.joins() || files_.size() > 1 || flags_.files.front() != files_.name(0));
}

bool AfterFiles::is_of_others(std::size_t file, const report::Ending& ending) const {
  if (!shares_with_others() || is_loaded(ending) || ending.report.now.rows() > 0) return false;
  return ending.is_held ||
         (was_there_[file] && !ending.report.load && !is_there(files_[file].path));
}

bool AfterFiles::is_all_loaded(std::size_t file, const report::Ending& ending) {
  const bool is_well = is_loaded(ending) && !has_failed_member_;
  const Input& input = files_[file];
  has_failed_member_ = !is_well && !input.is_last_of_file;
  is_of_two_archives_ = has_other_archive_ || (input.archive && input.archive->file &&
                                               input.archive->file != ending.report.file);
  has_other_archive_ = is_of_two_archives_ && !input.is_last_of_file;
  return is_well && input.is_last_of_file;
}

std::string AfterFiles::act(std::size_t file, const report::Ending& ending) const {
  const std::string& path = files_[file].path;
  try {
    if (is_of_two_archives_) {
      throw Failure(FailureKind::changed,
                    text_of_path(path) +
                        ": its members are loaded, but it is not the archive any more that had "
                        "these alone; it is not touched");
    }
    return after_.apply(path, ending.report.file);
  } catch (const Failure&) {
    if (!shares_with_others() || is_there(path)) throw;
    return files_.name(file) + " was taken away by another command meanwhile";
  }
}

}  // namespace sluice::app

#pragma once

#include <string>
#include <vector>

#include "app/command_files.hpp"
#include "report/load.hpp"

namespace sluice::app {

bool is_loaded(const report::Ending& ending);

/// What becomes of the files of a command that are loaded (--after), each when all of it is: of an
/// archive that is with its last member. Several commands that take files away may be at one
/// folder: each takes what the others leave.
class AfterFiles {
 public:
  /// All outlive it.
  AfterFiles(const LoadFlags& flags, const CommandFiles& files, const AfterLoad& after);

  /// Before its load: throws Failure for what could not be done behind it.
  void check(std::size_t file) const { after_.check(files_[file].path); }

  /// Whether another command has the file, and nothing of it was stored by this one.
  bool is_of_others(std::size_t file, const report::Ending& ending) const;
  /// It is left to that one.
  void leave(std::size_t file) { has_failed_member_ = !files_[file].is_last_of_file; }

  /// Of an archive the last member counts, and that no other one has failed. To be asked once of
  /// each file that has ended, in their order.
  bool is_all_loaded(std::size_t file, const report::Ending& ending);

  /// What becomes of the file that was asked for last. Returns a sentence for people, or an empty
  /// one. Throws Failure where it cannot be done.
  std::string act(std::size_t file, const report::Ending& ending) const;

 private:
  bool shares_with_others() const;

  const LoadFlags& flags_;
  const CommandFiles& files_;
  const AfterLoad& after_;
  std::vector<bool> was_there_;      ///< when the command began, by number; none where all are kept
  bool has_failed_member_ = false;   ///< of the archive that is being loaded
  bool has_other_archive_ = false;   ///< a member of it was loaded from another one of its name
  bool is_of_two_archives_ = false;  ///< the file that has ended
};

}  // namespace sluice::app

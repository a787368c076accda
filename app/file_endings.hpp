#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/after_files.hpp"
#include "app/runtime.hpp"

namespace sluice::app {

/// How the files of a command end: each is told when it does, and has then what is to become of it;
/// together they are the exit code.
class FileEndings {
 public:
  /// All outlive it.
  FileEndings(const LoadFlags& flags, const MoreFiles& more, const CommandFiles& files,
              AfterFiles& after, const Runtime& runtime, report::Several& several)
      : flags_(flags),
        more_(more),
        files_(files),
        after_(after),
        runtime_(runtime),
        several_(several),
        endings_(files.size()) {}

  /// No other file is begun. A load that a signal has stopped may have ended well all the same.
  bool is_over() const { return is_over_ || runtime_.signal() != 0; }
  void begin_no_more() { is_over_ = true; }

  std::size_t count() const { return count_; }
  bool have_rows() const { return have_rows_; }  ///< some of them have brought any

  /// Whether a file may be loaded at all; else it has ended.
  bool may_begin(std::size_t file);
  /// A file has ended: what becomes of it, and of those behind it.
  void take(std::size_t file, report::Ending ending);
  /// The command has ended in front of its files.
  void take_in_front(report::Ending ending);

  /// Of what could not begin.
  report::Ending ending_in_front(const Failure& failure, const std::string& path) const;

  /// Says what was not begun, and returns the exit code of all.
  int tell_all();

 private:
  void leave_to_others(std::size_t file);
  void act_after(std::size_t file, report::Ending& ending) const;
  void print(const report::Ending& ending) const;
  void tell_interruption();

  const LoadFlags& flags_;
  const MoreFiles& more_;
  const CommandFiles& files_;
  AfterFiles& after_;
  const Runtime& runtime_;
  report::Several& several_;
  std::vector<std::optional<report::Ending>> endings_;  ///< by the number of the file
  std::size_t count_ = 0;
  bool have_rows_ = false;
  bool is_over_ = false;  ///< no other one is begun
  int exit_code_ = 0;
};

}  // namespace sluice::app

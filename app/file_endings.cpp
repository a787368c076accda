#include "app/file_endings.hpp"

#include <algorithm>

#include "app/output.hpp"
#include "app/run_load.hpp"
#include "base/exit_code.hpp"
#include "base/path_text.hpp"

namespace sluice::app {

bool FileEndings::may_begin(std::size_t file) {
  try {
    after_.check(file);
    return true;
  } catch (const Failure& failure) {
    take(file, ending_of(failure, files_.name(file), files_.options().table));
    return false;
  }
}

report::Ending FileEndings::ending_in_front(const Failure& failure, const std::string& path) const {
  report::Ending ending = ending_of(failure, path, files_.options().table);
  ending.exit_code = exit_code_of(failure.kind(), runtime_.signal());
  return ending;
}

void FileEndings::take_in_front(report::Ending ending) {
  if (files_.size() > 0) ending.path = files_.name(0);
  print(ending);
  exit_code_ = ending.exit_code;
  several_.endings.push_back(std::move(ending));
}

void FileEndings::take(std::size_t file, report::Ending ending) {
  ending.path = files_.name(file);
  ++count_;
  if (after_.is_of_others(file, ending)) return leave_to_others(file);
  if (files_.size() > 1) name_file(ending);
  const std::string& list = files_[file].named_by;
  if (ending.exit_code == exit_usage && !ending.report.load && !list.empty())
    ending.message += "\n  It is named by " + text_of_path(list) + ".";
  print(ending);
  if (after_.is_all_loaded(file, ending) && !files_.options().dry_run) act_after(file, ending);
  exit_code_ = worse(exit_code_, ending.exit_code);
  is_over_ = is_over_ || (!is_loaded(ending) && (!more_.keep_going || runtime_.signal() != 0 ||
                                                 ending.exit_code == exit_connect));
  have_rows_ = have_rows_ || ending.report.now.rows() > 0;
  endings_[file] = std::move(ending);
}

void FileEndings::leave_to_others(std::size_t file) {
  after_.leave(file);
  several_.taken.push_back(files_.name(file));
  if (!flags_.common.quiet)
    print_note(files_.name(file) + " is left to another command, which has it");
}

/// Where that fails, the ending says so.
void FileEndings::act_after(std::size_t file, report::Ending& ending) const {
  try {
    const std::string done = after_.act(file, ending);
    if (!done.empty() && !flags_.common.quiet) print_note(done);
  } catch (const Failure& failure) {
    ending.exit_code = exit_code_of(failure.kind(), 0);
    ending.message = failure.what();
    if (flags_.common.output == OutputFormat::text) print_error(ending.message);
  }
}

void FileEndings::print(const report::Ending& ending) const {
  if (flags_.common.output == OutputFormat::text)
    print_ending(ending, flags_.common.quiet, files_.size() > 1);
  if (flags_.common.output == OutputFormat::text && flags_.common.verbose &&
      ending.report.bottleneck)
    print_note(load::remedy_of(ending.report.bottleneck->limit));
}

int FileEndings::tell_all() {
  for (std::optional<report::Ending>& ending : endings_)
    if (ending) several_.endings.push_back(std::move(*ending));
  tell_interruption();
  return exit_code_;
}

void FileEndings::tell_interruption() {
  const std::size_t over = several_.endings.size() + several_.taken.size();
  const std::size_t left = files_.size() - std::min(over, files_.size());
  if (runtime_.signal() == 0 || left == 0) return;
  exit_code_ = worse(exit_code_, exit_code_of(FailureKind::interrupted, runtime_.signal()));
  if (flags_.common.output == OutputFormat::text) {
    print_error("interrupted: " + std::to_string(left) + " of " + std::to_string(files_.size()) +
                " files were not begun; the same command goes on with them");
  }
}

}  // namespace sluice::app

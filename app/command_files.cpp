#include "app/command_files.hpp"

#include "app/join.hpp"
#include "app/load_end_flags.hpp"
#include "base/limits.hpp"

namespace sluice::app {
namespace {

void refuse_what_takes_more(const LoadFlags& flags, const MoreFiles& more, const AfterLoad& after) {
  if (more.lease && !more.join)
    throw Failure(FailureKind::usage,
                  "--lease says how long others of --join are waited for: give --join too");
  if (more.segment_bytes > 0 && !more.join)
    throw Failure(FailureKind::usage,
                  "--segment-size says in which parts commands with --join share a file: give "
                  "--join too");
  if (after.what == AfterLoad::What::keep || !flags.limit) return;
  throw Failure(FailureKind::usage,
                "--after " + more.after +
                    " with --limit: the file would be gone, and what is behind the limit in "
                    "no table; leave one of them out");
}

/// However few words name them: a folder, a pattern, a list, an archive.
void refuse_what_one_file_does(const plan::LoadOptions& options, std::size_t files) {
  if (files <= 1) return;
  if (options.truncate) {
    throw Failure(
        FailureKind::usage,
        "--truncate with several files would keep the rows of the last one only; load the first "
        "file with --truncate and the others without");
  }
  if (!options.deletes()) return;
  throw Failure(FailureKind::usage,
                std::string(deleting_flag(options)) +
                    " with several files would delete the rows of the one before: load them "
                    "one by one, or as one file");
}

}  // namespace

CommandFiles::CommandFiles(const LoadFlags& flags, const MoreFiles& more, const AfterLoad& after,
                           plan::LoadOptions options, report::Several& several)
    : options_(std::move(options)), names_(several.files) {
  refuse_what_takes_more(flags, more, after);
  source::NamedByLists of_lists;
  const std::vector<std::string> files = files_of(flags, &of_lists);
  inputs_ = inputs_of(without_rejects(flags, files, several.left_out), options_.unpack);
  for (Input& input : inputs_)
    if (const auto named = of_lists.find(input.path); named != of_lists.end())
      input.named_by = named->second;
  after.check_inputs(inputs_, more.after);
  if (more.join) join(flags, more, options_, inputs_);
  refuse_what_one_file_does(options_, inputs_.size());
  for (const Input& input : inputs_) several.files.push_back(input.shown());
}

plan::LoadOptions CommandFiles::options_of(std::size_t file, bool others_stored) const {
  plan::LoadOptions options = options_;
  options.path = inputs_[file].path;
  options.unpack.member = inputs_[file].member;
  if (inputs_[file].archive) options.unpack.shelf = inputs_[file].archive->shelf;
  options.more_follows = file + 1 < size();
  options.others_stored = options.analyze && !options.more_follows && others_stored;
  return options;
}

}  // namespace sluice::app

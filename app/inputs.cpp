#include "app/inputs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "app/output.hpp"
#include "app/signals.hpp"
#include "base/limits.hpp"
#include "base/reject_name.hpp"
#include "source/buckets.hpp"
#include "source/locate.hpp"
#include "source/no_archive.hpp"
#include "source/packing.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

namespace fs = std::filesystem;

void tell_left_out(const std::vector<source::LeftOut>& left_out) {
  constexpr std::size_t most = 3;
  for (const source::LeftOut& left : left_out) {
    const std::size_t count = left.names.size();
    std::string text = left.of + ": ";
    text += count == 1 ? "1 file is left out: " : std::to_string(count) + " files are left out: ";
    for (std::size_t i = 0; i < std::min(most, count); ++i) {
      if (i > 0) text += ", ";
      text += left.names[i];
    }
    if (count > most) text += ", ...";
    print_note(text + "; name them, or use a pattern, where they are meant");
  }
}

/// The same file by another path is the same file. Another name of it (a link) has the same
/// content, and is loaded or not as a copy is.
class EachOnce {
 public:
  explicit EachOnce(bool is_quiet) : is_quiet_(is_quiet) {}

  bool is_new(const std::string& path) {
    if (source::is_remote(path)) return remotes_.insert(path).second;
    struct stat status{};
    if (path == "-" || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return true;
    std::vector<std::string>& paths = seen_[{status.st_dev, status.st_ino}];
    const fs::path whole = paths.empty() ? fs::path() : place_of(path);
    for (const std::string& other : paths) {
      if (place_of(other) != whole) continue;
      say(path + " is " + other + ", and loaded once");
      return false;
    }
    if (!paths.empty()) say(path + " is another name of " + paths.front() + ": the same content");
    paths.push_back(path);
    return true;
  }

 private:
  /// A link is a name of its own: --after acts on names.
  static fs::path place_of(const fs::path& path) {
    std::error_code error;
    return fs::canonical(path.has_parent_path() ? path.parent_path() : ".", error) /
           path.filename();
  }
  void say(const std::string& text) const {
    if (!is_quiet_) print_note(text);
  }

  bool is_quiet_;
  std::set<std::string> remotes_;
  std::map<std::pair<dev_t, ino_t>, std::vector<std::string>> seen_;
};

/// "http://host:80", "s3://bucket"
std::string place_of_remote(const std::string& path) {
  return path.substr(0, path.find('/', path.find("://") + 3));
}

/// Once for each server, however many objects it has.
void tell_plain_servers(const std::vector<std::string>& paths, const source::Buckets& buckets) {
  std::set<std::string> places;
  std::set<std::string> told;
  for (const std::string& path : paths) {
    if (!source::is_remote(path) || !places.insert(place_of_remote(path)).second) continue;
    try {
      const bool is_in_bucket = source::is_in_bucket(path);
      const std::string server = is_in_bucket ? buckets.endpoint_of(path) : place_of_remote(path);
      if (server.starts_with("http:") && told.insert(server).second)
        print_note(server +
                   " is asked without TLS: whoever is on the way can read and change what it "
                   "sends");
    } catch (const Failure&) {
      // Who reads the object is told.
    }
  }
}

/// Nothing is to be looked for, so that nothing has to be ended by a signal.
bool is_stdin_alone(const std::vector<std::string>& files) {
  return files.size() == 1 && files.front() == "-";
}

/// What is fetched, or comes once, says when it is read what it is; and what is not there says
/// that.
bool may_be_no_archive(const std::string& file) {
  std::error_code error;
  return file != "-" && !source::is_remote(file) && fs::is_regular_file(file, error);
}

bool is_any_remote(const std::vector<std::string>& files) {
  return std::ranges::any_of(files, source::is_remote);
}

}  // namespace

std::vector<std::string> files_of(const LoadFlags& flags, source::NamedByLists* of_lists) {
  if (is_stdin_alone(flags.files)) return flags.files;
  std::vector<source::LeftOut> left_out;
  std::vector<std::string> all =
      flags.as_named ? flags.files : source::locate(flags.files, left_out, of_lists);
  // Those of lists.
  source::hide_secrets(all, *flags.load.unpack.fetch);
  const EndOnSignal ends([&flags] { flags.load.unpack.buckets->stop(); }, is_any_remote(all));
  all = flags.load.unpack.buckets->with_matches(all, flags.as_named);
  const bool is_quiet = flags.common.quiet || flags.progress == ProgressMode::json;
  if (!is_quiet) tell_left_out(left_out);
  if (!is_quiet) tell_plain_servers(all, *flags.load.unpack.buckets);
  std::vector<std::string> files;
  EachOnce once(is_quiet);
  std::ranges::copy_if(all, std::back_inserter(files),
                       [&once](const std::string& path) { return once.is_new(path); });
  return files;
}

std::vector<Input> inputs_of(const std::vector<std::string>& files,
                             const source::UnpackOptions& options) {
  if (is_stdin_alone(files) && options.members.empty())
    return {{.path = "-", .member = {}, .is_last_of_file = true}};
  const auto stop = [&options] {
    if (options.buckets) options.buckets->stop();
  };
  const EndOnSignal ends(stop, is_any_remote(files));
  std::vector<Input> inputs;
  for (const std::string& file : files) {
    std::shared_ptr<const source::Members> archive;
    if (!options.members.empty()) {
      if (auto members = source::members_of(file, options))
        archive = std::make_shared<const source::Members>(std::move(*members));
    }
    if (!archive && may_be_no_archive(file) && !options.members.empty())
      throw source::no_archive(file);
    if (!archive) {
      inputs.push_back({.path = file, .member = {}, .is_last_of_file = true});
      std::optional<source::Listed> listed;
      if (options.buckets) listed = options.buckets->listed(file);
      if (!listed) continue;
      inputs.back().length = listed->bytes;
      inputs.back().stamp = listed->stamp;
      continue;
    }
    for (std::size_t i = 0; i < archive->meant.size(); ++i) {
      inputs.push_back({.path = file,
                        .member = archive->meant[i],
                        .is_last_of_file = false,
                        .archive = archive,
                        .length = archive->lengths[i],
                        .stamp = archive->stamps[i]});
    }
    inputs.back().is_last_of_file = true;
  }
  return inputs;
}

std::vector<std::string> without_rejects(const LoadFlags& flags,
                                         const std::vector<std::string>& files,
                                         std::vector<std::string>& left_out) {
  std::vector<std::string> data;
  for (const std::string& file : files)
    (file != "-" && is_reject_file(file) ? left_out : data).push_back(file);
  if (data.empty() || left_out.empty()) {
    left_out.clear();
    return files;
  }
  if (!flags.common.quiet && flags.common.output == OutputFormat::text) {
    for (const std::string& file : left_out)
      print_note("left out " + file + ", which has the rejects of a load: load it by itself");
  }
  return data;
}

std::uintmax_t small_bytes_max(const std::string& path) {
  const bool is_packed = source::packing_of_name(path) != source::Packing::none;
  // Of a text that packs well; what is more all the same is found out, and goes by itself.
  return is_packed ? limits::first_chunk_bytes / 8 : limits::first_chunk_bytes;
}

}  // namespace sluice::app

#include "app/file_queue.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/chunks_of.hpp"
#include "base/exit_code.hpp"
#include "base/limits.hpp"
#include "load/known_objects.hpp"
#include "pg/error.hpp"
#include "source/fetch_ahead.hpp"
#include "source/remote.hpp"

namespace sluice::app {
namespace {

/// What an object is taken for that no listing says the length of, where a group is made.
constexpr std::uintmax_t untold_bytes = 64 * limits::KiB;

}  // namespace

/// Where the order of files, or what is theirs together, decides what comes of them, they go one
/// after the other.
bool FileQueue::may_go_side_by_side() const {
  const plan::LoadOptions& o = files_.options();
  return file_options_.may_go_side_by_side() && o.on_conflict == writer::OnConflict::error &&
         !o.truncate && !o.check && !o.dry_run && !o.defer_indexes && !o.is_all_or_nothing() &&
         !o.after_sql && !o.set_sequences && !o.lag_max.is_given() && !o.load_max &&
         !o.bytes_per_second_max && !o.rows_per_second_max && o.rejects_path.empty() &&
         !o.rejects_table && o.use_ledger;
}

/// Whether what the ledger says of a file in front of all loads is what it says at its turn.
bool FileQueue::may_be_known() const {
  const plan::LoadOptions& o = files_.options();
  return file_options_.may_go_side_by_side() && o.on_conflict == writer::OnConflict::error &&
         !o.truncate && !o.deletes() && !o.check && !o.dry_run && !o.defer_indexes && o.use_ledger;
}

/// The last one does for all what is left to do behind them.
bool FileQueue::looks_after_table(std::size_t file) const {
  return files_.options().analyze && file + 1 == files_.size();
}

/// Nothing for what is no file that can be looked at.
std::optional<std::uintmax_t> FileQueue::bytes_of(std::size_t file) const {
  const Input& input = files_[file];
  if (source::is_remote(input.path)) return input.length.value_or(untold_bytes);
  std::error_code error;
  if (!std::filesystem::is_regular_file(input.path, error)) return std::nullopt;
  const std::uintmax_t bytes = std::filesystem::file_size(input.path, error);
  return error ? std::nullopt : std::optional(bytes);
}

std::size_t FileQueue::end_of_small() const {
  std::size_t end = next_;
  if (!may_go_side_by_side()) return end;
  const plan::LoadOptions& options = files_.options();
  const bool is_remote = source::is_remote(files_[end].path);
  for (; end < files_.size(); ++end) {
    const Input& input = files_[end];
    if (input.member || source::is_remote(input.path) != is_remote) return end;
    // What is in one is not known before it is read.
    if (is_remote && !options.unpack.members.empty()) return end;
    const std::optional<std::uintmax_t> bytes = bytes_of(end);
    if (!bytes || *bytes > small_bytes_max(input.path)) return end;
    // What others have loaded meanwhile is asked for block by block.
    if (options.joins() && end - next_ == limits::join_block_files) return end;
  }
  return end;
}

std::size_t FileQueue::end_together(std::size_t begin, std::size_t end, std::size_t most) const {
  std::uintmax_t bytes = 0;
  std::size_t count = 0;
  std::size_t at = begin;
  for (; at < end; ++at) {
    if (is_known(at)) continue;
    bytes += bytes_of(at).value_or(0);
    if (count++ == most || (count > 1 && bytes > limits::bytes_together_max)) break;
  }
  return at;
}

std::size_t FileQueue::end_of_small_members() const {
  std::size_t end = next_;
  if (!may_go_side_by_side()) return end;
  const auto& archive = files_[next_].archive;
  while (end < files_.size() && archive && files_[end].archive == archive &&
         files_[end].length.value_or(limits::first_chunk_bytes + 1) <= limits::first_chunk_bytes)
    ++end;
  return end;
}

/// Without a wait for a server; a member's archive was looked at before.
bool FileQueue::may_be_looked_at(std::size_t file) const {
  const std::string& path = files_[file].path;
  return files_[file].member || !source::is_remote(path) ||
         files_.options().unpack.ahead->find(path);
}

asio::awaitable<void> FileQueue::find_known(load::Resources on, load::Shared& shared,
                                            std::size_t end) {
  constexpr std::size_t at_once = 1000;
  std::vector<std::size_t> which;
  for (std::size_t i = next_; i < end; ++i)
    if (!is_known(i) && may_be_looked_at(i)) which.push_back(i);
  co_await ask(on, shared, which, at_once, &FileQueue::ask_of_files);
}

asio::awaitable<void> FileQueue::find_known_of(load::Resources on, load::Shared& shared,
                                               std::vector<std::size_t> files) {
  co_await ask(on, shared, files, files.size(), &FileQueue::ask_of_files);
}

bool FileQueue::has_listed() const {
  if (!may_be_known()) return false;
  for (std::size_t i = 0; i < files_.size(); ++i)
    if (files_[i].is_listed()) return true;
  return false;
}

asio::awaitable<void> FileQueue::find_listed(load::Resources on, load::Shared& shared) {
  constexpr std::size_t at_once = 10'000;
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < files_.size(); ++i)
    if (files_[i].is_listed()) which.push_back(i);
  co_await ask(on, shared, which, at_once, &FileQueue::ask_of_objects);
}

asio::awaitable<void> FileQueue::ask(load::Resources on, load::Shared& shared,
                                     const std::vector<std::size_t>& which, std::size_t at_once,
                                     Asking asking) {
  known_.resize(files_.size());
  for (const std::span<const std::size_t> some : chunks_of(which, at_once)) {
    if (endings_.is_over()) co_return;
    try {
      std::vector<load::KnownFile> found = co_await (this->*asking)(on, shared, some);
      for (std::size_t i = 0; i < some.size(); ++i) known_[some[i]] = std::move(found[i]);
    } catch (const pg::PgError&) {
      co_return;  // the loads ask for themselves
    } catch (const Failure&) {
      co_return;  // ... and say what is wrong
    }
  }
}

asio::awaitable<std::vector<load::KnownFile>> FileQueue::ask_of_files(
    load::Resources on, load::Shared& shared, std::span<const std::size_t> which) {
  std::vector<load::FileToFind> files;
  for (const std::size_t i : which) files.push_back(files_[i].to_find());
  co_return co_await load::find_known_files(on, shared, files_.options(), std::move(files));
}

asio::awaitable<std::vector<load::KnownFile>> FileQueue::ask_of_objects(
    load::Resources on, load::Shared& shared, std::span<const std::size_t> which) {
  std::vector<load::ObjectToFind> objects;
  for (const std::size_t i : which) objects.push_back({files_[i].path, files_[i].stamp});
  auto found = co_await load::find_known_objects(on, shared, files_.options(), objects);
  std::vector<load::KnownFile> known(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) known[i].report = std::move(found[i]);
  co_return known;
}

bool FileQueue::take_known(std::size_t file) {
  if (file >= known_.size() || !known_[file].report) return false;
  if (looks_after_table(file) && endings_.have_rows()) return false;
  endings_.take(file, {.report = std::move(*known_[file].report),
                       .path = files_.name(file),
                       .table = files_.options().table,
                       .exit_code = exit_ok,
                       .message = {},
                       .sql_state = {},
                       .bad_record = {},
                       .is_held = false});
  return true;
}

std::vector<std::size_t> FileQueue::next_together(std::size_t end, std::size_t most) {
  std::vector<std::size_t> files;
  std::uintmax_t bytes = 0;
  while (next_ < end && !endings_.is_over() && files.size() < most) {
    const std::optional<std::uintmax_t> size = bytes_of(next_);
    if (!files.empty() && (!size || bytes + *size > limits::bytes_together_max)) break;
    bytes += size.value_or(0);
    const std::size_t file = next_++;
    if (!endings_.may_begin(file) || take_known(file)) continue;
    if (file < known_.size() && known_[file].is_like_another) {
      later_.push_back({file, Turn::alone});
    } else {
      files.push_back(file);
    }
  }
  return files;
}

std::vector<FileQueue::Later> FileQueue::take_later() {
  std::ranges::sort(later_, {}, &Later::file);
  return std::exchange(later_, {});
}

}  // namespace sluice::app

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "app/file_endings.hpp"
#include "app/file_options.hpp"
#include "load/known_files.hpp"

namespace sluice::app {

/// The files of a command in the order of their turns: as they were named, but for those that have
/// another turn later. What the ledger knows as loaded needs none.
class FileQueue {
 public:
  enum class Turn {
    first,
    alone,  ///< no other one is under way
    apart,  ///< ... and it has all connections, as a long file
  };
  struct Later {
    std::size_t file = 0;
    Turn turn = Turn::alone;
  };

  /// All outlive it.
  FileQueue(const CommandFiles& files, const FileOptions& file_options, FileEndings& endings)
      : files_(files), file_options_(file_options), endings_(endings) {}

  bool is_empty() const { return next_ == files_.size(); }
  std::size_t next() const { return next_; }  ///< the first that is not begun
  std::size_t take_next() { return next_++; }

  /// Behind the next ones that are one chunk each, as far as is known, and may go side by side: all
  /// of them files, or all of them objects.
  std::size_t end_of_small() const;
  /// Behind those from `begin` on that may share a transaction, of which the ledger knows any
  /// number: so many others at most.
  std::size_t end_together(std::size_t begin, std::size_t end, std::size_t most) const;
  bool is_known(std::size_t file) const { return file < known_.size() && known_[file].report; }
  /// Behind the next ones of one archive that are small: what is long is not unpacked to find out
  /// what it is.
  std::size_t end_of_small_members() const;

  /// Asks the ledger of those in front of `end`, many at once; not of objects that are not fetched.
  asio::awaitable<void> find_known(load::Resources on, load::Shared& shared, std::size_t end);
  /// The same of these, which others may have loaded since.
  asio::awaitable<void> find_known_of(load::Resources on, load::Shared& shared,
                                      std::vector<std::size_t> files);
  /// Whether the ledger is asked of any object by what a listing says of it.
  bool has_listed() const;
  /// Asks the ledger of all objects that listings have named, by what those say of them.
  asio::awaitable<void> find_listed(load::Resources on, load::Shared& shared);
  /// Ends a file that the ledger knows.
  bool take_known(std::size_t file);

  /// The next files whose loads may share a transaction: so many at most.
  std::vector<std::size_t> next_together(std::size_t end, std::size_t most);

  void add_later(Later later) { later_.push_back(later); }
  /// Those, in the order of the files.
  std::vector<Later> take_later();

  /// Other commands have it now (--join).
  void leave(std::size_t file) { left_.push_back(file); }
  std::size_t left() const { return left_.size(); }
  std::vector<std::size_t> take_left() { return std::exchange(left_, {}); }

 private:
  /// What the ledger says of each of these.
  using Asking = asio::awaitable<std::vector<load::KnownFile>> (FileQueue::*)(
      load::Resources, load::Shared&, std::span<const std::size_t>);

  asio::awaitable<void> ask(load::Resources on, load::Shared& shared,
                            const std::vector<std::size_t>& which, std::size_t at_once,
                            Asking asking);
  asio::awaitable<std::vector<load::KnownFile>> ask_of_files(load::Resources on,
                                                             load::Shared& shared,
                                                             std::span<const std::size_t> which);
  asio::awaitable<std::vector<load::KnownFile>> ask_of_objects(load::Resources on,
                                                               load::Shared& shared,
                                                               std::span<const std::size_t> which);
  bool may_go_side_by_side() const;
  bool may_be_known() const;
  bool may_be_looked_at(std::size_t file) const;
  std::optional<std::uintmax_t> bytes_of(std::size_t file) const;
  bool looks_after_table(std::size_t file) const;

  const CommandFiles& files_;
  const FileOptions& file_options_;
  FileEndings& endings_;
  std::size_t next_ = 0;
  std::vector<load::KnownFile> known_;  ///< by the number of the file
  std::vector<Later> later_;
  std::vector<std::size_t> left_;
};

}  // namespace sluice::app

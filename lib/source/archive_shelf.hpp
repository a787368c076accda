#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "source/archive_reader.hpp"

namespace sluice::source {

/// One archive of which a command reads many members: what was found when it was looked through,
/// and readers that stand behind the member that they read last. So members that come in their
/// order cost one walk through the archive, and not one each. Thread-safe.
class ArchiveShelf {
 public:
  /// Opens the archive, unpacked as far as an archive goes. Throws Failure.
  using Open = std::function<std::unique_ptr<Source>()>;

  explicit ArchiveShelf(Open open) : open_(std::move(open)) {}

  /// An archive that is being read, and the place of the member that comes next.
  struct Reading {
    std::unique_ptr<Source> archive;  ///< nothing: it is another's
    std::unique_ptr<ArchiveReader> reader;
    std::size_t next = 0;
  };

  /// What was found in the archive of this stamp.
  void keep(const std::string& stamp, const std::vector<ChosenMember>& members);
  /// The member of this name; nothing where there are several, or where the archive is another one
  /// than the one that was looked through.
  std::optional<ChosenMember> find(const std::string& stamp, const std::string& name) const;

  /// A reader in front of the member at `place`, or of one before it; nothing where the archive is
  /// another one by now.
  std::unique_ptr<Reading> take(const std::string& stamp, Packing packing, std::size_t place);
  void give(std::unique_ptr<Reading> reading);

 private:
  Open open_;
  mutable std::mutex mutex_;
  std::string stamp_;
  std::multimap<std::string, ChosenMember> members_;
  std::vector<std::unique_ptr<Reading>> readings_;
};

}  // namespace sluice::source

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "load/report.hpp"
#include "load/resources.hpp"
#include "load/shared.hpp"
#include "plan/options.hpp"
#include "source/source.hpp"

namespace sluice::load {

/// What is found out about a file before its load.
struct KnownFile {
  /// What its load would report, as the ledger knows it as loaded, so, and untouched since.
  std::optional<LoadReport> report;
  /// Another one of the files has the same content, or goes on behind it, as far as the beginnings
  /// tell: the loads of the two must not be judged at the same time.
  bool is_like_another = false;
};

/// A file, or a member of an archive.
struct FileToFind {
  std::string path;
  std::optional<std::string> member;
  std::shared_ptr<source::ArchiveShelf> shelf = {};  ///< of a member
  std::string stamp = {};                            ///< ... by which it is known, unread
};

/// Looks at files of one chunk. One question to the ledger serves all of them; what of an archive
/// it does not know by its stamp is not unpacked. What is not clear is left to the loads, and so is
/// all where there is no ledger yet.
asio::awaitable<std::vector<KnownFile>> find_known_files(Resources on, Shared& shared,
                                                         plan::LoadOptions options,
                                                         std::vector<FileToFind> files);

/// Which table it is, and how its files are read, where no load has found that out yet.
asio::awaitable<void> find_out(Resources on, Shared& shared, const plan::LoadOptions& options);

}  // namespace sluice::load

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "load/report.hpp"
#include "load/resources.hpp"
#include "load/shared.hpp"
#include "plan/options.hpp"

namespace sluice::load {

/// What is found out about a file before its load.
struct KnownFile {
  /// What its load would report, as the ledger knows it as loaded, so, and untouched since.
  std::optional<LoadReport> report;
  /// Another one of the files has the same content, or goes on behind it, as far as the beginnings
  /// tell: the loads of the two must not be judged at the same time.
  bool is_like_another = false;
};

/// Looks at files of one chunk that are to be loaded side by side. One question to the ledger
/// serves all of them. What is not clear is left to the loads, and so is all where the table is not
/// known yet (Shared::target).
asio::awaitable<std::vector<KnownFile>> find_known_files(Resources on, const Shared& shared,
                                                         plan::LoadOptions options,
                                                         std::vector<std::string> paths);

}  // namespace sluice::load

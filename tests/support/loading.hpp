#pragma once

#include <optional>
#include <string>

#include "load/load.hpp"

namespace sluice::test {

/// How a load that ran in this process ended.
struct Loaded {
  load::LoadReport report;
  std::string message;  ///< of the failure; empty if it ended well
  std::optional<FailureKind> failure;
  std::optional<load::BadRecord> bad_record;
  std::string sql_state;

  bool ok() const { return message.empty(); }
};

/// Runs one load against the database of `url`.
Loaded run_load(const std::string& url, plan::LoadOptions options,
                std::chrono::milliseconds stall_max = limits::stall_default);

}  // namespace sluice::test

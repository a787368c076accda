#pragma once

#include <optional>
#include <string>

#include "load/report.hpp"
#include "load/resources.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// One run of a load, as its parts share it. On the I/O thread only; it outlives them.
struct Run {
  Resources on;
  LoadReport report;
  Progress progress;
  bool is_stopped = false;                ///< nothing new is begun
  bool helps = false;                     ///< with a load whose lock another run has
  std::optional<LoadId> made_table = {};  ///< of this run's load: it was entered with its table

  void note(std::string text) { report.notes.push_back(std::move(text)); }

  /// What the ledger says of the load is what the report says.
  void take_over(const ledger::Totals& totals) {
    report.records_read = totals.records_read;
    report.total = totals.counts;
    report.rows_rejected = totals.rows_rejected;
    report.rows_deleted = totals.rows_deleted;
  }

  /// Throws Failure(interrupted).
  void require_going_on() {
    if (!is_stopped) return;
    report.status = LoadReport::Status::interrupted;
    throw interrupted(report);
  }
};

}  // namespace sluice::load

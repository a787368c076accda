#pragma once

#include <string>

#include "load/plan.hpp"
#include "load/report.hpp"

namespace sluice::load {

/// One run of a load, as its parts share it. On the I/O thread only; it outlives them.
struct Run {
  Resources on;
  LoadReport report;
  Progress progress;
  bool is_stopped = false;  ///< nothing new is begun

  void note(std::string text) { report.notes.push_back(std::move(text)); }

  /// Throws Failure(interrupted).
  void require_going_on() {
    if (!is_stopped) return;
    report.status = LoadReport::Status::interrupted;
    throw interrupted(report);
  }
};

}  // namespace sluice::load

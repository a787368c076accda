#include "load/report.hpp"

namespace sluice::load {

std::string how_to_go_on(const LoadReport& report) {
  return std::string("the same command ") + (report.plan.is_again ? "without --again " : "") +
         report.goes_on_with + (report.goes_on_with.empty() ? "" : " ") +
         (report.begins_again ? "begins again" : "goes on where it stopped");
}

Failure interrupted(const LoadReport& report) {
  if (report.load) {
    return {FailureKind::interrupted, "interrupted; " + how_to_go_on(report)};
  }
  if (report.now.rows() == 0) return {FailureKind::interrupted, "interrupted; nothing was stored"};
  return {FailureKind::interrupted, "interrupted; without a ledger this load cannot be resumed"};
}

}  // namespace sluice::load

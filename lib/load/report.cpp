#include "load/report.hpp"

namespace sluice::load {

Failure interrupted(const LoadReport& report) {
  if (report.load) {
    return {FailureKind::interrupted, "interrupted; the same command goes on where it stopped"};
  }
  if (report.now.rows() == 0) return {FailureKind::interrupted, "interrupted; nothing was stored"};
  return {FailureKind::interrupted, "interrupted; without a ledger this load cannot be resumed"};
}

}  // namespace sluice::load

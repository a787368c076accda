#pragma once

#include <cstdint>
#include <optional>

#include "base/failure.hpp"
#include "base/position.hpp"
#include "ledger/loads.hpp"
#include "load/resources.hpp"
#include "plan/plan.hpp"
#include "resume/history.hpp"

namespace sluice::load {

/// Where what is behind the content of a finished load begins.
struct Behind {
  Position place;
  /// There, a record begins that was cut off then, and rejected: it comes again, whole.
  bool has_rejected = false;
  std::optional<Failure> why_not;  ///< nothing of it can be gone on with
};

/// Reads the end of what the load has read again, and looks for its last record among its rejects.
/// REQUIRES: the source can be read there.
asio::awaitable<Behind> behind_load(Resources on, pg::Connection& connection, plan::Plan& plan,
                                    ledger::KnownLoad load);

/// Makes a plan of a load that goes on behind others begin where that one does. What is in front of
/// it is read on the way, once: throws Failure where it is not what these have read. `now` is the
/// entry of the plan.
asio::awaitable<void> read_past_front(Resources on, pg::Connection& connection, plan::Plan& plan,
                                      const ledger::NewLoad& now, const ledger::KnownLoad& load);

/// Why a source that has grown out of what a finished load has read is not loaded, and what the
/// user can do. REQUIRES: Verdict::Kind::refuse_grown.
asio::awaitable<Failure> refusal_of_grown(Resources on, pg::Connection& connection,
                                          plan::Plan& plan, const ledger::NewLoad& now,
                                          resume::Verdict verdict);

}  // namespace sluice::load

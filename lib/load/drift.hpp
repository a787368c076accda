#pragma once

#include <memory>

#include "ledger/former_load.hpp"
#include "load/run.hpp"
#include "load/shared.hpp"
#include "source/source.hpp"

namespace sluice::load {

/// Whether the load before this one is to be asked for (--on-drift): there may be one.
bool asks_for_drift(const plan::LoadOptions& options, const writer::Target& target);

/// The load before this one, and which columns it had.
struct Former {
  ledger::FormerLoad load;
  plan::FormerColumns columns;
};
/// nullptr: there is none. Asked once for sources whose paths differ in digits alone (`shared` may
/// be nullptr).
asio::awaitable<std::shared_ptr<const Former>> former_of(Run& run, source::Source& source,
                                                         const writer::Target& target,
                                                         Shared* shared);

/// The names of the source's columns, as far as it has any.
std::vector<std::string> names_of(const plan::LoadOptions& options,
                                  const chunk::Preamble& preamble);

/// How the columns that are to be loaded differ from those.
plan::Drift drift_from(const Former& former, const plan::Plan& plan);

/// The failure of a plan that could not be made, with what differs: that may be why.
Failure with_drift(Run& run, const Failure& refused, const Former& former,
                   const std::vector<plan::SourceColumn>& now);

/// Where a new load begins: says what differs as a note, or throws Failure(usage), as --on-drift
/// has it.
void tell_drift(Run& run, const plan::Plan& plan);

}  // namespace sluice::load

#pragma once

#include "load/run.hpp"
#include "resume/history.hpp"

namespace sluice::load {

/// Makes the table that a load is to go into (--create), in the transaction that enters the load in
/// the ledger: a table that was made has a load, which the same command goes on with. It is made as
/// the plan needs it, or not at all. The source is read in front, and stands at its first byte
/// again. A dry run takes it back; its plan is then what there is to show.
/// Throws Failure where the table is there, where it cannot be made, and where the plan cannot.
asio::awaitable<plan::Plan> make_table(Run& run, plan::LoadOptions options, source::Source& source);

/// Whether --create is to load this source into the table: it was made by this command, or for this
/// content.
bool may_go_into_table(const plan::Plan& plan);

/// Throws Failure(usage) where it is not, and the load would begin.
void require_own_table(const plan::Plan& plan);

}  // namespace sluice::load

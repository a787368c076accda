#pragma once

#include <optional>

#include "load/run.hpp"
#include "pg/connection.hpp"
#include "resume/history.hpp"

namespace sluice::load {

/// Throws Failure where an upload that is to be gone on with at an offset is no text as it comes:
/// packed, or in another encoding, an offset would say nothing of what is stored.
void require_plain(const plan::Plan& plan);

/// What an upload goes on behind is not stored any more.
Failure front_is_gone(const plan::Plan& plan);

/// What is to be done about an upload whose name has a load already. Nothing where none is known:
/// its content decides, and `before` has what frees the name. Throws Failure where it goes on
/// behind what nobody has.
asio::awaitable<std::optional<resume::Verdict>> judge_upload(pg::Connection& connection,
                                                             const plan::Plan& plan,
                                                             const ledger::NewLoad& now,
                                                             Sql& before);

/// Makes the plan one of what is behind the chunks that the load has stored without a gap, with the
/// source there. Throws Failure where that is not where the upload goes on.
asio::awaitable<void> go_on_at_offset(Run& run, pg::Connection& connection, plan::Plan& plan,
                                      LoadId load);

}  // namespace sluice::load

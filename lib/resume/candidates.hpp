#pragma once

#include "pg/connection.hpp"
#include "plan/plan.hpp"
#include "resume/history.hpp"

namespace sluice::resume {

/// What the ledger knows of a source, which begins so. Fills NewLoad::short_heads.
asio::awaitable<ledger::KnownLoads> find_candidates(pg::Connection& connection,
                                                    ledger::NewLoad& now,
                                                    const std::string& beginning);

/// These as a history, with what the options say; whether the table is empty is left open. Throws
/// ledger::damaged() where the options do not have them left alone.
History history_of(const plan::Plan& plan, const ledger::NewLoad& now,
                   std::vector<ledger::KnownLoad> loads);

/// Says of those that the source may be longer than, of its file or another one, whether a run is
/// at work on them.
asio::awaitable<void> find_running(pg::Connection& connection, const ledger::NewLoad& now,
                                   std::vector<Candidate>& candidates);

}  // namespace sluice::resume

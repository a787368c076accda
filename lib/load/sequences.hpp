#pragma once

#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace sluice::load {

/// Columns that are loaded may draw their numbers from a sequence of their own where they are left
/// out: serial, identity. It knows nothing of numbers that were loaded, and gives them once more.

/// False where no column that is loaded has one, as far as the plan tells.
bool may_have_sequences(const plan::Plan& plan);

/// Those that are behind are set to go on behind what their column has in the table: never back,
/// also where others draw numbers meanwhile. `on` is in the transaction that finishes the load, in
/// our own path. Throws Failure for one that this user cannot bring that far; what is no number of
/// its sequence is a note.
asio::awaitable<void> set_sequences(const plan::Plan& plan, pg::Connection& on,
                                    std::vector<std::string>& notes);

/// Throws Failure where the user may not do that. `on` is in no transaction.
asio::awaitable<void> require_settable_sequences(const plan::Plan& plan, pg::Connection& on);

/// Of those that are behind, what to do about it, for people. An index must say what their column
/// has.
asio::awaitable<std::vector<std::string>> sequences_behind(const plan::Plan& plan,
                                                           pg::Connection& on);

}  // namespace sluice::load

#pragma once

#include "chunk/preamble.hpp"
#include "pg/pool.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// --select before the first row: the server says whether it is a list that makes one row of one
/// record, what its columns are called and whether the table takes their types; and --where beside
/// it, whether it is one condition. It is run on no record. Throws Failure(usage) in the server's
/// words.
asio::awaitable<plan::Selecting> judge_list(pg::Pool& pool, const plan::LoadOptions& options,
                                            const writer::Target& target,
                                            const chunk::Preamble& preamble);

/// --where over the table's columns, likewise: whether it is one condition, and one that COPY takes
/// where COPY is what it is given to. REQUIRES: the plan has one.
asio::awaitable<void> judge_condition(pg::Pool& pool, const plan::Plan& plan);

}  // namespace sluice::load

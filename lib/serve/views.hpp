#pragma once

#include <string>
#include <vector>

#include "pg/pool.hpp"
#include "serve/message.hpp"
#include "serve/target.hpp"
#include "serve/tokens.hpp"

/// What there is to look at beside loads: jobs, their runs, and migrations.
namespace sluice::serve {

/// Whether an address is one of these: /v1/jobs, /v1/jobs/{name}/runs, /v1/migrations.
bool is_view(const std::vector<std::string>& path);

/// They belong to no table, so they are for whom all tables are allowed. Throws Refused, PgError,
/// Failure.
asio::awaitable<Answer> view_of(pg::Pool& pool, Target target, Permission permission);

/// Whether the metrics that somebody asks for may have names of jobs: also a token that is for no
/// table at all may look, as a scraper's should be.
bool may_see_jobs_counted(const Permission& permission);

}  // namespace sluice::serve

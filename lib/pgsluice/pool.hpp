#pragma once

/// sluice::pg::Pool: connections to PostgreSQL as coroutines see them, with leases, COPY and
/// pipelines. Needs what pgsluice/async.hpp needs, and libpq.
#include "pg/copy_in.hpp"
#include "pg/pipeline.hpp"
#include "pg/pool.hpp"
#include "pgsluice/async.hpp"

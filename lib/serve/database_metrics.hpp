#pragma once

#include <optional>
#include <string>
#include <vector>

#include "jobs/history.hpp"
#include "pg/pool.hpp"

/// What GET /metrics says of the database, asked when it is scraped.
namespace sluice::serve {

/// A standby that this database sends its log to.
struct Standby {
  std::string name;     ///< its application_name
  std::string address;  ///< empty: by a socket
  std::int64_t bytes_behind = 0;
  std::string seconds_behind;  ///< as PostgreSQL writes a number; 0 where nothing is on its way
};

struct DatabaseFacts {
  bool is_up = false;
  std::vector<Standby> standbys;  ///< those whose state may be seen
  std::vector<jobs::JobEntry> jobs;
  bool shows_jobs = false;
};

/// Asks with a deadline. What cannot be known is left out: a database that is away, or does not
/// answer, is not up, and what its user may not see is not there.
asio::awaitable<DatabaseFacts> database_facts(pg::Pool& pool, bool shows_jobs);

/// Of the text format for Prometheus.
std::string text_of(const DatabaseFacts& facts);

/// The part of it about jobs.
std::string text_of_jobs(const std::vector<jobs::JobEntry>& jobs);

/// What stands in the quotes of a label.
/// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string label_value(std::string_view text);

}  // namespace sluice::serve

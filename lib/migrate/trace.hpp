#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "migrate/lock_mode.hpp"
#include "migrate/options.hpp"
#include "script/script.hpp"

namespace sluice::migrate {

/// How large a relation is.
struct Extent {
  std::optional<std::uint64_t> rows;  ///< as the planner believes; nothing: it was never analysed
  std::uint64_t bytes = 0;            ///< with its indexes
};

/// Of relations by their names with their schemas, quoted where need be.
using Extents = std::map<std::string, Extent>;

struct TracedLock {
  std::string relation;  ///< with its schema
  std::string kind;      ///< table, index, view, ...
  LockMode mode{};
  Extent extent;
};

struct TracedStatement {
  script::Place place;
  std::string excerpt;  ///< as the file has it; its first lines
  std::chrono::duration<double> duration{};
  /// Taken by it, on what was there before the file, and not held yet.
  std::vector<TracedLock> locks;
  std::vector<std::string> rewritten;  ///< "table app.t", "index app.i": it has another file
  std::vector<std::string> made;  ///< "index app.i", "constraint c of app.t (check, not valid)"
  std::vector<std::string> gone;
  /// Whom it waited for: "AccessExclusiveLock on app.t, behind process 7 (psql, idle in
  /// transaction, 3:00 min): select ..."
  std::vector<std::string> waits;
  /// Not all of it could be seen: it locks catalogs that are read for that.
  bool is_hidden = false;
};

struct TracedFile {
  const script::Script* script = nullptr;
  bool is_run = true;  ///< not of a file without a transaction, but in a scratch database
  std::vector<TracedStatement> statements;
  std::string error;  ///< of the statement behind the last one
};

/// Where files are traced.
struct TracePlace {
  bool is_scratch = false;  ///< each file is committed there
  Extents extents;          ///< of the target, where it is another one
};

/// Runs files statement by statement and looks at what each has locked and changed. On the server
/// itself it is one transaction that is rolled back, and ends with the first file that fails. No
/// statement waits longer for a lock than the lock timeout, which is set whatever a file says.
std::vector<TracedFile> trace(const std::vector<const script::Script*>& scripts,
                              const Options& options, const TracePlace& place,
                              const Listener& listener, const Stop& stop);

/// Of all tables and indexes of a database.
Extents extents_of(const Options& options, const Stop& stop);

}  // namespace sluice::migrate

#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "migrate/options.hpp"
#include "script/script.hpp"

/// One folder, and many schemas that each have all of it.
namespace sluice::migrate {

struct TenantsWish {
  std::string like;            ///< a pattern of SQL's LIKE
  std::size_t jobs = 1;        ///< how many at a time
  bool trusts_owners = false;  ///< of schemas that others could put something into
  std::string settings;        ///< of the connection: what `options` says for libpq
  std::function<Listener(const std::string& schema)> listener;  ///< called by several threads
};

/// How it went in one of them.
struct Tenant {
  enum class State { applied, nothing, failed, not_begun };
  std::string schema;
  std::string project;
  State state = State::not_begun;
  std::size_t applied = 0;  ///< files
  std::chrono::duration<double> duration{};
  FailureKind kind = FailureKind::failed;  ///< of one that failed
  std::string error;
};

/// As up() in each schema whose name is like that, but the system's and pgsluice's own, in the
/// order of their names: each has a project and a history of its own, and where one fails the
/// others go on. Files find and make things there first, and then where the connection's own
/// search_path leads. Throws Failure{usage} where there is no such schema.
std::vector<Tenant> up_tenants(const script::Folder& folder, const Options& options,
                               const TenantsWish& wish, const Stop& stop);

}  // namespace sluice::migrate

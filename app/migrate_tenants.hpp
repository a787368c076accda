#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "app/migrate_flags.hpp"
#include "app/migrate_steps.hpp"

namespace sluice::app {

inline constexpr std::size_t tenant_jobs = 4;
inline constexpr std::size_t tenant_jobs_max = 64;

/// What stands behind `up --schemas`.
struct TenantFlags {
  std::optional<std::string> like;
  std::optional<std::size_t> jobs;
  bool trusts_owners = false;
};

void add_tenants(CLI::App& up, const std::shared_ptr<TenantFlags>& tenants);

/// Applies a folder in each of the schemas, prints how it went, and gives the code of the one that
/// went worst. Throws Failure{interrupted} behind that.
MigrateOutcome up_in_schemas(const MigrateFlags& flags, const TenantFlags& given,
                             const script::Folder& folder, const migrate::Options& options,
                             const migrate::Listener& listener, const migrate::Stop& stop);

}  // namespace sluice::app

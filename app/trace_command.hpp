#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/migrate_flags.hpp"
#include "app/migrate_steps.hpp"
#include "migrate/options.hpp"
#include "script/plan.hpp"

namespace sluice::app {

/// What stands behind plan --trace.
struct TraceFlags {
  bool is_asked_for = false;
  bool is_scratch = false;
  std::string pg_dump = "pg_dump";
};

void add_plan_trace(CLI::App& plan, const std::shared_ptr<TraceFlags>& trace);

/// Of what is pending: printed, put into the outcome, and its exit code. Throws Failure{usage} for
/// flags that say nothing without --trace.
void trace_pending(const MigrateFlags& flags, const TraceFlags& trace,
                   const migrate::Options& options, const script::Plan& plan,
                   const migrate::Listener& listener, const migrate::Stop& stop,
                   MigrateOutcome& outcome);

}  // namespace sluice::app

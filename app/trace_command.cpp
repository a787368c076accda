#include "app/trace_command.hpp"

#include "app/dump_program.hpp"
#include "app/output.hpp"
#include "app/trace_output.hpp"
#include "base/failure.hpp"
#include "migrate/scratch.hpp"
#include "migrate/trace.hpp"

namespace sluice::app {
namespace {

std::vector<migrate::TracedFile> traced(const MigrateFlags& flags, const TraceFlags& trace,
                                        const migrate::Options& options,
                                        const std::vector<const script::Script*>& scripts,
                                        const migrate::Listener& listener,
                                        const migrate::Stop& stop) {
  if (!trace.is_scratch) return migrate::trace(scripts, options, {}, listener, stop);
  const migrate::TracePlace place{.is_scratch = true,
                                  .extents = migrate::extents_of(options, stop)};
  const migrate::DumpProgram dump = dump_program_of(flags, trace.pg_dump);
  std::vector<migrate::TracedFile> files;
  migrate::with_scratch(dump, options, listener, stop, [&](const std::string& conninfo) {
    migrate::Options there = options;
    there.conninfo = conninfo;
    files = migrate::trace(scripts, there, place, listener, stop);
  });
  return files;
}

}  // namespace

void add_plan_trace(CLI::App& plan, const std::shared_ptr<TraceFlags>& trace) {
  plan.add_flag("--trace", trace->is_asked_for,
                "run the files in a transaction that is rolled back, and say what each statement "
                "locks, writes anew and makes");
  plan.add_flag("--scratch", trace->is_scratch,
                "with --trace: not in the database itself, but in a new one beside it, with its "
                "schema and without its rows");
  add_pg_dump(plan, trace->pg_dump, "with --scratch: ");
}

void trace_pending(const MigrateFlags& flags, const TraceFlags& trace,
                   const migrate::Options& options, const script::Plan& plan,
                   const migrate::Listener& listener, const migrate::Stop& stop,
                   MigrateOutcome& outcome) {
  if (!trace.is_asked_for) {
    if (trace.is_scratch)
      throw Failure(FailureKind::usage, "--scratch says nothing without --trace");
    return;
  }
  std::vector<const script::Script*> scripts;
  for (const script::Status& one : plan.pending) scripts.push_back(one.script);
  const auto files = traced(flags, trace, options, scripts, listener, stop);
  if (flags.common.output == OutputFormat::text && !flags.common.quiet) {
    print_result(text_of(files));
    print_result(trace.is_scratch ? "the scratch database is dropped\n" : "all is rolled back\n");
  }
  outcome.json["trace"] = json_of(files);
  if (files.empty() || files.back().error.empty()) return;
  outcome.exit_code = exit_failed;
  outcome.message = files.back().error;
}

}  // namespace sluice::app

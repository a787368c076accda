#include "app/trace_command.hpp"

#include <array>

#include "app/output.hpp"
#include "app/trace_output.hpp"
#include "base/failure.hpp"
#include "migrate/scratch.hpp"
#include "migrate/trace.hpp"
#include "pg/conninfo.hpp"

namespace sluice::app {
namespace {

/// How another program of PostgreSQL's is told the same connection: by the environment, which
/// nobody else reads.
/// https://www.postgresql.org/docs/current/libpq-envars.html
std::vector<std::string> environment_of(const pg::ConnectOptions& connect) {
  struct Variable {
    std::string_view keyword;
    std::string_view name;
  };
  static constexpr std::array variables{Variable{"host", "PGHOST"},
                                        Variable{"hostaddr", "PGHOSTADDR"},
                                        Variable{"port", "PGPORT"},
                                        Variable{"dbname", "PGDATABASE"},
                                        Variable{"user", "PGUSER"},
                                        Variable{"password", "PGPASSWORD"},
                                        Variable{"passfile", "PGPASSFILE"},
                                        Variable{"service", "PGSERVICE"},
                                        Variable{"options", "PGOPTIONS"},
                                        Variable{"sslmode", "PGSSLMODE"},
                                        Variable{"sslrootcert", "PGSSLROOTCERT"},
                                        Variable{"sslcert", "PGSSLCERT"},
                                        Variable{"sslkey", "PGSSLKEY"},
                                        Variable{"sslcrl", "PGSSLCRL"},
                                        Variable{"requirepeer", "PGREQUIREPEER"},
                                        Variable{"channel_binding", "PGCHANNELBINDING"},
                                        Variable{"gssencmode", "PGGSSENCMODE"},
                                        Variable{"krbsrvname", "PGKRBSRVNAME"},
                                        Variable{"target_session_attrs", "PGTARGETSESSIONATTRS"},
                                        Variable{"connect_timeout", "PGCONNECT_TIMEOUT"}};
  const pg::Keywords keywords = pg::given_values(connect);
  std::vector<std::string> environment{"PGAPPNAME=pgsluice"};
  for (const Variable& variable : variables) {
    std::string value;
    for (const auto& [keyword, given] : keywords)
      if (keyword == variable.keyword) value = given;
    if (!value.empty()) environment.push_back(std::string(variable.name) + "=" + value);
  }
  return environment;
}

std::vector<migrate::TracedFile> traced(const MigrateFlags& flags, const TraceFlags& trace,
                                        const migrate::Options& options,
                                        const std::vector<const script::Script*>& scripts,
                                        const migrate::Listener& listener,
                                        const migrate::Stop& stop) {
  if (!trace.is_scratch) return migrate::trace(scripts, options, {}, listener, stop);
  const migrate::TracePlace place{.is_scratch = true,
                                  .extents = migrate::extents_of(options, stop)};
  const migrate::DumpProgram dump{.program = trace.pg_dump,
                                  .environment = environment_of(connection_of(flags))};
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
  not_empty(*plan.add_option("--pg-dump", trace->pg_dump,
                             "with --scratch: the program that reads the schema (default: pg_dump)")
                 ->option_text("PROGRAM"));
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

#include "migrate/trace.hpp"

#include "base/columns.hpp"
#include "base/failure.hpp"
#include "migrate/apply.hpp"
#include "migrate/own_transaction.hpp"
#include "migrate/traced_state.hpp"
#include "migrate/wait_watch.hpp"
#include "script/excerpt.hpp"

namespace sluice::migrate {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto extent_columns = columns_of({
    {"name", "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)"},
    {"rows", "c.reltuples::bigint::text"},
    {"bytes", "({})::bigint::text"},
});

/// Waits for who has locked the table, and no longer than that.
constexpr SqlWords exact_bytes = "coalesce(pg_catalog.pg_total_relation_size(c.oid), 0)";
constexpr SqlWords soon =
    "set local search_path = pg_catalog, pg_temp; set local lock_timeout = 500; ";
/// What was there when it was analysed last.
constexpr SqlWords believed_bytes =
    "(c.relpages + coalesce((select sum(x.relpages) from pg_catalog.pg_index i join "
    "pg_catalog.pg_class x on x.oid = i.indexrelid where i.indrelid = c.oid), 0)) * "
    "pg_catalog.current_setting('block_size')::bigint";

script::Rows extents(Session& session, SqlWords before, SqlWords bytes) {
  return session.query(
      sql("{}select {} from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = "
          "c.relnamespace where c.relkind in ('r', 'm', 'i') and n.nspname <> all "
          "(array['pg_catalog', 'information_schema', 'pg_toast'])",
          before, extent_columns.list(Sql(bytes))));
}

Extents extents_of_session(Session& session) {
  script::Rows rows;
  try {
    rows = extents(session, soon, exact_bytes);
  } catch (const SqlError& error) {
    if (error.is_lost()) throw;
    session.roll_back();
    rows = extents(session, "", believed_bytes);
  }
  Extents all;
  for (const script::Row& row : rows) {
    Extent& extent = all[row[extent_columns["name"]]];
    if (!row[extent_columns["rows"]].starts_with('-'))
      extent.rows = row.count(extent_columns["rows"]);
    extent.bytes = row.count(extent_columns["bytes"]);
  }
  return all;
}

class Tracer {
 public:
  Tracer(const Options& options, const TracePlace& place, const Listener& listener,
         const Stop& stop)
      : options_(options),
        place_(place),
        listener_(listener),
        stop_(stop),
        work_(options.conninfo, stop, options.stall_max),
        beside_(options.conninfo, stop, options.stall_max),
        process_(work_.backend()),
        state_(work_, beside_, process_) {
    // A file that locks catalogs would have it wait for what itself waits for it.
    beside_.query(sql("set lock_timeout = 500"));
  }

  std::vector<TracedFile> run(const std::vector<const script::Script*>& scripts) {
    for (const script::Script* const script : scripts) Apply::check(*script, options_.placeholders);
    std::vector<TracedFile> files;
    if (!place_.is_scratch) begin_own_transaction(work_);
    for (const script::Script* const script : scripts) {
      TracedFile& file = files.emplace_back(TracedFile{.script = script});
      file.is_run = place_.is_scratch || script->directives.in_transaction;
      if (!file.is_run) continue;
      if (listener_.begins) listener_.begins(script->path);
      try {
        trace_file(file);
      } catch (const Failure& failure) {
        if (failure.kind() == FailureKind::interrupted) throw;
        file.error = failure.what();
        break;
      }
    }
    work_.roll_back();
    add_extents(files);
    return files;
  }

 private:
  void trace_file(TracedFile& file) {
    const script::Script& script = *file.script;
    const bool is_whole = script.directives.in_transaction;
    if (place_.is_scratch) state_.forget();
    if (place_.is_scratch && is_whole) begin_own_transaction(work_);
    const script::Secrets secrets = script::secrets_of(script, options_.placeholders);
    const auto each = [&](const script::Stretch& stretch, std::size_t unit,
                          const std::function<void()>& run) {
      limit_waits();
      TracedStatement statement{.place = stretch.units[unit].place};
      if (const auto written = stretch.written_unit(unit))
        statement.excerpt = std::string(written->substr(0, written->find('\n')));
      WaitWatch waits(beside_, process_);
      const auto began = Clock::now();
      try {
        run();
      } catch (const SqlError&) {
        statement.waits = waits.end();
        file.statements.push_back(std::move(statement));
        throw;
      }
      statement.duration = Clock::now() - began;
      statement.waits = waits.end();
      state_.look(statement);
      file.statements.push_back(std::move(statement));
    };
    Apply(work_, options_, secrets, listener_, stop_).rehearse_units(script, each);
    if (place_.is_scratch && is_whole) work_.query(sql("commit"));
  }

  /// Also where a file has taken the limit away.
  void limit_waits() {
    const auto limit =
        options_.lock_timeout.count() > 0 ? options_.lock_timeout : limits::migration_lock_timeout;
    work_.query_in_user_path(
        sql("select case when pg_catalog.current_setting('lock_timeout') operator(pg_catalog.=) "
            "'0'::pg_catalog.text then pg_catalog.set_config('lock_timeout', {}, false) end",
            literal(std::to_string(limit.count()))));
  }

  void add_extents(std::vector<TracedFile>& files) {
    const Extents all = place_.is_scratch ? place_.extents : extents_of_session(beside_);
    for (TracedFile& file : files) {
      for (TracedStatement& statement : file.statements) {
        for (TracedLock& lock : statement.locks) {
          const auto found = all.find(lock.relation);
          lock.extent = found == all.end() ? Extent{} : found->second;
        }
      }
    }
  }

  const Options& options_;
  const TracePlace& place_;
  const Listener& listener_;
  const Stop& stop_;
  Session work_;
  Session beside_;
  int process_;
  TracedState state_;
};

}  // namespace

std::vector<TracedFile> trace(const std::vector<const script::Script*>& scripts,
                              const Options& options, const TracePlace& place,
                              const Listener& listener, const Stop& stop) {
  return Tracer(options, place, listener, stop).run(scripts);
}

Extents extents_of(const Options& options, const Stop& stop) {
  Session session(options.conninfo, stop, options.stall_max);
  return extents_of_session(session);
}

}  // namespace sluice::migrate

#include "app/run_load.hpp"

#include "app/progress_printer.hpp"
#include "app/sniffed.hpp"
#include "async/run_beside.hpp"
#include "base/exit_code.hpp"
#include "base/path_text.hpp"
#include "ledger/run_lock.hpp"
#include "load/load.hpp"
#include "source/stdin.hpp"

namespace sluice::app {
namespace {

/// A record that was refused is the end of a budget wherever one is named, --max-rejects 0 too, and
/// whatever is wrong with the record: whoever runs loads by themselves is to know that the same
/// again ends the same.
int exit_code_of_load(const Failure& failure, const rejects::RejectLimits& limits, int signal) {
  const bool is_budget = failure.kind() == FailureKind::bad_record && limits.is_given();
  return exit_code_of(is_budget ? FailureKind::budget : failure.kind(), signal);
}

/// As if the server had said it.
std::optional<std::string> state_of(const Failure& failure) {
  if (failure.kind() != FailureKind::denied) return std::nullopt;
  return std::string(sql_state::insufficient_privilege);
}

/// Too few or too many values, where the table's columns are taken for the file's.
std::string advice_for(const load::BadRecord& error, const plan::LoadOptions& options) {
  const bool is_by_position = options.header != plan::HeaderMode::match && options.columns.empty();
  if (!is_by_position || !error.reject().ragged) return {};
  return "\n  Without --columns a file has all columns of the table, in its order; --columns a,b "
         "says which it has";
}

void tell_of_server(const pg::PgError& error, const LoadFlags& flags, report::Ending& ending) {
  ending.message = error.full();
  if (!error.state.empty()) ending.sql_state = error.state.code();
  ending.exit_code = error.phase == pg::Phase::connect ? exit_connect : exit_failed;
  const bool names_encoding = !flags.load.encoding.empty();
  const bool does_not_fit = error.state == sql_state::character_not_in_repertoire ||
                            error.state == sql_state::untranslatable_character;
  if (names_encoding && does_not_fit) {
    ending.message = ending.path + ": " + ending.message + " (see --encoding)";
  } else if (!names_encoding && error.state == sql_state::untranslatable_character) {
    // Values are sent in the file's encoding, and a record is named where they do not fit.
    ending.message =
        ending.path + ": " + ending.message +
        "\n  The database's encoding cannot hold the name of this file, of its folder or of the "
        "table; a file is loaded without its name by pgsluice load - --table T < FILE, or under "
        "another name.";
    ending.exit_code = exit_usage;
  }
}

/// Runs the load and keeps the printer running beside it.
asio::awaitable<void> run_and_follow(load::Load& load, ProgressPrinter& printer) {
  async::TaskGroup beside(co_await asio::this_coro::executor);
  beside.spawn(printer.follow(load));
  asio::awaitable<void> run = load.run();
  co_await async::run_beside(std::move(run), beside);
}

}  // namespace

report::Ending run_one(Runtime& runtime, const LoadFlags& flags, const plan::LoadOptions& options) {
  load::Load load(runtime.resources(), options);
  ProgressPrinter printer(flags.progress, flags.common.quiet, flags.common.verbose);
  if (options.dry_run) printer.leave_plan_out();
  if (options.use_ledger && !options.check) printer.expect_entry();
  runtime.on_signal([&load] { load.stop(); }, [&load] { load.cancel(); });
  std::exception_ptr failed;
  try {
    runtime.run(run_and_follow(load, printer));
  } catch (...) {
    failed = std::current_exception();
  }
  runtime.on_signal({}, {});
  printer.finish(load);
  return ending_of(failed, runtime, flags, options, load);
}

report::Ending ending_of(const std::exception_ptr& failed, const Runtime& runtime,
                         const LoadFlags& flags, const plan::LoadOptions& options,
                         const load::Load& load) {
  report::Ending ending{.report = load.report(),
                        .path = options.path,
                        .table = options.table,
                        .exit_code = 0,
                        .message = {},
                        .sql_state = {},
                        .bad_record = {},
                        .is_held = false};
  bool may_be_misread = false;
  try {
    if (failed) std::rethrow_exception(failed);
  } catch (const load::BadRecord& error) {
    may_be_misread = true;
    ending.bad_record = error;
    ending.message = error.what() + advice_for(error, options);
    ending.sql_state = error.reject().sql_state;
    ending.exit_code = exit_code_of_load(error, options.rejects, 0);
  } catch (const ledger::LoadIsHeld& error) {
    ending.message = error.what();
    ending.exit_code = exit_held;
    ending.is_held = true;
  } catch (const Failure& error) {
    may_be_misread = error.kind() == FailureKind::usage;
    ending.message = error.what();
    ending.sql_state = state_of(error);
    ending.exit_code = exit_code_of_load(error, options.rejects, runtime.signal());
  } catch (const pg::PgError& error) {
    tell_of_server(error, flags, ending);
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    ending.message = "interrupted";
    ending.exit_code = exit_code_of(FailureKind::interrupted, runtime.signal());
  }
  if (may_be_misread && ending.report.total.rows() == 0 && !flags.finds_dialect)
    ending.message += dialect_advice(flags, options, ending.message);
  if (ending.exit_code == exit_ok && ending.report.rows_rejected > 0 &&
      ending.report.status != load::LoadReport::Status::nothing_to_do)
    ending.exit_code = exit_rejected;
  return ending;
}

report::Ending ending_of(const Failure& failure, const std::string& path,
                         const std::string& table) {
  load::LoadReport report;
  if (const auto* source = dynamic_cast<const source::Unreadable*>(&failure))
    report.unreadable = source->why();
  return {.report = std::move(report),
          .path = path,
          .table = table,
          .exit_code = exit_code_of(failure.kind(), 0),
          .message = failure.what(),
          .sql_state = state_of(failure),
          .bad_record = {},
          .is_held = false};
}

std::string name_of_file(const std::string& path) {
  return path == "-" ? source::name_of_stdin() : text_of_path(path);
}

void name_file(report::Ending& ending) {
  const std::string name = name_of_file(ending.path);
  if (ending.message.empty() || ending.message.contains(name) ||
      ending.message.contains(ending.path))
    return;
  ending.message.insert(0, name + ": ");
}

}  // namespace sluice::app

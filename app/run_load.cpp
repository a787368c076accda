#include "app/run_load.hpp"

#include "app/progress_printer.hpp"
#include "async/run_beside.hpp"
#include "base/exit_code.hpp"
#include "load/load.hpp"

namespace sluice::app {
namespace {

/// Runs the load and keeps the printer running beside it.
asio::awaitable<void> run_and_follow(load::Load& load, ProgressPrinter& printer) {
  async::TaskGroup beside(co_await asio::this_coro::executor);
  beside.spawn(printer.follow(load));
  asio::awaitable<void> run = load.run();
  co_await async::run_beside(std::move(run), beside);
}

}  // namespace

report::Ending run_one(Runtime& runtime, const LoadFlags& flags, plan::LoadOptions options) {
  report::Ending ending{.report = {},
                        .path = options.path,
                        .table = options.table,
                        .exit_code = 0,
                        .message = {},
                        .sql_state = {},
                        .bad_record = {}};
  load::Load load(runtime.resources(), std::move(options));
  ProgressPrinter printer(flags.progress, flags.common.quiet, flags.common.verbose);
  runtime.on_signal([&load] { load.stop(); }, [&load] { load.cancel(); });
  try {
    runtime.run(run_and_follow(load, printer));
  } catch (const load::BadRecord& error) {
    ending.bad_record = error;
    ending.message = error.what();
    ending.sql_state = error.reject().sql_state;
    ending.exit_code = exit_code_of(error.kind(), 0);
  } catch (const Failure& error) {
    ending.message = error.what();
    ending.exit_code = exit_code_of(error.kind(), runtime.signal());
  } catch (const pg::PgError& error) {
    ending.message = error.full();
    // What is sent does not fit the encoding that the flag names.
    if (!flags.common.connect.client_encoding.empty() &&
        (error.state == sql_state::character_not_in_repertoire ||
         error.state == sql_state::untranslatable_character))
      ending.message = ending.path + ": " + ending.message + " (see --encoding)";
    if (!error.state.empty()) ending.sql_state = error.state.code();
    ending.exit_code = error.phase == pg::Phase::connect ? exit_connect : exit_failed;
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    ending.message = "interrupted";
    ending.exit_code = exit_code_of(FailureKind::interrupted, runtime.signal());
  }
  runtime.on_signal({}, {});
  printer.finish(load);
  ending.report = load.report();
  if (ending.exit_code == exit_ok && ending.report.rows_rejected > 0 &&
      ending.report.status != load::LoadReport::Status::nothing_to_do)
    ending.exit_code = exit_rejected;
  return ending;
}

report::Ending ending_of(const Failure& failure, const std::string& path,
                         const std::string& table) {
  return {.report = {},
          .path = path,
          .table = table,
          .exit_code = exit_code_of(failure.kind(), 0),
          .message = failure.what(),
          .sql_state = {},
          .bad_record = {}};
}

}  // namespace sluice::app

#include "app/schedule_run.hpp"

#include <unistd.h>

#include <algorithm>

#include "app/hangup.hpp"
#include "app/log_line.hpp"
#include "app/metrics_file.hpp"
#include "app/output.hpp"
#include "app/signals.hpp"
#include "base/exit_code.hpp"
#include "jobs/handed.hpp"
#include "jobs/scheduler.hpp"
#include "pg/conninfo.hpp"

namespace sluice::app {
namespace {

/// The log's clock is this machine's; slots are the database's.
void print(const jobs::Event& event) {
  LogLine line{.event = event.what, .details = {}, .words = {}, .message = event.message};
  if (!event.project.empty()) line.details["project"] = event.project;
  if (!event.job.empty()) {
    line.details["job"] = event.job;
    line.words = event.job + " ";
  }
  if (event.slot) {
    line.details["slot"] = schedule::format_utc(*event.slot);
    line.words += "(" + schedule::format_utc(*event.slot) + ") ";
  }
  line.words += event.what;
  print_log_line(line);
}

jobs::Reach reach_of(const pg::ConnectOptions& connect) {
  const std::string conninfo = pg::given_conninfo(connect);
  if (conninfo.empty()) return {};
  return {.environment = {std::string(jobs::handed_connection) + "=" + conninfo}};
}

/// The command while it runs: its scheduler and the signals that it hears.
class ScheduleRun {
 public:
  explicit ScheduleRun(const ScheduleFlags& flags)
      : flags_(flags), io_(1), signals_(io_), hangup_(io_), log_([this](const jobs::Event& event) {
          ++events_;
          print(event);
        }) {}

  int run() {
    jobs::Config config = read_jobs(flags_.config, flags_.project);
    const pg::ConnectOptions connect = connection_of(flags_, config.dbname);
    jobs::SchedulerOptions options{.once = flags_.once,
                                   .wait = flags_.wait.value_or(limits::server_wait_of_scheduler),
                                   .loads = reach_of(connect),
                                   .migrations = {},
                                   .log = log_};
    options.migrations =
        config.migrate_url.empty() ? options.loads : reach_of({.dbname = config.migrate_url});
    if (!flags_.metrics_file.empty()) require_metrics_file(flags_.metrics_file);
    pg::Pool pool(io_.get_executor(), connect, 2);
    config_ = config;
    jobs::Scheduler scheduler(io_.get_executor(), pool, std::move(config), std::move(options));
    scheduler_ = &scheduler;
    // The scheduler has its own grace period, the configuration's.
    signals_.listen({.soon = [this] { stop(); }, .now = [this] { scheduler_->cancel(); }}, {});
    hangup_.listen([this] { reload(); });
    std::exception_ptr failed;
    const auto on_end = [&](const std::exception_ptr& error) {
      failed = error;
      signals_.end();
      hangup_.end();
      measuring_.emit(asio::cancellation_type::terminal);
    };
    asio::co_spawn(io_, scheduler.run(), on_end);
    if (!flags_.metrics_file.empty())
      asio::co_spawn(io_, measure_always(pool),
                     asio::bind_cancellation_slot(measuring_.slot(), asio::detached));
    io_.run();
    if (!failed && !flags_.metrics_file.empty()) measure_at_the_end(pool);
    if (failed) std::rethrow_exception(failed);
    // A person may wonder; a log of each minute need not say it.
    if (flags_.once && events_ == 0 && ::isatty(STDERR_FILENO) != 0)
      print_note("no job is due (a new one has missed nothing); schedule check says when they are");
    if (scheduler.interruptions() > 0 && signals_.number() != 0)
      return exit_signal + signals_.number();
    return flags_.once && scheduler.failures() > 0 ? exit_failed : exit_ok;
  }

 private:
  void stop() {
    log_({"stopping", "", "", {}, "no new slot; what runs has its grace period (again: at once)"});
    scheduler_->stop();
  }

  /// A configuration that is wrong leaves the one before it in force. The connection stays.
  void reload() {
    try {
      config_ = read_jobs(flags_.config, flags_.project);
      scheduler_->reload(config_);
      log_({"reloaded", "", "", {}, flags_.config});
    } catch (const Failure& failure) {
      log_({"not reloaded", "", "", {}, failure.what()});
    }
  }

  /// What cannot be written is said once, until it can be.
  asio::awaitable<void> measure(pg::Pool& pool) {
    try {
      const std::string text = co_await job_metrics(pool, config_, flags_.late_after);
      write_metrics_file(flags_.metrics_file, text);
      is_measured_ = true;
    } catch (const pg::PgError&) {
      // The file gets old, which is seen by its time.
    } catch (const Failure& failure) {
      if (std::exchange(is_measured_, false)) log_({"metrics", "", "", {}, failure.what()});
    }
  }

  asio::awaitable<void> measure_always(pg::Pool& pool) {
    for (;;) {
      co_await async::sleep_for(std::exchange(is_first_, false) ? std::chrono::seconds(1)
                                                                : limits::job_metrics_every);
      co_await measure(pool);
    }
  }

  /// The last word of what was run now and then; a database that does not answer is not waited for.
  void measure_at_the_end(pg::Pool& pool) {
    asio::cancellation_signal end;
    asio::steady_timer patience(io_, limits::job_last_word * 4);
    patience.async_wait([&end](boost::system::error_code error) {
      if (!error) end.emit(asio::cancellation_type::terminal);
    });
    const auto on_end = [&patience](const std::exception_ptr&) { patience.cancel(); };
    asio::co_spawn(io_, measure(pool), asio::bind_cancellation_slot(end.slot(), on_end));
    io_.restart();
    io_.run();
  }

  const ScheduleFlags& flags_;
  asio::io_context io_;
  jobs::Config config_;
  asio::cancellation_signal measuring_;
  bool is_measured_ = true;
  bool is_first_ = true;
  Signals signals_;
  Hangup hangup_;
  std::size_t events_ = 0;
  std::function<void(const jobs::Event&)> log_;
  jobs::Scheduler* scheduler_ = nullptr;
};

}  // namespace

pg::ConnectOptions connection_of(const ScheduleFlags& flags, const std::string& dbname) {
  pg::ConnectOptions connect = flags.common.connect;
  if (connect.dbname.empty()) connect.dbname = dbname;
  return connect;
}

jobs::Config read_jobs(const std::string& path, const std::optional<std::string>& project,
                       jobs::ConfigUse use) {
  jobs::Config config = jobs::read_config(path, jobs::process_environment(), use);
  if (project) require_utf8("--project", *project);
  jobs::set_project(config, project ? given_project(*project, "--project") : config.project);
  for (const jobs::Job& job : config.jobs) {
    // As the scheduler calls it: with files, and with its connection in the environment.
    std::vector<std::string> arguments = job.command.arguments;
    arguments.emplace_back("--");
    std::ranges::copy(job.command.files, std::back_inserter(arguments));
    std::ranges::copy(job.command.patterns, std::back_inserter(arguments));
    std::ranges::copy(job.command.remotes, std::back_inserter(arguments));
    std::ranges::copy(job.command.lists, std::back_inserter(arguments));
    if (const auto wrong = wrong_arguments(arguments))
      throw Failure(FailureKind::usage, job.place + ": job \"" + job.name + "\": " + *wrong);
  }
  return config;
}

int run_schedule(const ScheduleFlags& flags) { return ScheduleRun(flags).run(); }

}  // namespace sluice::app

#include "app/schedule_run.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/exit_code.hpp"
#include "jobs/scheduler.hpp"
#include "pg/conninfo.hpp"

namespace sluice::app {
namespace {

std::string utc(schedule::Instant instant) {
  static const auto zone = schedule::TimeZone::find("UTC");
  return zone->format(instant).substr(0, 19) + "Z";
}

/// A line an event. The log's clock is this machine's; slots are the database's.
void print(OutputFormat format, const jobs::Event& event) {
  const std::string time =
      utc(std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
  if (format == OutputFormat::json) {
    nlohmann::ordered_json json{{"time", time}, {"event", event.what}};
    if (!event.job.empty()) json["job"] = event.job;
    if (event.slot) json["slot"] = utc(*event.slot);
    if (!event.message.empty()) json["message"] = event.message;
    std::cerr << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
    return;
  }
  std::cerr << time;
  if (!event.job.empty()) std::cerr << " " << event.job;
  if (event.slot) std::cerr << " (" << utc(*event.slot) << ")";
  std::cerr << " " << event.what << (event.message.empty() ? "" : ": " + event.message)
            << std::endl;
}

jobs::Reach reach_of(const pg::ConnectOptions& connect) {
  const pg::PublicConninfo there = pg::public_conninfo(connect);
  jobs::Reach reach{.arguments = {"-d", there.conninfo}, .environment = {}};
  if (!there.password.empty()) reach.environment.push_back("PGPASSWORD=" + there.password);
  return reach;
}

/// The command while it runs: its scheduler and the signals that it hears.
class ScheduleRun {
 public:
  explicit ScheduleRun(const ScheduleFlags& flags)
      : flags_(flags),
        io_(1),
        signals_(io_, SIGINT, SIGTERM, SIGHUP),
        log_([this](const jobs::Event& event) { print(flags_.log, event); }) {}

  int run() {
    jobs::Config config = jobs::read_config(flags_.config, jobs::process_environment());
    const pg::ConnectOptions connect = connection_of(flags_, config.dbname);
    jobs::SchedulerOptions options{
        .once = flags_.once, .loads = reach_of(connect), .migrations = {}, .log = log_};
    options.migrations =
        config.migrate_url.empty() ? options.loads : reach_of({.dbname = config.migrate_url});
    pg::Pool pool(io_.get_executor(), connect, 2);
    jobs::Scheduler scheduler(io_.get_executor(), pool, std::move(config), std::move(options));
    scheduler_ = &scheduler;
    wait_for_signal();
    std::exception_ptr failed;
    const auto on_end = [&](const std::exception_ptr& error) {
      failed = error;
      signals_.cancel();
    };
    asio::co_spawn(io_, scheduler.run(), on_end);
    io_.run();
    if (failed) std::rethrow_exception(failed);
    if (scheduler.interruptions() > 0 && signal_ != 0) return exit_signal + signal_;
    return flags_.once && scheduler.failures() > 0 ? exit_failed : exit_ok;
  }

 private:
  void wait_for_signal() {
    const auto on_signal = [this](boost::system::error_code error, int number) {
      if (error) return;
      hear(number);
      wait_for_signal();
    };
    signals_.async_wait(on_signal);
  }

  void hear(int number) {
    if (number == SIGHUP) {
      reload();
    } else if (signal_ == 0) {
      signal_ = number;
      log_({"stopping", "", {}, "no new slot; what runs has its grace period (again: at once)"});
      scheduler_->stop();
    } else {
      scheduler_->cancel();
    }
  }

  /// A configuration that is wrong leaves the one before it in force. The connection stays.
  void reload() {
    try {
      scheduler_->reload(jobs::read_config(flags_.config, jobs::process_environment()));
      log_({"reloaded", "", {}, flags_.config});
    } catch (const Failure& failure) {
      log_({"not reloaded", "", {}, failure.what()});
    }
  }

  const ScheduleFlags& flags_;
  asio::io_context io_;
  asio::signal_set signals_;
  std::function<void(const jobs::Event&)> log_;
  jobs::Scheduler* scheduler_ = nullptr;
  int signal_ = 0;
};

}  // namespace

pg::ConnectOptions connection_of(const ScheduleFlags& flags, const std::string& dbname) {
  pg::ConnectOptions connect = flags.common.connect;
  if (connect.dbname.empty()) connect.dbname = dbname;
  return connect;
}

int run_schedule(const ScheduleFlags& flags) { return ScheduleRun(flags).run(); }

}  // namespace sluice::app

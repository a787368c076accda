#include "app/load_files.hpp"

#include "app/after_files.hpp"
#include "app/command_files.hpp"
#include "app/file_endings.hpp"
#include "app/file_options.hpp"
#include "app/file_queue.hpp"
#include "app/output.hpp"
#include "app/run_load.hpp"
#include "app/side_by_side.hpp"
#include "async/time.hpp"
#include "base/exit_code.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"
#include "pg/await_server.hpp"
#include "source/buckets.hpp"

namespace sluice::app {
namespace {

/// And twice that, and so on, up to limits::join_poll.
constexpr std::chrono::milliseconds join_poll_first{20};

/// Nothing where the server is there, or is not waited for; else the ending of the command.
std::optional<report::Ending> wait_for_server(Runtime& runtime, const LoadFlags& flags,
                                              std::chrono::milliseconds patience) {
  if (patience <= std::chrono::milliseconds::zero()) return std::nullopt;
  const bool is_quiet = flags.common.quiet;
  const auto say = [is_quiet](const std::string& why) {
    if (!is_quiet) print_note(why);
  };
  std::optional<Failure> failed;
  runtime.end_on_signal();
  try {
    pg::ServerWait wait{.patience = patience, .say = say, .writes = true};
    runtime.run(pg::await_server(runtime.pool(), std::move(wait)));
  } catch (const pg::PgError& error) {
    failed.emplace(FailureKind::connect, error.full());
  } catch (const boost::system::system_error&) {
    if (runtime.signal() == 0) throw;
    failed.emplace(FailureKind::interrupted, "interrupted; nothing was stored");
  }
  runtime.on_signal({}, {});
  if (!failed) return std::nullopt;
  report::Ending ending = ending_of(*failed, flags.files.front(), flags.load.table);
  ending.exit_code = exit_code_of(failed->kind(), runtime.signal());
  return ending;
}

/// The loads of a command, one after the other but for small ones.
class Files {
 public:
  Files(const LoadFlags& flags, const MoreFiles& more, report::Several& several)
      : flags_(flags),
        wait_(more.wait),
        after_(AfterLoad::parse(more.after)),
        files_(flags, more, after_, options_of(flags), several),
        runtime_(connection_of(flags)),
        file_options_(runtime_, flags),
        after_files_(flags, files_, after_),
        endings_(flags, more, files_, after_files_, runtime_, several),
        queue_(files_, file_options_, endings_),
        side_by_side_(runtime_, flags, more, files_, file_options_, endings_, queue_) {
    runtime_.also_end([&flags] { flags.load.unpack.buckets->stop(); });
  }

  int run() {
    std::optional<report::Ending> in_front = wait_for_server(runtime_, flags_, wait_);
    if (!in_front) in_front = look_at_files();
    if (in_front) {
      endings_.take_in_front(std::move(*in_front));
    } else {
      load_all();
    }
    return endings_.tell_all();
  }

 private:
  void load_all() {
    side_by_side_.find_known_objects();
    while (!queue_.is_empty() && !endings_.is_over()) {
      const std::size_t end = queue_.end_of_small();
      if (end - queue_.next() > 1) {
        side_by_side_.load_until(end);
      } else {
        side_by_side_.find_known_members();
        load_alone(queue_.take_next());
      }
    }
    join_others();
  }

  /// What other commands have is theirs, until they have loaded it or let go of it.
  void join_others() {
    int polls = 0;
    for (bool is_told = false; queue_.left() > 0 && !endings_.is_over();) {
      const std::vector<std::size_t> files = queue_.take_left();
      for (const std::size_t file : files) {
        if (endings_.is_over()) return;
        load_alone(file);
      }
      if (queue_.left() < files.size() || endings_.is_over()) continue;
      if (!is_told && !flags_.common.quiet)
        print_note(
            files.size() == 1
                ? "1 file is being loaded by another command; waiting for it (--join)"
                : std::to_string(files.size()) +
                      " files are being loaded by other commands; waiting for them (--join)");
      is_told = true;
      wait_a_moment(std::min(limits::join_poll, join_poll_first * (1 << std::min(polls++, 8))));
    }
  }

  /// Of a file that another command has, this one may have stored parts.
  void tell_help(const load::LoadReport& report, std::size_t file) const {
    if (report.segments == 0 || flags_.common.quiet) return;
    print_note(files_.name(file) + ": " + format_count(report.now.rows()) +
               (report.now.rows() == 1 ? " row" : " rows") + " of load " +
               std::to_string(report.load->value) + " stored by this command (--join)");
  }

  void wait_a_moment(std::chrono::milliseconds time) {
    runtime_.end_on_signal();
    try {
      runtime_.run(async::sleep_for(time));
    } catch (const boost::system::system_error&) {
      if (runtime_.signal() == 0) throw;
    }
    runtime_.on_signal({}, {});
  }

  void load_alone(std::size_t file) {
    if (!endings_.may_begin(file) || queue_.take_known(file)) return;
    load_as_found(file);
  }

  plan::LoadOptions options_for(std::size_t file) const {
    return files_.options_of(file, endings_.have_rows());
  }

  /// What all files decide together.
  std::optional<report::Ending> look_at_files() {
    if (!flags_.create.is_given()) return std::nullopt;
    std::vector<plan::LoadOptions> all;
    for (std::size_t file = 0; file < files_.size(); ++file) all.push_back(options_for(file));
    try {
      file_options_.prepare(std::move(all));
      return std::nullopt;
    } catch (const Failure& failure) {
      return endings_.ending_in_front(failure, files_.name(0));
    }
  }

  void load_as_found(std::size_t file) {
    plan::LoadOptions options = options_for(file);
    try {
      options = file_options_.of(file, options);
    } catch (const Failure& failure) {
      return endings_.take(file, endings_.ending_in_front(failure, files_.name(file)));
    } catch (const pg::PgError&) {
      // The load says what is wrong with the table.
    }
    report::Ending ending = run_one(runtime_, flags_, options);
    if (options.joins() && ending.exit_code == exit_held && !endings_.is_over()) {
      tell_help(ending.report, file);
      return queue_.leave(file);
    }
    const bool is_made = options.makes && options.makes->came_meanwhile;
    if (!is_made || !flags_.create.takes_any_table()) return endings_.take(file, std::move(ending));
    if (std::optional<report::Ending> failed = look_at_files()) return endings_.take(file, *failed);
    // What is there by this name may be no table.
    if (!file_options_.has_table()) return endings_.take(file, std::move(ending));
    load_as_found(file);
  }

  const LoadFlags& flags_;
  std::chrono::milliseconds wait_;
  AfterLoad after_;
  CommandFiles files_;  ///< a signal ends the command while they are looked for
  Runtime runtime_;
  FileOptions file_options_;
  AfterFiles after_files_;
  FileEndings endings_;
  FileQueue queue_;
  SideBySide side_by_side_;
};

/// What the table of several files says as well.
bool is_told_by_table(const report::Ending& ending) {
  const load::LoadReport& r = ending.report;
  return ending.message.empty() && r.status == load::LoadReport::Status::nothing_to_do &&
         r.rows_rejected == 0 && !r.plan.truncates;
}

/// "trips.csv: " of what does not say it itself.
std::string name_in_front(const report::Ending& ending) {
  using Status = load::LoadReport::Status;
  const Status status = ending.report.status;
  if (status != Status::stored && status != Status::nothing_to_do) return {};
  return cell(name_of_file(ending.path)) + ": ";
}

}  // namespace

void print_ending(const report::Ending& ending, bool quiet, bool names_file) {
  if (names_file && is_told_by_table(ending)) return;
  std::string text = text_of(ending);
  if (ending.message.empty()) {
    if (names_file) text.insert(0, name_in_front(ending));
    if (!quiet) print_result(text);
    return;
  }
  print_error(ending.message);
  print_log(text);
}

int load_files(const LoadFlags& flags, const MoreFiles& more, report::Several& several) {
  return Files(flags, more, several).run();
}

}  // namespace sluice::app

#include "app/load_files.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>
#include <utility>

#include "app/after_load.hpp"
#include "app/file_options.hpp"
#include "app/inputs.hpp"
#include "app/output.hpp"
#include "app/progress_printer.hpp"
#include "app/run_load.hpp"
#include "async/run_beside.hpp"
#include "base/exit_code.hpp"
#include "base/path_text.hpp"
#include "load/known_files.hpp"
#include "load/together.hpp"
#include "pg/await_server.hpp"
#include "writer/guard.hpp"

namespace sluice::app {
namespace {

bool is_loaded(const report::Ending& ending) {
  return ending.exit_code == exit_ok || ending.exit_code == exit_rejected;
}

/// Nothing where the server is there, or is not waited for; else the ending of the command.
std::optional<report::Ending> await_server(Runtime& runtime, const LoadFlags& flags,
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

bool is_there(const std::string& path) {
  std::error_code error;
  return path == "-" || std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

class Files {
 public:
  Files(const LoadFlags& flags, const MoreFiles& more, report::Several& several)
      : flags_(flags),
        more_(more),
        several_(several),
        after_(AfterLoad::parse(more.after)),
        options_(options_of(flags)),
        runtime_(connection_of(flags)),
        file_options_(runtime_, flags) {
    if (after_.what != AfterLoad::What::keep && flags.limit) {
      throw Failure(FailureKind::usage,
                    "--after " + more.after +
                        " with --limit: the file would be gone, and what is behind the limit in "
                        "no table; leave one of them out");
    }
    inputs_ = inputs_of(without_rejects(flags, files_of(flags), several.left_out), options_.unpack);
    after_.check_inputs(inputs_, more.after);
    if (options_.deletes() && inputs_.size() > 1) {
      throw Failure(FailureKind::usage,
                    std::string(options_.delete_missing ? "--delete-missing" : "--replace") +
                        " with several files would delete the rows of the one before: load them "
                        "one by one, or as one file");
    }
    for (const Input& input : inputs_) several_.files.push_back(input.shown());
    // What a folder or a pattern has named was there when it was looked through.
    for (const Input& input : inputs_) {
      const bool is_named = std::ranges::find(flags.files, input.path) != flags.files.end();
      was_there_.push_back(!is_named || is_there(input.path));
    }
    shared_.side_by_side =
        options_.jobs > 0 ? options_.jobs
                          : std::clamp<std::size_t>(2 * std::thread::hardware_concurrency(), 4, 8);
  }

  int run() {
    std::optional<report::Ending> in_front = await_server(runtime_, flags_, more_.wait);
    if (!in_front) in_front = look_at_files();
    if (in_front) {
      if (!files().empty()) in_front->path = files().front();
      print(*in_front);
      exit_code_ = in_front->exit_code;
      endings_.push_back(std::move(*in_front));
    } else {
      endings_.resize(files().size());
      while (next_ < files().size() && !is_over()) {
        const std::size_t end = end_of_small(next_);
        if (end - next_ > 1) {
          load_side_by_side(end);
        } else {
          find_known_members();
          load_alone(next_++);
        }
      }
    }
    for (std::optional<report::Ending>& ending : endings_)
      if (ending) several_.endings.push_back(std::move(*ending));
    tell_interruption();
    return exit_code_;
  }

 private:
  const std::vector<std::string>& files() const { return several_.files; }

  /// No other file is begun. A load that a signal has stopped may have ended well all the same.
  bool is_over() const { return is_over_ || runtime_.signal() != 0; }

  void tell_interruption() {
    const std::size_t over = several_.endings.size() + several_.taken.size();
    const std::size_t left = files().size() - std::min(over, files().size());
    if (runtime_.signal() == 0 || left == 0) return;
    exit_code_ = worse(exit_code_, exit_code_of(FailureKind::interrupted, runtime_.signal()));
    if (flags_.common.output == OutputFormat::text) {
      print_error("interrupted: " + std::to_string(left) + " of " + std::to_string(files().size()) +
                  " files were not begun; the same command goes on with them");
    }
  }

  /// Where the order of files, or what is theirs together, decides what comes of them, they go one
  /// after the other.
  bool may_go_side_by_side() const {
    const plan::LoadOptions& o = options_;
    return file_options_.may_go_side_by_side() && o.on_conflict == writer::OnConflict::error &&
           !o.truncate && !o.check && !o.dry_run && !o.defer_indexes && !o.is_all_or_nothing() &&
           !o.after_sql && !o.set_sequences && !o.bytes_per_second_max && !o.rows_per_second_max &&
           o.rejects_path.empty() && o.use_ledger;
  }

  /// The files from `begin` on that are one chunk each.
  std::size_t end_of_small(std::size_t begin) const {
    std::size_t end = begin;
    if (!may_go_side_by_side()) return end;
    for (; end < files().size(); ++end) {
      const Input& input = inputs_[end];
      std::error_code error;
      const bool is_file = std::filesystem::is_regular_file(input.path, error);
      if (!is_file || input.member) return end;
      if (std::filesystem::file_size(input.path, error) > small_bytes_max(input.path) || error)
        return end;
    }
    return end;
  }

  plan::LoadOptions options_for(std::size_t file) const {
    plan::LoadOptions options = options_;
    options.path = inputs_[file].path;
    options.unpack.member = inputs_[file].member;
    if (inputs_[file].archive) options.unpack.shelf = inputs_[file].archive->shelf;
    options.more_follows = file + 1 < files().size();
    options.others_stored =
        options.analyze && !options.more_follows &&
        std::ranges::any_of(endings_, [](const std::optional<report::Ending>& ending) {
          return ending && ending->report.now.rows() > 0;
        });
    return options;
  }

  /// What all files decide together.
  std::optional<report::Ending> look_at_files() {
    std::vector<plan::LoadOptions> all;
    for (std::size_t file = 0; file < files().size(); ++file) all.push_back(options_for(file));
    try {
      file_options_.prepare(std::move(all));
      return std::nullopt;
    } catch (const Failure& failure) {
      return ending_in_front(failure, files().front());
    }
  }

  report::Ending ending_in_front(const Failure& failure, const std::string& path) const {
    report::Ending ending = ending_of(failure, path, options_.table);
    ending.exit_code = exit_code_of(failure.kind(), runtime_.signal());
    return ending;
  }

  void load_as_found(std::size_t file) {
    plan::LoadOptions options = options_for(file);
    try {
      options = file_options_.of(file, options);
    } catch (const Failure& failure) {
      return take(file, ending_in_front(failure, files()[file]));
    } catch (const pg::PgError&) {
      // The load says what is wrong with the table.
    }
    report::Ending ending = run_one(runtime_, flags_, options);
    const bool is_made = options.makes && options.makes->came_meanwhile;
    if (!is_made || !flags_.create.takes_any_table()) return take(file, std::move(ending));
    if (std::optional<report::Ending> failed = look_at_files()) return take(file, *failed);
    // What is there by this name may be no table.
    if (!file_options_.has_table()) return take(file, std::move(ending));
    load_as_found(file);
  }

  bool may_begin(std::size_t file) {
    try {
      after_.check(inputs_[file].path);
      return true;
    } catch (const Failure& failure) {
      take(file, ending_of(failure, files()[file], options_.table));
      return false;
    }
  }

  void load_alone(std::size_t file) {
    if (!may_begin(file) || take_known(file)) return;
    load_as_found(file);
  }

  /// Behind the next one in its archive, where they are small: what is long is not unpacked to find
  /// out what it is.
  std::size_t end_of_small_members() const {
    std::size_t end = next_;
    if (!may_go_side_by_side()) return end;
    const auto& archive = inputs_[next_].archive;
    while (end < files().size() && archive && inputs_[end].archive == archive &&
           inputs_[end].length.value_or(limits::first_chunk_bytes + 1) <= limits::first_chunk_bytes)
      ++end;
    return end;
  }

  /// What the ledger knows of the members of an archive, before the first of them is loaded.
  void find_known_members() {
    if (next_ < members_asked_for_ || flags_.finds_dialect) return;
    const std::size_t end = end_of_small_members();
    if (end - next_ < 2) return;
    members_asked_for_ = end;
    runtime_.on_signal([this] { stop(); }, [this] { cancel(); });
    runtime_.run(find_known(end));
    runtime_.on_signal({}, {});
  }

  void load_side_by_side(std::size_t end) {
    runtime_.on_signal([this] { stop(); }, [this] { cancel(); });
    ProgressPrinter printer(flags_.progress, flags_.common.quiet, flags_.common.verbose);
    progress_.files_total = files().size();
    runtime_.run(work_off(end, printer));
    runtime_.on_signal({}, {});
    shared_.target.reset();
    printer.finish_several(progress());
  }

  asio::awaitable<void> work_off(std::size_t end, ProgressPrinter& printer) {
    async::TaskGroup beside(co_await asio::this_coro::executor);
    beside.spawn(printer.follow_several([this] { return progress(); }));
    asio::awaitable<void> all = all_of(end);
    co_await async::run_beside(std::move(all), beside);
  }

  asio::awaitable<void> all_of(std::size_t end) {
    // It makes what is not there yet, and finds out what the others use.
    co_await worker(next_ + 1);
    co_await find_known(end);
    co_await asio::this_coro::throw_if_cancelled(false);  // the workers are waited for
    async::TaskGroup workers(co_await asio::this_coro::executor);
    for (std::size_t i = 0; i < shared_.side_by_side; ++i) workers.spawn(worker(end));
    co_await workers.join();
    co_await load_later();
  }

  /// What could not go beside others goes by itself, as if all had gone so.
  asio::awaitable<void> load_later() {
    std::ranges::sort(later_, {}, &Later::file);
    for (const Later& later : std::exchange(later_, {})) {
      if (is_over()) break;
      co_await load_beside(later.file, later.turn);
    }
  }

  /// What the ledger knows already, of many files at once.
  asio::awaitable<void> find_known(std::size_t end) {
    constexpr std::size_t at_once = 1000;
    known_.resize(files().size());
    for (std::size_t begin = next_; begin < end && !is_over(); begin += at_once) {
      std::vector<load::FileToFind> paths;
      for (std::size_t i = begin; i < std::min(begin + at_once, end); ++i)
        paths.push_back(inputs_[i].to_find());
      try {
        auto found = co_await load::find_known_files(runtime_.resources(), shared_, options_,
                                                     std::move(paths));
        std::ranges::move(found, known_.begin() + static_cast<std::ptrdiff_t>(begin));
      } catch (const pg::PgError&) {
        co_return;  // the loads ask for themselves
      } catch (const Failure&) {
        co_return;  // ... and say what is wrong
      }
    }
  }

  /// Of a file that the ledger knows.
  bool take_known(std::size_t file) {
    if (file >= known_.size() || !known_[file].report) return false;
    take(file, {.report = std::move(*known_[file].report),
                .path = files()[file],
                .table = options_.table,
                .exit_code = exit_ok,
                .message = {},
                .sql_state = {},
                .bad_record = {},
                .is_held = false});
    return true;
  }

  asio::awaitable<void> worker(std::size_t end) {
    while (next_ < end && !is_over()) {
      const std::vector<std::size_t> files = next_together(end);
      if (files.size() > 1) {
        co_await load_together(files);
      } else if (!files.empty()) {
        co_await load_beside(files.front(), Turn::first);
      }
    }
  }

  /// The next files whose loads may share a transaction. What is known needs none.
  std::vector<std::size_t> next_together(std::size_t end) {
    const std::size_t share = (end - next_ + shared_.side_by_side - 1) / shared_.side_by_side;
    std::size_t most = 1;  // it finds out what the others use; and one connection is one by one
    if (shared_.target && (shared_.side_by_side > 1 || more_.keep_going))
      most = std::clamp(share, limits::files_together_min, limits::files_together_max);
    std::vector<std::size_t> files;
    std::uintmax_t bytes = 0;
    while (next_ < end && !is_over() && files.size() < most) {
      std::error_code error;
      const std::uintmax_t size = std::filesystem::file_size(inputs_[next_].path, error);
      if (!files.empty() && (error || bytes + size > limits::bytes_together_max)) break;
      bytes += size;
      const std::size_t file = next_++;
      if (!may_begin(file) || take_known(file)) continue;
      if (file < known_.size() && known_[file].is_like_another) {
        later_.push_back({file, Turn::alone});
      } else {
        files.push_back(file);
      }
    }
    return files;
  }

  /// Those that cannot go together go one by one.
  asio::awaitable<void> load_together(const std::vector<std::size_t>& files) {
    const auto executor = co_await asio::this_coro::executor;
    load::Together together(runtime_.resources(), files.size(), executor);
    std::vector<std::size_t> alone;
    async::TaskGroup loads(executor);
    loads.spawn(together.run());
    for (const std::size_t file : files) loads.spawn(load_in(together, file, alone));
    co_await loads.join();
    std::ranges::sort(alone);
    for (const std::size_t file : alone) {
      if (is_over()) break;
      co_await load_beside(file, Turn::first);
    }
  }

  asio::awaitable<void> load_in(load::Together& together, std::size_t file,
                                std::vector<std::size_t>& alone) {
    load::Together::Seat seat(together);
    try {
      co_await load_beside(file, Turn::first, &seat);
    } catch (const load::NotTogether&) {
      alone.push_back(file);
    }
  }

  enum class Turn {
    first,
    alone,  ///< no other one is under way
    apart,  ///< ... and it has all connections, as a long file
  };
  struct Later {
    std::size_t file = 0;
    Turn turn = Turn::alone;
  };

  /// Where others are in its way, or have found another table, it has a second turn alone; and
  /// where it is more than one chunk. With a seat it throws NotTogether, if it is not to be stored
  /// so.
  asio::awaitable<void> load_beside(std::size_t file, Turn turn,
                                    load::Together::Seat* seat = nullptr) {
    plan::LoadOptions options;
    try {
      options = file_options_.beside(file, options_for(file));
    } catch (const Failure& failure) {
      if (seat != nullptr) throw load::NotTogether(files()[file]);
      take(file, ending_in_front(failure, files()[file]));
      co_return;
    }
    if (turn != Turn::apart) options.jobs = 1;
    const bool is_of_others = shared_.target.has_value();
    load::Load load(runtime_.resources(), options, turn == Turn::apart ? nullptr : &shared_, seat);
    under_way_.insert(&load);
    std::exception_ptr failed;
    bool is_in_the_way = false;
    bool is_long = false;
    bool is_alone = false;
    try {
      co_await load.run();
    } catch (const load::NotWhole&) {
      is_long = true;
    } catch (const load::NotTogether&) {
      is_alone = true;
    } catch (const writer::NotAsPlanned&) {
      failed = std::current_exception();
      is_in_the_way = is_of_others;
    } catch (const Failure& failure) {
      failed = std::current_exception();
      is_in_the_way = failure.kind() == FailureKind::held;
    } catch (...) {
      failed = std::current_exception();
    }
    under_way_.erase(&load);
    // Where nothing of it was begun, it has its turn behind those in front of it, and fails then.
    if (failed && seat != nullptr && load.progress().stage != load::Progress::Stage::loading)
      is_alone = true;
    if (is_alone) throw load::NotTogether(files()[file]);
    if (is_long) {
      later_.push_back({file, Turn::apart});
      if (turn == Turn::alone) co_await load_later();
      co_return;
    }
    if (failed) shared_.target.reset();
    if (is_in_the_way && turn == Turn::first && !is_over()) {
      later_.push_back({file, Turn::alone});
      co_return;
    }
    add(load.progress());
    print_notes(load);
    take(file, ending_of(failed, runtime_, flags_, options, load));
  }

  void print_notes(const load::Load& load) {
    if (flags_.common.quiet || flags_.progress == ProgressMode::json) return;
    for (const std::string& note : load.report().notes) print_note(note);
  }

  /// Several commands that take files away may be at one folder: each takes what the others leave.
  /// Whoever names one file wants that one.
  bool shares_with_others() const {
    return after_.what != AfterLoad::What::keep &&
           (files().size() > 1 || flags_.files.front() != files().front());
  }

  /// Whether another command has the file, and nothing of it was stored by this one.
  bool is_of_others(std::size_t file, const report::Ending& ending) const {
    if (!shares_with_others() || is_loaded(ending) || ending.report.now.rows() > 0) return false;
    return ending.is_held ||
           (was_there_[file] && !ending.report.load && !is_there(inputs_[file].path));
  }

  void leave_to_others(std::size_t file) {
    several_.taken.push_back(files()[file]);
    if (!flags_.common.quiet)
      print_note(files()[file] + " is left to another command, which has it");
  }

  /// What becomes of a file that has ended, and of those behind it.
  void take(std::size_t file, report::Ending ending) {
    ending.path = files()[file];
    if (is_of_others(file, ending)) {
      ++progress_.files_done;
      has_failed_member_ = !inputs_[file].is_last_of_file;
      leave_to_others(file);
      return;
    }
    if (files().size() > 1) name_file(ending);
    print(ending);
    if (is_all_of_file_loaded(file, ending) && !options_.dry_run) act_after(file, ending);
    exit_code_ = worse(exit_code_, ending.exit_code);
    is_over_ = is_over_ || (!is_loaded(ending) && (!more_.keep_going || runtime_.signal() != 0 ||
                                                   ending.exit_code == exit_connect));
    ++progress_.files_done;
    endings_[file] = std::move(ending);
  }

  /// Of an archive the last member counts, and that no other one has failed.
  bool is_all_of_file_loaded(std::size_t file, const report::Ending& ending) {
    const bool is_well = is_loaded(ending) && !has_failed_member_;
    const Input& input = inputs_[file];
    has_failed_member_ = !is_well && !input.is_last_of_file;
    is_of_two_archives_ = has_other_archive_ || (input.archive && input.archive->file &&
                                                 input.archive->file != ending.report.file);
    has_other_archive_ = is_of_two_archives_ && !input.is_last_of_file;
    return is_well && input.is_last_of_file;
  }

  void print(const report::Ending& ending) const {
    if (flags_.common.output == OutputFormat::text) print_ending(ending, flags_.common.quiet);
  }

  /// What becomes of a loaded file; where that fails, the ending says so.
  void act_after(std::size_t file, report::Ending& ending) const {
    try {
      if (is_of_two_archives_) {
        throw Failure(FailureKind::changed,
                      text_of_path(inputs_[file].path) +
                          ": its members are loaded, but it is not the archive any more that had "
                          "these alone; it is not touched");
      }
      const std::string done = after_.apply(inputs_[file].path, ending.report.file);
      if (!done.empty() && !flags_.common.quiet) print_note(done);
    } catch (const Failure& failure) {
      if (shares_with_others() && !is_there(inputs_[file].path)) {
        if (!flags_.common.quiet)
          print_note(files()[file] + " was taken away by another command meanwhile");
        return;
      }
      ending.exit_code = exit_code_of(failure.kind(), 0);
      ending.message = failure.what();
      if (flags_.common.output == OutputFormat::text) print_error(ending.message);
    }
  }

  void stop() {
    is_over_ = true;
    for (load::Load* load : under_way_) load->stop();
  }
  void cancel() {
    is_over_ = true;
    for (load::Load* load : under_way_) load->cancel();
  }

  static void add_to(load::Progress& all, const load::Progress& one) {
    all.bytes_done += one.bytes_done;
    all.bytes_before += one.bytes_before;
    all.rows_stored += one.rows_stored;
    all.rows_before += one.rows_before;
    all.rows_rejected += one.rows_rejected;
    all.retries += one.retries;
  }
  void add(const load::Progress& one) { add_to(progress_, one); }

  /// Of the loads that have ended and of those under way.
  load::Progress progress() const {
    load::Progress all = progress_;
    all.stage = load::Progress::Stage::loading;
    for (const load::Load* load : under_way_) add_to(all, load->progress());
    return all;
  }

  const LoadFlags& flags_;
  const MoreFiles& more_;
  report::Several& several_;
  AfterLoad after_;
  plan::LoadOptions options_;
  std::vector<Input> inputs_;
  std::vector<bool> was_there_;      ///< when the command began, by the number of the file
  bool has_failed_member_ = false;   ///< of the archive that is being loaded
  bool has_other_archive_ = false;   ///< a member of it was loaded from another one of its name
  bool is_of_two_archives_ = false;  ///< the file that has ended
  Runtime runtime_;
  FileOptions file_options_;
  load::Shared shared_;
  std::vector<load::KnownFile> known_;                  ///< by the number of the file
  std::size_t members_asked_for_ = 0;                   ///< behind them
  std::vector<Later> later_;                            ///< files that have another turn
  std::vector<std::optional<report::Ending>> endings_;  ///< by the number of the file
  std::size_t next_ = 0;                                ///< the first that is not begun
  bool is_over_ = false;                                ///< no other one is begun
  int exit_code_ = exit_ok;
  std::set<load::Load*> under_way_;
  load::Progress progress_;  ///< of what has ended, beside others
};

}  // namespace

void print_ending(const report::Ending& ending, bool quiet) {
  const std::string text = text_of(ending);
  if (ending.message.empty()) {
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

#include "app/side_by_side.hpp"

#include <algorithm>
#include <thread>

#include "app/output.hpp"
#include "app/run_load.hpp"
#include "async/offload.hpp"
#include "async/run_beside.hpp"
#include "async/task_group.hpp"
#include "async/time.hpp"
#include "base/limits.hpp"
#include "source/fetch_ahead.hpp"
#include "source/remote.hpp"
#include "writer/guard.hpp"

namespace sluice::app {
namespace {

/// Small files that go together and of which another command has some are asked for and tried
/// again, before they go one by one.
constexpr int join_group_tries = 3;
constexpr std::chrono::milliseconds join_group_wait{20};

void add_to(load::Progress& all, const load::Progress& one) {
  all.bytes_done += one.bytes_done;
  all.bytes_before += one.bytes_before;
  all.rows_stored += one.rows_stored;
  all.rows_before += one.rows_before;
  all.rows_rejected += one.rows_rejected;
  all.retries += one.retries;
}

void print_notes(const LoadFlags& flags, const load::Load& load) {
  if (flags.common.quiet || flags.progress == ProgressMode::json) return;
  for (const std::string& note : load.report().notes) print_note(note);
}

}  // namespace

SideBySide::SideBySide(Runtime& runtime, const LoadFlags& flags, const MoreFiles& more,
                       const CommandFiles& files, FileOptions& file_options, FileEndings& endings,
                       FileQueue& queue)
    : runtime_(runtime),
      flags_(flags),
      more_(more),
      files_(files),
      file_options_(file_options),
      endings_(endings),
      queue_(queue) {
  const std::size_t jobs = files.options().jobs;
  shared_.side_by_side =
      jobs > 0 ? jobs : std::clamp<std::size_t>(2 * std::thread::hardware_concurrency(), 4, 8);
  is_one_by_one_ = shared_.side_by_side == 1 && !more.keep_going && !more.join;
}

/// With signals heard.
void SideBySide::run(asio::awaitable<void> command) {
  runtime_.on_signal([this] { stop(); }, [this] { cancel(); });
  runtime_.run(std::move(command));
  runtime_.on_signal({}, {});
}

void SideBySide::stop() {
  endings_.begin_no_more();
  files_.options().unpack.ahead->stop();
  for (load::Load* load : under_way_) load->stop();
}

void SideBySide::cancel() {
  endings_.begin_no_more();
  files_.options().unpack.ahead->stop();
  for (load::Load* load : under_way_) load->cancel();
}

void SideBySide::find_known_members() {
  if (queue_.next() < members_asked_for_ || flags_.finds_dialect) return;
  const std::size_t end = queue_.end_of_small_members();
  if (end - queue_.next() < 2) return;
  members_asked_for_ = end;
  run(queue_.find_known(runtime_.resources(), shared_, end));
}

void SideBySide::find_known_objects() {
  if (!queue_.has_listed()) return;
  try {
    run(queue_.find_listed(runtime_.resources(), shared_));
  } catch (const boost::system::system_error&) {
    if (runtime_.signal() == 0) throw;  // else its user has ended it, and is told of each file
  }
}

void SideBySide::load_until(std::size_t end) {
  ProgressPrinter printer(flags_.progress, flags_.common.quiet, flags_.common.verbose);
  try {
    run(work_off(end, printer));
  } catch (const boost::system::system_error&) {
    if (runtime_.signal() == 0) throw;  // else its user has ended it, and is told of each file
  }
  shared_.target.reset();
  printer.finish_several(progress());
}

/// Of the loads that have ended and of those under way.
load::Progress SideBySide::progress() const {
  load::Progress all = progress_;
  all.stage = load::Progress::Stage::loading;
  all.files_total = files_.size();
  all.files_done = endings_.count();
  for (const load::Load* load : under_way_) add_to(all, load->progress());
  return all;
}

asio::awaitable<void> SideBySide::work_off(std::size_t end, ProgressPrinter& printer) {
  async::TaskGroup beside(co_await asio::this_coro::executor);
  beside.spawn(printer.follow_several([this] { return progress(); }));
  asio::awaitable<void> all = all_of(end);
  co_await async::run_beside(std::move(all), beside);
}

asio::awaitable<void> SideBySide::all_of(std::size_t end) {
  const bool is_remote = source::is_remote(files_[queue_.next()].path);
  if (is_remote) co_return co_await load_fetched(end);
  co_await queue_.find_known(runtime_.resources(), shared_, end);
  if (!shared_.target) {
    // The first one makes what is not there yet, and finds out what the others use.
    co_await worker(queue_.next() + 1);
    co_await queue_.find_known(runtime_.resources(), shared_, end);
  }
  co_await asio::this_coro::throw_if_cancelled(false);  // the workers are waited for
  async::TaskGroup workers(co_await asio::this_coro::executor);
  for (std::size_t i = 0; i < shared_.side_by_side; ++i) workers.spawn(worker(end));
  co_await workers.join();
  co_await load_later();
}

/// Objects go group by group: of what is in front of a group the ledger knows all when it is
/// judged, and while it is stored the next one is fetched.
asio::awaitable<void> SideBySide::load_fetched(std::size_t end) {
  const std::size_t most = limits::files_together_max;
  std::size_t group_end = queue_.end_together(queue_.next(), end, most);
  co_await fetch(queue_.next(), group_end);
  // The first one makes what is not there yet, and finds out what the others use.
  if (!shared_.target) co_await worker(queue_.next() + 1);
  co_await asio::this_coro::throw_if_cancelled(false);  // what is under way is waited for
  while (queue_.next() < end && !endings_.is_over()) {
    const std::size_t next_end = queue_.end_together(group_end, end, most);
    async::TaskGroup tasks(co_await asio::this_coro::executor);
    if (next_end > group_end) tasks.spawn(fetch(group_end, next_end));
    tasks.spawn(load_group(group_end));
    co_await tasks.join();
    group_end = next_end;
  }
  co_await load_later();
}

asio::awaitable<void> SideBySide::load_group(std::size_t end) {
  co_await queue_.find_known(runtime_.resources(), shared_, end);
  while (queue_.next() < end && !endings_.is_over()) {
    const std::size_t most = shared_.target && !is_one_by_one_ ? limits::files_together_max : 1;
    const std::vector<std::size_t> files = queue_.next_together(end, most);
    if (files.size() > 1) {
      co_await load_together(files);
    } else if (!files.empty()) {
      co_await load_beside(files.front(), Turn::first);
    }
  }
}

/// Those that the ledger does not know; what is in front of them and not loaded yet is kept.
asio::awaitable<void> SideBySide::fetch(std::size_t begin, std::size_t end) {
  std::vector<source::FetchAhead::Wanted> wanted;
  std::vector<std::string> kept;
  for (std::size_t i = queue_.next(); i < begin; ++i) kept.push_back(files_[i].path);
  for (std::size_t i = begin; i < end; ++i)
    if (!queue_.is_known(i)) wanted.push_back({files_[i].path, files_[i].length});
  source::FetchAhead& ahead = *files_.options().unpack.ahead;
  const auto fetch_all = [&] { ahead.fetch(wanted, kept); };
  co_await async::offload(fetcher_, fetch_all);
}

/// What could not go beside others goes by itself, as if all had gone so.
asio::awaitable<void> SideBySide::load_later() {
  for (const FileQueue::Later& later : queue_.take_later()) {
    if (endings_.is_over()) break;
    co_await load_beside(later.file, later.turn);
  }
}

asio::awaitable<void> SideBySide::worker(std::size_t end) {
  while (queue_.next() < end && !endings_.is_over()) {
    const std::vector<std::size_t> files = queue_.next_together(end, together_max(end));
    if (files.size() > 1) {
      co_await load_together(files);
    } else if (!files.empty()) {
      co_await load_beside(files.front(), Turn::first);
    }
  }
}

std::size_t SideBySide::together_max(std::size_t end) const {
  // The first one finds out what the others use.
  if (!shared_.target || is_one_by_one_) return 1;
  const std::size_t share = (end - queue_.next() + shared_.side_by_side - 1) / shared_.side_by_side;
  return std::clamp(share, limits::files_together_min, limits::files_together_max);
}

/// Those that cannot go together go one by one.
asio::awaitable<void> SideBySide::load_together(const std::vector<std::size_t>& files) {
  const auto executor = co_await asio::this_coro::executor;
  const auto may_go = [this](const std::vector<std::size_t>& left) {
    return left.size() > 1 && !endings_.is_over();
  };
  std::vector<std::size_t> left = files;
  for (int tries = more_.join ? join_group_tries : 1; tries > 0 && may_go(left); --tries) {
    load::Together together(runtime_.resources(), left.size(), shared_.lengths, executor);
    std::vector<std::size_t> alone;
    async::TaskGroup loads(executor);
    loads.spawn(together.run());
    for (const std::size_t file : left) loads.spawn(load_in(together, file, alone));
    co_await loads.join();
    std::ranges::sort(alone);
    left = std::move(alone);
    if (!more_.join || !may_go(left)) break;
    // Another command may have some of them at this moment: it has stored them soon.
    co_await async::sleep_for(join_group_wait);
    co_await queue_.find_known_of(runtime_.resources(), shared_, left);
    std::erase_if(left, [this](std::size_t file) { return queue_.take_known(file); });
  }
  for (const std::size_t file : left) {
    if (endings_.is_over()) break;
    co_await load_beside(file, Turn::first);
  }
}

asio::awaitable<void> SideBySide::load_in(load::Together& together, std::size_t file,
                                          std::vector<std::size_t>& alone) {
  load::Together::Seat seat(together);
  try {
    co_await load_beside(file, Turn::first, &seat);
  } catch (const load::NotTogether&) {
    alone.push_back(file);
  }
}

/// Where others are in its way, or have found another table, it has a second turn alone; and
/// where it is more than one chunk. With a seat it throws NotTogether, if it is not to be stored
/// so.
asio::awaitable<void> SideBySide::load_beside(std::size_t file, Turn turn,
                                              load::Together::Seat* seat) {
  plan::LoadOptions options;
  try {
    options = file_options_.beside(file, files_.options_of(file, endings_.have_rows()));
  } catch (const Failure& failure) {
    if (seat != nullptr) throw load::NotTogether(files_.name(file));
    endings_.take(file, endings_.ending_in_front(failure, files_.name(file)));
    co_return;
  }
  if (turn != Turn::apart) options.jobs = 1;
  const bool is_of_others = shared_.target.has_value();
  load::Load load(runtime_.resources(), options, turn == Turn::apart ? nullptr : &shared_, seat);
  under_way_.insert(&load);
  std::exception_ptr failed;
  bool is_in_the_way = false;
  bool is_held = false;
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
    is_held = failure.kind() == FailureKind::held;
    is_in_the_way = is_held;
  } catch (...) {
    failed = std::current_exception();
  }
  under_way_.erase(&load);
  // Where nothing of it was begun, it has its turn behind those in front of it, and fails then.
  if (failed && seat != nullptr && load.progress().stage != load::Progress::Stage::loading)
    is_alone = true;
  if (is_alone) throw load::NotTogether(files_.name(file));
  if (is_long) {
    queue_.add_later({file, Turn::apart});
    if (turn == Turn::alone) co_await load_later();
    co_return;
  }
  if (is_held && more_.join && !endings_.is_over()) {
    queue_.leave(file);
    co_return;
  }
  if (failed) shared_.target.reset();
  if (is_in_the_way && turn == Turn::first && !endings_.is_over()) {
    queue_.add_later({file, Turn::alone});
    co_return;
  }
  add_to(progress_, load.progress());
  print_notes(flags_, load);
  endings_.take(file, ending_of(failed, runtime_, flags_, options, load));
}

}  // namespace sluice::app

#include "jobs/following.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/failure.hpp"
#include "base/limits.hpp"
#include "jobs/after.hpp"

namespace sluice::jobs {
namespace {

std::vector<SlotLeftOut> left_out(const Due& due) {
  std::vector<SlotLeftOut> all;
  for (const Instant slot : due.missed) all.push_back({slot, RunState::missed, "nobody was there"});
  if (!all.empty() && due.missed_before > 0)
    all.front().message += ", as for " + due.missed_text(due.missed_before) + " before it";
  return all;
}

}  // namespace

void Following::log(const std::string& what, const SlotId& id, const std::string& message) const {
  const auto slot = id.slot == Instant{} ? std::nullopt : std::optional(id.slot);
  with_.options.log({what, id.project, id.job, slot, message});
}

std::size_t Following::begin_anew() {
  ++generation_;
  with_.slots.leave_all();
  entered_.clear();
  followed_.clear();
  for (const Job& job : with_.config.jobs) followed_.insert(job.name);
  return generation_;
}

JobPtr Following::entered(const SlotId& id) const {
  const auto found = entered_.find(id.job);
  const bool is_it = found != entered_.end() && found->second->project.name == id.project;
  return is_it ? found->second : nullptr;
}

/// Sleeps by the database's clock; wakes early when something changes, and now and then to hear
/// that clock again.
asio::awaitable<void> Following::sleep_until(std::chrono::sys_time<milliseconds> when) {
  const auto rest = std::min<milliseconds>(when - with_.slots.now(), limits::job_sleep_max);
  if (rest > milliseconds::zero()) co_await with_.changed.wait(async::Deadline::after(rest));
}

/// Nothing for a job that came with a reload and that the database cannot keep: the others go on.
/// In the first configuration it ends the command.
asio::awaitable<std::optional<Entered>> Following::enter_if_fit(const Job& job,
                                                                std::size_t generation) {
  try {
    co_return co_await with_.slots.enter(job);
  } catch (const Failure& unfit) {
    if (generation == first_generation || unfit.kind() != FailureKind::usage) throw;
    const SlotId id{job.project.name, job.name, {}};
    log("refused", id, unfit.what());
    co_return std::nullopt;
  }
}

/// One job, for as long as this configuration holds.
asio::awaitable<void> Following::always(JobPtr job, std::size_t generation) {
  co_await follow_among_others(job, generation);
  if (generation == generation_) followed_.erase(job->name);
  with_.changed.notify();
}

/// With whatever others mean by it: while a scheduler that means something else lives, it is left
/// to that one.
asio::awaitable<void> Following::follow_among_others(JobPtr job, std::size_t generation) {
  bool was_refused = false;
  while (goes_on(generation)) {
    const std::optional<Entered> found = co_await enter_if_fit(*job, generation);
    if (!found) co_return;
    const Entered& entered = *found;
    const SlotId id{entered.project, job->name, {}};
    auto entered_job = std::make_shared<Job>(*job);
    entered_job->project.name = entered.project;
    JobPtr mine = std::move(entered_job);
    if (goes_on(generation)) entered_[job->name] = mine;
    with_.changed.notify();
    if (entered.refused_by.empty()) {
      tell_project(*job, entered, was_refused);
      const bool done = job->after.empty() ? co_await follow(mine, entered.seen, generation)
                                           : co_await follow_after(mine, entered.seen, generation);
      if (done) co_return;
      was_refused = true;
      continue;
    }
    if (!was_refused || with_.options.once) {
      log("refused", id,
          fmt::format("{} runs this job of project \"{}\", and means something else by it "
                      "(differs in {}): it is left to that one. Two applications have a project "
                      "each: project = \"NAME\" in pgsluice.toml, or --project",
                      entered.refused_by, entered.project, entered.differs_in));
    }
    was_refused = true;
    if (with_.options.once) {
      ++refusals_;
      co_return;
    }
    const auto until = async::Deadline::after(with_.config.lost_after / 3);
    while (!until.passed() && goes_on(generation)) co_await with_.changed.wait(until);
  }
}

void Following::tell_project(const Job& job, const Entered& entered, bool was_refused) const {
  const SlotId id{entered.project, job.name, {}};
  if (entered.took_over) {
    log("taken over", id,
        fmt::format("what this job did before projects had names belongs to project \"{}\" "
                    "from now on",
                    entered.project));
  } else if (entered.project != job.project.name) {
    log("project", id,
        fmt::format("goes on as project \"{}\", which has the same job, and not as \"{}\"; "
                    "project = \"{}\" in pgsluice.toml says so for good",
                    entered.project, job.project.name, entered.project));
  }
  if (!entered.ahead.empty()) {
    log("ahead", id,
        fmt::format("pgsluice.jobs or pgsluice.job_runs know it up to {}, which is in the "
                    "future: the database's clock was wrong, or is. Its slots run from now on; "
                    "those that are recorded do not run again",
                    entered.ahead));
  }
  if (was_refused) log("goes on", id, "nobody means something else by it any more");
}

/// Looks which slots are due, sleeps until the next one. False where another scheduler has come to
/// mean something else by the job.
asio::awaitable<bool> Following::follow(JobPtr job, Instant seen, std::size_t generation) {
  do {
    const Instant now = std::chrono::floor<std::chrono::seconds>(with_.slots.now());
    const Due due = due_slots(job->recurrence, job->catchup, seen, now, limits::slot_late_max);
    if (!due.missed.empty()) {
      co_await with_.slots.record(*job, left_out(due));
      log("missed", {job->project.name, job->name, due.missed.back()},
          due.missed_text(due.missed.size() + due.missed_before));
      seen = std::max(seen, due.missed.back());
    }
    const bool is_mine = co_await begin_all(job, due.run, seen, generation);
    if (!is_mine) co_return false;
    if (with_.options.once && due.run.size() < limits::missed_slots_max) co_return true;
    co_await sleep_until(job->recurrence.next(seen));
  } while (goes_on(generation));
  co_return true;
}

/// The same for a job that comes after another one: what that one has run.
asio::awaitable<bool> Following::follow_after(JobPtr job, Instant seen, std::size_t generation) {
  while (goes_on(generation)) {
    // That one has a project of its own, as it may go on as another one.
    const auto before = entered_.find(job->after);
    const bool is_last = !is_active(job->after);
    if (before == entered_.end()) {
      if (is_last) co_return true;
      co_await with_.changed.wait(async::Deadline::after(limits::job_sleep_max));
      continue;
    }
    const std::string project = before->second->project.name;
    const auto runs = co_await with_.slots.runs_of(project, job->after, seen);
    const AfterDue due = due_after(job->after, job->catchup, runs, seen);
    const auto left_out_here = co_await with_.slots.record(*job, due.left_out);
    for (const SlotLeftOut& one : left_out_here)
      log(std::string(name_of(one.state)), {job->project.name, job->name, one.slot}, one.message);
    const bool is_mine = co_await begin_all(job, due.run, seen, generation);
    if (!is_mine) co_return false;
    seen = due.seen;
    if (runs.size() == limits::missed_slots_max) continue;
    if (with_.options.once && is_last) co_return true;
    if (is_active(job->after) || !with_.options.once)
      co_await with_.changed.wait(async::Deadline::after(limits::job_sleep_max));
  }
  co_return true;
}

/// Something of this job may still happen here.
bool Following::is_active(const std::string& job) const {
  const auto found = entered_.find(job);
  return followed_.contains(job) ||
         (found != entered_.end() && with_.runs.has(found->second->project.name, job));
}

/// Slots in their order. False where another scheduler means something else by the job.
asio::awaitable<bool> Following::begin_all(JobPtr job, std::vector<Instant> slots, Instant& seen,
                                           std::size_t generation) {
  for (const Instant slot : slots) {
    if (!goes_on(generation)) co_return true;
    const bool is_mine = co_await begin(job, slot, generation);
    if (!is_mine) co_return false;
    seen = std::max(seen, slot);
  }
  co_return true;
}

/// One slot: asks for it (false: another one means something else by the job), and runs it beside
/// this coroutine, or, where no slot may be left out, here.
asio::awaitable<bool> Following::begin(JobPtr job, Instant slot, std::size_t generation) {
  const auto when = std::chrono::sys_time<milliseconds>(slot) + jitter_of(*job, slot);
  while (with_.slots.now() < when && goes_on(generation)) co_await sleep_until(when);
  Claim claim;
  for (;;) {
    if (!goes_on(generation)) co_return true;
    claim = co_await with_.slots.claim(*job, slot);
    if (claim.refused) co_return false;
    if (!claim.busy) break;
    co_await with_.changed.wait(async::Deadline::after(limits::job_queue_poll));
  }
  if (!claim.state) co_return true;
  const SlotId id{job->project.name, job->name, slot};
  if (*claim.state == RunState::skipped) {
    log("skipped", id, "the run before it has not ended");
    co_return true;
  }
  if (*claim.state == RunState::queued && job->overlap == Overlap::cancel)
    with_.runs.give_way(*job);
  const auto run = std::make_shared<Run>(with_.executor, id, kill_after_of(with_.config));
  with_.runs.add(run);
  with_.spawn(with_.runs.execute(job, run, *claim.state));
  if (job->catchup != Catchup::all) co_return true;
  while (with_.runs.has(run)) co_await with_.changed.wait();
  co_return true;
}

}  // namespace sluice::jobs

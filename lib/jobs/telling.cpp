#include "jobs/telling.hpp"

#include <algorithm>

#include "base/hook_limits.hpp"
#include "jobs/history.hpp"

namespace sluice::jobs {
namespace {

bool is_failure(RunState state) {
  return state == RunState::failed || state == RunState::timed_out || state == RunState::lost;
}

/// A program may say anything, and as much as it likes.
class Lines {
 public:
  explicit Lines(std::function<void(const std::string&)> log) : log_(std::move(log)) {}
  void take(const std::string& line) {
    ++count_;
    if (count_ <= limits::hook_lines_max) log_(line);
    if (count_ == limits::hook_lines_max + 1) log_("... (what it says more is left out)");
  }

 private:
  std::function<void(const std::string&)> log_;
  std::size_t count_ = 0;
};

}  // namespace

bool is_told(const Hooks& hooks, RunState state) {
  const auto is_given = [&hooks](HookKind kind) { return Hooks::of(hooks, kind).is_given(); };
  return std::ranges::any_of(told_kinds(state, true), is_given);
}

std::vector<HookKind> told_kinds(RunState state, bool is_recovery) {
  if (is_failure(state)) return {HookKind::on_failure};
  if (state != RunState::ran) return {};
  if (!is_recovery) return {HookKind::on_success};
  return {HookKind::on_success, HookKind::on_recovery};
}

std::string told_text(HookKind kind, const RunEntry& run) {
  const std::string why = gist(run.state, run.message);
  const std::string state = kind == HookKind::on_recovery      ? "has recovered"
                            : run.state == RunState::lost      ? "was lost"
                            : run.state == RunState::timed_out ? "timed out"
                                                               : std::string(name_of(run.state));
  nlohmann::ordered_json json{
      {"hook", name_of(kind)},
      {"text", "pgsluice: job " + run.id.job + " (project " + run.id.project + ") " + state +
                   ", slot " + schedule::format_utc(run.id.slot) +
                   (why.empty() ? "" : ": " + why)}};
  json.update(json_of(run));
  json.erase("hooks_message");
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void Telling::add(std::shared_ptr<const Job> job, const SlotId& id) {
  if (is_cancelled_) return;
  const Key key{id.project, id.job};
  std::deque<Waiting>& line = waiting_[key];
  const bool is_first = line.empty();
  if (std::ranges::find(line, id, &Waiting::id) != line.end()) return;
  // It stays due in the database, where a scheduler that begins later finds it.
  if (line.size() >= limits::hooks_waiting_max) {
    log_("hook waits", id, "others of this job are still being told; it is told later");
    return;
  }
  line.push_back({std::move(job), id});
  if (is_first) tasks_.spawn(tell_all(key));
}

void Telling::cancel() {
  is_cancelled_ = true;
  caller_.stop();
  tasks_.cancel();
}

asio::awaitable<void> Telling::tell_all(Key key) {
  std::deque<Waiting>& line = waiting_[key];
  while (!line.empty()) {
    const Waiting one = line.front();
    try {
      co_await tell(one);
    } catch (const boost::system::system_error&) {
      line.clear();  // it was cancelled
      throw;
    } catch (const std::exception& error) {
      log_("hook failed", one.id, std::string("a scheduler tells it later: ") + error.what());
    }
    line.pop_front();
  }
}

/// A run before it may have been found lost a moment ago: that is told first.
asio::awaitable<void> Telling::tell(Waiting one) {
  const async::Semaphore::Permit permit = co_await at_once_.acquire();
  const std::vector<SlotId> before = co_await slots_.untold_before(one.id);
  for (const SlotId& earlier : before) co_await tell_run(*one.job, earlier);
  co_await tell_run(*one.job, one.id);
}

asio::awaitable<void> Telling::tell_run(const Job& job, SlotId id) {
  const std::optional<RunToTell> found = co_await slots_.run_to_tell(id);
  if (!found) co_return;
  std::string untold;
  for (const HookKind kind : told_kinds(found->run.state, found->is_recovery)) {
    const Hook& hook = Hooks::of(job.hooks, kind);
    if (!hook.is_given()) continue;
    const std::string why = co_await tell_kind(hook, kind, found->run);
    if (!why.empty()) untold += (untold.empty() ? "" : "; ") + why;
  }
  co_await slots_.note_told(std::move(id), std::move(untold));
}

/// Why it could not be told, and which it is; empty: it was.
asio::awaitable<std::string> Telling::tell_kind(const Hook& hook, HookKind kind,
                                                const RunEntry& run) {
  const std::string name(name_of(kind));
  Lines lines([this, &run](const std::string& line) { log_("hook said", run.id, line); });
  const std::string json = told_text(kind, run);
  process::Line line = [&lines](const std::string& text) { lines.take(text); };
  const std::string why = co_await caller_.call(hook, json, std::move(line));
  if (why.empty()) {
    log_("hook", run.id, name + " (" + hook.shown() + ")");
    co_return "";
  }
  log_("hook failed", run.id, name + ": " + why);
  co_return name + ": " + why;
}

}  // namespace sluice::jobs

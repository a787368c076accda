#include "jobs/hook_call.hpp"

#include <condition_variable>
#include <ctime>
#include <mutex>

#include "async/offload.hpp"
#include "async/retry.hpp"
#include "base/failure.hpp"
#include "base/hook_limits.hpp"
#include "base/quantity.hpp"
#include "http/answer.hpp"
#include "http/client.hpp"
#include "process/program.hpp"

namespace sluice::jobs {
namespace {

using std::chrono::milliseconds;

/// False if it was told to stop.
bool pause(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

struct Posted {
  std::string why;  ///< empty: it was told
  bool is_final = false;
  milliseconds wait{};  ///< that the server asks for
};

/// No redirect is followed: what is posted is meant for the one that the URL names.
Posted post_once(const Hook& hook, const std::string& json, const std::stop_token& stop) {
  const std::string name = hook.shown();
  http::Client client({.ca_file = hook.ca_file, .connect_timeout = limits::hook_answer_max},
                      limits::hook_answer_max);
  const std::stop_callback end(stop, [&client] { client.stop(); });
  try {
    const http::Response answer = client.send({.method = "POST",
                                               .url = hook.url,
                                               .headers = {{"Content-Type", "application/json"}},
                                               .body = json},
                                              name);
    if (answer.status >= 200 && answer.status < 300) return {};
    Posted posted{
        .why = name + " answers " + std::to_string(answer.status),
        .is_final = !http::is_transient(answer.status),
        .wait = http::retry_after_of(answer, std::time(nullptr)).value_or(milliseconds{})};
    if (http::is_redirect(answer.status)) posted.why += ": write the URL that it leads to";
    return posted;
  } catch (const Failure& failure) {
    return {.why = failure.problem(), .is_final = failure.kind() != FailureKind::failed};
  }
}

std::string post(const Hook& hook, const std::string& json, const std::stop_token& stop) {
  const async::Backoff backoff{limits::hook_pause_min, limits::hook_pause_max};
  for (std::size_t attempt = 0;; ++attempt) {
    const Posted posted = post_once(hook, json, stop);
    if (posted.why.empty() || posted.is_final) return posted.why;
    if (attempt + 1 == limits::hook_posts_max)
      return posted.why + " (" + std::to_string(attempt + 1) + " attempts)";
    const milliseconds wait =
        std::max(backoff.delay(attempt, 0), std::min(posted.wait, limits::hook_pause_max));
    if (!pause(wait, stop)) return posted.why;
  }
}

}  // namespace

asio::awaitable<std::string> HookCaller::run(const Hook& hook, const std::string& json,
                                             process::Line line) {
  const process::ProgramCall call{.arguments = hook.command,
                                  .input = json + "\n",
                                  .folder = hook.folder,
                                  .time_max = limits::hook_time_max};
  process::ProgramEnd end;
  try {
    process::Program program(executor_, call);
    end = co_await program.run(std::move(line));
  } catch (const Failure& failure) {
    co_return failure.problem();
  }
  if (end.is_loud)
    co_return hook.shown() + " says more than " + format_bytes(limits::program_said_bytes);
  if (end.is_late)
    co_return hook.shown() + " takes longer than " + format_duration(limits::hook_time_max);
  if (end.exit_code != 0)
    co_return hook.shown() + " ends with exit code " + std::to_string(end.exit_code);
  co_return "";
}

asio::awaitable<std::string> HookCaller::call(const Hook& hook, const std::string& json,
                                              process::Line line) {
  if (hook.url.empty()) co_return co_await run(hook, json, std::move(line));
  if (!posting_) posting_.emplace(limits::hooks_at_once);
  const std::stop_token stop = stopped_.get_token();
  const auto posting = [hook, json, stop] { return post(hook, json, stop); };
  co_return co_await async::offload(*posting_, posting);
}

}  // namespace sluice::jobs

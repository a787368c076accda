#include "jobs/run.hpp"

#include "base/characters.hpp"
#include "base/limits.hpp"
#include "base/printable.hpp"
#include "base/quantity.hpp"

namespace sluice::jobs {

void Run::stop(RunState state, const std::string& why) {
  if (stopped_) return;
  stopped_ = state;
  why_ = why;
  if (!child_) return;
  // Its time is over: what the server does for it is cancelled at once. Another reason leaves it
  // some time to finish.
  child_->stop(state == RunState::timed_out ? limits::job_second_signal : kill_after_ / 2,
               kill_after_ / 2);
}

void Run::hear(const std::string& line) {
  said_ += printable_line(line) + "\n";
  if (said_.size() <= limits::job_message_bytes) return;
  std::size_t begin = said_.size() - limits::job_message_bytes;
  while (begin < said_.size() && is_inside_character(said_[begin])) ++begin;
  said_.erase(0, begin);
}

void Run::limit(milliseconds timeout) {
  timeout_.cancel();
  if (timeout <= milliseconds::zero()) return;
  timeout_.expires_after(timeout);
  const auto on_end = [self = shared_from_this(), timeout](boost::system::error_code error) {
    if (!error) self->stop(RunState::timed_out, "took longer than " + format_duration(timeout));
  };
  timeout_.async_wait(on_end);
}

asio::awaitable<int> Run::process(std::vector<std::string> arguments,
                                  std::vector<std::string> environment, std::string folder,
                                  std::function<void(const std::string&)> line) {
  const auto executor = co_await asio::this_coro::executor;
  const process::Call call{.arguments = std::move(arguments),
                           .environment = std::move(environment),
                           .folder = std::move(folder)};
  child_ = std::make_unique<process::Child>(executor, call);
  const int exit_code = co_await child_->run(std::move(line));
  child_.reset();
  co_return exit_code;
}

}  // namespace sluice::jobs

#include "process/workers.hpp"

#include <algorithm>

#include "async/deadline.hpp"
#include "base/exit_code.hpp"
#include "process/child.hpp"
#include "process/worker.hpp"

namespace sluice::process {
namespace {

/// Who does not end by himself is killed with his process.
asio::awaitable<void> see_it_end(std::unique_ptr<Worker> worker) {
  asio::awaitable<int> end = worker->process().end();
  try {
    co_await async::with_deadline(std::move(end), async::Clock::now() + limits::worker_end_max);
  } catch (const async::TimedOut&) {
  }
}

}  // namespace

/// A call that a worker runs.
class WorkerCall final : public Fed {
 public:
  WorkerCall(Workers& workers, std::unique_ptr<Worker> worker, Ends ends, std::string likeness)
      : workers_(workers),
        worker_(std::move(worker)),
        ends_(std::move(ends)),
        likeness_(std::move(likeness)) {}

  asio::awaitable<int> run(Line line, std::string& result) override {
    co_await ends_.read(line, result);
    const std::optional<Done> done = co_await worker_->done();
    if (!done) co_return co_await end_of_process();
    // Behind this no signal goes to who runs another call by now.
    worker_->process().leave_it();
    const bool is_fit = !done->is_last && !is_stopped_ && done->exit_code <= exit_changed;
    if (is_fit) {
      workers_.put_back(std::move(worker_), std::move(likeness_));
    } else {
      workers_.let_go(std::move(worker_));
    }
    co_return done->exit_code;
  }

  asio::awaitable<bool> feed(asio::const_buffer bytes) override { return ends_.feed(bytes); }
  void seal() override { ends_.seal(); }
  void cut() override { ends_.cut(); }

  void stop(std::chrono::milliseconds again_after, std::chrono::milliseconds kill_after) override {
    is_stopped_ = true;
    if (worker_) worker_->process().stop(again_after, kill_after);
  }

 private:
  /// It has not said how the call ended: whatever it ended with, that is no success.
  asio::awaitable<int> end_of_process() {
    worker_->let_go();
    const int exit_code = co_await worker_->process().end();
    co_return exit_code == exit_ok ? exit_failed : exit_code;
  }

  Workers& workers_;
  std::unique_ptr<Worker> worker_;
  Ends ends_;
  std::string likeness_;
  bool is_stopped_ = false;
};

Workers::Workers(asio::any_io_executor executor, std::chrono::milliseconds idle_max)
    : executor_(std::move(executor)), idle_max_(idle_max), watch_(executor_), ending_(executor_) {}

Workers::~Workers() = default;

std::unique_ptr<Fed> Workers::start(const Call& call) {
  const source::FileDescriptor folder = opened_folder(call.folder);
  FedStreams theirs;
  Ends ends(executor_, theirs);
  // One that has died meanwhile takes nothing; a new one takes what is no message either.
  while (std::unique_ptr<Worker> worker = take(call.likeness)) {
    if (worker->begin(call, theirs, folder.get()))
      return std::make_unique<WorkerCall>(*this, std::move(worker), std::move(ends), call.likeness);
    let_go(std::move(worker));
  }
  auto worker = std::make_unique<Worker>(executor_);
  if (worker->begin(call, theirs, folder.get()))
    return std::make_unique<WorkerCall>(*this, std::move(worker), std::move(ends), call.likeness);
  let_go(std::move(worker));
  return std::make_unique<Child>(executor_, call);
}

/// The one that was needed last, of those that ran calls of this likeness if there are some;
/// nothing where none is idle.
std::unique_ptr<Worker> Workers::take(const std::string& likeness) {
  if (idle_.empty()) return nullptr;
  const auto is_like = [&likeness](const Idle& idle) { return idle.likeness == likeness; };
  auto found = std::find_if(idle_.rbegin(), idle_.rend(), is_like);
  if (found == idle_.rend()) found = idle_.rbegin();
  std::unique_ptr<Worker> worker = std::move(found->worker);
  idle_.erase(std::next(found).base());
  return worker;
}

void Workers::put_back(std::unique_ptr<Worker> worker, std::string likeness) {
  idle_.push_back({std::move(worker), std::move(likeness), async::Clock::now()});
  if (idle_.size() == 1) watch();
}

/// Waits for the end of the idlest one's time.
void Workers::watch() {
  const auto on_time = [this](boost::system::error_code error) {
    if (error) return;
    const auto long_ago = async::Clock::now() - idle_max_;
    while (!idle_.empty() && idle_.front().since <= long_ago) {
      let_go(std::move(idle_.front().worker));
      idle_.pop_front();
    }
    if (!idle_.empty()) watch();
  };
  watch_.expires_at(idle_.front().since + idle_max_);
  watch_.async_wait(on_time);
}

void Workers::let_go(std::unique_ptr<Worker> worker) {
  worker->let_go();
  ending_.spawn(see_it_end(std::move(worker)));
}

asio::awaitable<void> Workers::end() {
  watch_.cancel();
  while (!idle_.empty()) {
    let_go(std::move(idle_.front().worker));
    idle_.pop_front();
  }
  co_await ending_.join();
}

}  // namespace sluice::process

#include <gtest/gtest.h>

#include <string>

#include "async/deadline.hpp"
#include "async/gather.hpp"
#include "async/rate_limiter.hpp"
#include "async/retry.hpp"
#include "async/semaphore.hpp"
#include "async/work_queue.hpp"
#include "base/chunks_of.hpp"

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

/// Coroutines on a clock that stands still until the test moves it.
class Patterns : public ::testing::Test {
 protected:
  /// Starts a coroutine; ended() and error() say what became of it.
  void start(asio::awaitable<void> task) {
    const auto on_end = [this](const std::exception_ptr& error) {
      ended_ = true;
      error_ = error;
    };
    ended_ = false;
    asio::co_spawn(io_, std::move(task), asio::bind_cancellation_slot(signal_.slot(), on_end));
    settle();
  }

  /// Runs until all wait for the clock.
  void settle() {
    io_.restart();
    io_.poll();
  }

  void advance(Clock::duration duration) {
    time_.advance(duration);
    settle();
  }

  void cancel() {
    signal_.emit(asio::cancellation_type::terminal);
    settle();
  }

  bool ended() const { return ended_; }

  /// "" if it ended well.
  std::string error() const {
    if (!error_) return {};
    try {
      std::rethrow_exception(error_);
    } catch (const boost::system::system_error& e) {
      return e.code() == asio::error::operation_aborted ? "cancelled" : e.what();
    } catch (const std::exception& e) {
      return e.what();
    }
  }

  asio::awaitable<int> after(Clock::duration delay, int value) {
    ++running_;
    running_max_ = std::max(running_max_, running_);
    try {
      co_await time_.sleep_for(delay);
    } catch (...) {
      --running_;
      log_ += "x" + std::to_string(value) + " ";
      throw;
    }
    --running_;
    log_ += std::to_string(value) + " ";
    co_return value;
  }

  asio::awaitable<void> wait_for(Clock::duration delay) { (void)co_await after(delay, 1); }

  asio::awaitable<int> fail_after(Clock::duration delay) {
    co_await time_.sleep_for(delay);
    throw std::runtime_error("broken");
  }

  asio::io_context io_;
  ManualTime time_{io_.get_executor()};
  asio::cancellation_signal signal_;
  bool ended_ = false;
  std::exception_ptr error_;
  std::string log_;
  int running_ = 0;
  int running_max_ = 0;
};

TEST_F(Patterns, ManualTimeWakesWhoseTimeHasCome) {
  start(wait_for(5s));
  EXPECT_EQ(time_.now() + 5s, time_.next_wake_up());
  advance(4s);
  EXPECT_FALSE(ended());
  advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ(Clock::time_point::max(), time_.next_wake_up());
}

class Gather : public Patterns {
 protected:
  asio::awaitable<void> gather_three(GatherLimit limit, bool one_fails, std::vector<int>& results) {
    std::vector<asio::awaitable<int>> tasks;
    tasks.push_back(after(3s, 1));
    tasks.push_back(one_fails ? fail_after(1s) : after(1s, 2));
    tasks.push_back(after(2s, 3));
    results = co_await gather(std::move(tasks), limit);
  }

  asio::awaitable<void> settle_three(std::vector<std::string>& results) {
    std::vector<asio::awaitable<int>> tasks;
    tasks.push_back(after(3s, 1));
    tasks.push_back(fail_after(1s));
    tasks.push_back(after(2s, 3));
    for (const auto& result : co_await gather_settled(std::move(tasks)))
      results.push_back(result ? std::to_string(*result) : "failed");
  }
};

TEST_F(Gather, GivesResultsInTheOrderOfTheTasks) {
  std::vector<int> results;
  start(gather_three({}, false, results));
  advance(1s);
  advance(1s);
  EXPECT_FALSE(ended());
  advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ((std::vector{1, 2, 3}), results);
  EXPECT_EQ("2 3 1 ", log_);
}

TEST_F(Gather, TheFirstFailureCancelsTheOthers) {
  std::vector<int> results;
  start(gather_three({}, true, results));
  advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ("broken", error());
  EXPECT_TRUE(log_ == "x1 x3 " || log_ == "x3 x1 ") << log_;
}

TEST_F(Gather, RunsNoMoreThanTheLimitAtOnce) {
  std::vector<int> results;
  start(gather_three({.running_max = 2}, false, results));
  for (int i = 0; i < 6; ++i) advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ(2, running_max_);
  EXPECT_EQ((std::vector{1, 2, 3}), results);
}

TEST_F(Gather, KeepsFailuresAsValues) {
  std::vector<std::string> results;
  start(settle_three(results));
  for (int i = 0; i < 3; ++i) advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ((std::vector<std::string>{"1", "failed", "3"}), results);
}

TEST_F(Gather, ACancelledCallerCancelsItsTasks) {
  std::vector<int> results;
  start(gather_three({}, false, results));
  advance(1s);
  cancel();
  EXPECT_TRUE(ended());
  EXPECT_EQ("cancelled", error());
  EXPECT_EQ("2 x1 x3 ", log_);
}

class SemaphoreTest : public Patterns {
 protected:
  asio::awaitable<void> use(Semaphore& semaphore, int name, Clock::duration time) {
    const Semaphore::Permit permit = co_await semaphore.acquire();
    log_ += "+" + std::to_string(name) + " ";
    co_await time_.sleep_for(time);
    log_ += "-" + std::to_string(name) + " ";
  }

  asio::awaitable<void> use_in_turn(Semaphore& semaphore, TaskGroup& group) {
    for (int i = 1; i <= 4; ++i) group.spawn(use(semaphore, i, i * 1s));
    co_await group.join();
  }
};

TEST_F(SemaphoreTest, GivesPermitsInTheOrderOfAsking) {
  Semaphore semaphore(io_.get_executor(), 2);
  TaskGroup group(io_.get_executor());
  start(use_in_turn(semaphore, group));
  EXPECT_EQ("+1 +2 ", log_);
  EXPECT_EQ(2U, semaphore.waiting());
  advance(1s);
  EXPECT_EQ("+1 +2 -1 +3 ", log_);
  semaphore.resize(3);
  settle();
  EXPECT_EQ("+1 +2 -1 +3 +4 ", log_);
  advance(10s);
  EXPECT_TRUE(ended());
  EXPECT_EQ(0U, semaphore.taken());
}

TEST_F(SemaphoreTest, WhoIsCancelledLeavesTheLine) {
  Semaphore semaphore(io_.get_executor(), 1);
  TaskGroup group(io_.get_executor());
  start(use_in_turn(semaphore, group));
  cancel();
  EXPECT_EQ("cancelled", error());
  EXPECT_EQ(0U, semaphore.waiting());
  EXPECT_EQ(0U, semaphore.taken());
}

class Deadlines : public Patterns {
 protected:
  static asio::awaitable<int> at_once(int value) { co_return value; }

  asio::awaitable<void> run_until(asio::awaitable<int> task, Clock::duration patience) {
    asio::awaitable<int> limited = with_deadline(std::move(task), time_.now() + patience, time_);
    const int value = co_await std::move(limited);
    log_ += "got " + std::to_string(value);
  }
};

TEST_F(Deadlines, WhatIsDoneInTimeIsGiven) {
  start(run_until(after(2s, 5), 3s));
  advance(2s);
  EXPECT_TRUE(ended());
  EXPECT_EQ("", error());
  EXPECT_EQ("5 got 5", log_);
}

TEST_F(Deadlines, WhatIsNotIsCancelledAndWaitedFor) {
  start(run_until(after(4s, 5), 3s));
  advance(3s);
  EXPECT_TRUE(ended());
  EXPECT_EQ("not done in time", error());
  EXPECT_EQ("x5 ", log_);
}

TEST_F(Deadlines, WhatNeedsNoTimeIsDone) {
  start(run_until(at_once(5), 3s));
  EXPECT_TRUE(ended());
  EXPECT_EQ("got 5", log_);
}

TEST_F(Deadlines, FailuresAndCancellationsAreNoTimeOut) {
  start(run_until(fail_after(1s), 3s));
  advance(1s);
  EXPECT_EQ("broken", error());
  start(run_until(after(4s, 5), 3s));
  cancel();
  EXPECT_TRUE(ended());
  EXPECT_EQ("cancelled", error());
}

class Retries : public Patterns {
 protected:
  asio::awaitable<void> attempt() {
    ++attempts_;
    co_await time_.sleep_for(100ms);
    if (attempts_ < succeeds_at_) throw std::runtime_error("attempt " + std::to_string(attempts_));
  }

  asio::awaitable<void> try_again() {
    const Backoff backoff{1s, 8s};
    const auto decide =
        [backoff](const std::exception_ptr&, std::size_t tries,
                  std::chrono::milliseconds elapsed) -> std::optional<std::chrono::milliseconds> {
      if (elapsed > 20s) return std::nullopt;
      return backoff.delay(tries, 0.0);
    };
    const auto once = [this] { return attempt(); };
    co_await retry(once, decide, time_);
  }

  int attempts_ = 0;
  int succeeds_at_ = 0;
};

TEST_F(Retries, WaitLongerEachTime) {
  succeeds_at_ = 4;
  start(try_again());
  std::vector<int> after_attempt;
  for (int tenths = 0; tenths < 60 && !ended(); ++tenths) {
    const int before = attempts_;
    advance(100ms);
    if (attempts_ > before) after_attempt.push_back(tenths + 1);
  }
  EXPECT_TRUE(ended());
  EXPECT_EQ("", error());
  // Each attempt takes 0.1 s; between them are 0.5 s, 1 s and 2 s.
  EXPECT_EQ((std::vector{6, 17, 38}), after_attempt);
}

TEST_F(Retries, GiveUpWithTheLastFailure) {
  succeeds_at_ = 1000;
  start(try_again());
  for (int i = 0; i < 400 && !ended(); ++i) advance(100ms);
  EXPECT_TRUE(ended());
  EXPECT_EQ("attempt " + std::to_string(attempts_), error());
}

TEST_F(Retries, ACancellationIsNotRetried) {
  succeeds_at_ = 1000;
  start(try_again());
  cancel();
  EXPECT_TRUE(ended());
  EXPECT_EQ("cancelled", error());
  EXPECT_EQ(1, attempts_);
}

class RateLimits : public Patterns {
 protected:
  asio::awaitable<void> send(RateLimiter& limiter, std::vector<double> amounts) {
    for (const double amount : amounts) {
      co_await limiter.acquire(amount);
      log_ += std::to_string(static_cast<int>(amount)) + "@" +
              std::to_string(
                  std::chrono::duration_cast<std::chrono::seconds>(time_.now().time_since_epoch())
                      .count()) +
              " ";
    }
  }
};

TEST_F(RateLimits, LetThroughSoMuchASecond) {
  RateLimiter limiter(10, 0, time_);
  start(send(limiter, {20, 5, 5, 100, 1}));
  for (int i = 0; i < 20; ++i) advance(1s);
  EXPECT_TRUE(ended());
  // What is larger than a second's worth goes at once, and is paid for afterwards.
  EXPECT_EQ("20@0 5@2 5@3 100@3 1@13 ", log_);
}

TEST_F(RateLimits, ABurstIsSavedUpInAPause) {
  time_.advance(100s);
  RateLimiter limiter(10, 30, time_);
  start(send(limiter, {10, 10, 10, 10, 10, 10}));
  for (int i = 0; i < 5; ++i) advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ("10@100 10@100 10@100 10@100 10@101 10@102 ", log_);
}

class WorkQueues : public Patterns {
 protected:
  asio::awaitable<void> work(int item) {
    (void)co_await after(1s, item);
    if (item == bad_) throw std::runtime_error("bad item");
  }

  asio::awaitable<void> produce_and_join() {
    const auto on_item = [this](int item) { return work(item); };
    WorkQueue<int> queue(co_await asio::this_coro::executor, 2, 2, on_item);
    std::exception_ptr stopped;
    try {
      for (int i = 1; i <= 8; ++i) {
        co_await queue.put(i);
        ++produced_;
      }
    } catch (const boost::system::system_error&) {
      stopped = std::current_exception();
    }
    co_await queue.join();
    if (stopped) std::rethrow_exception(stopped);
  }

  int bad_ = 0;
  int produced_ = 0;
};

TEST_F(WorkQueues, WorkersShareTheItemsAndProducersWait) {
  start(produce_and_join());
  EXPECT_EQ(4, produced_);  // two are worked on, two wait
  for (int i = 0; i < 3; ++i) advance(1s);
  EXPECT_FALSE(ended());
  advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ("1 2 3 4 5 6 7 8 ", log_);
  EXPECT_EQ(2, running_max_);
}

TEST_F(WorkQueues, AFailureEndsWorkersAndProducers) {
  bad_ = 3;
  start(produce_and_join());
  for (int i = 0; i < 4; ++i) advance(1s);
  EXPECT_TRUE(ended());
  EXPECT_EQ("bad item", error());
  EXPECT_LT(produced_, 8);
}

TEST(ChunksOf, AreOfOneSizeButTheLast) {
  const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7};
  std::string text;
  for (const std::span<const int> chunk : chunks_of(numbers, 3)) {
    for (const int number : chunk) text += std::to_string(number);
    text += "|";
  }
  EXPECT_EQ("123|456|7|", text);
  for (const auto chunk : chunks_of(std::vector<int>(), 3)) FAIL() << chunk.size();
}

}  // namespace
}  // namespace sluice::async

#include <gtest/gtest.h>

#include "async/channel.hpp"
#include "async/free_list.hpp"
#include "async/offload.hpp"
#include "async/run_beside.hpp"
#include "async/task_group.hpp"
#include "support/coroutine.hpp"

namespace sluice::async {
namespace {

using namespace std::chrono_literals;

/// Runs one coroutine to its end on an io_context.
void run(asio::awaitable<void> task, asio::io_context& io) { test::run(io, std::move(task)); }

asio::awaitable<void> send_numbers(Channel<std::unique_ptr<int>>& channel, int count) {
  for (int i = 0; i < count; ++i) co_await channel.send(std::make_unique<int>(i));
  channel.close();
}

asio::awaitable<void> receive_numbers(Channel<std::unique_ptr<int>>& channel,
                                      std::vector<int>& numbers) {
  while (std::optional<std::unique_ptr<int>> number = co_await channel.receive())
    numbers.push_back(**number);
}

asio::awaitable<void> send_and_receive(std::vector<int>& numbers) {
  const auto executor = co_await asio::this_coro::executor;
  Channel<std::unique_ptr<int>> channel(executor, 3);
  TaskGroup tasks(executor);
  tasks.spawn(send_numbers(channel, 100));
  tasks.spawn(receive_numbers(channel, numbers));
  co_await tasks.join();
}

TEST(Channel, KeepsOrderAndWhatIsInsideWhenClosed) {
  asio::io_context io;
  std::vector<int> numbers;
  run(send_and_receive(numbers), io);
  ASSERT_EQ(100U, numbers.size());
  EXPECT_EQ(99, numbers.back());
}

asio::awaitable<void> close_before_receive(std::vector<int>& numbers) {
  Channel<std::unique_ptr<int>> channel(co_await asio::this_coro::executor, 3);
  EXPECT_TRUE(channel.try_send(std::make_unique<int>(1)));
  EXPECT_TRUE(channel.try_send(std::make_unique<int>(2)));
  channel.close();
  EXPECT_FALSE(channel.try_send(std::make_unique<int>(3)));
  co_await receive_numbers(channel, numbers);
}

TEST(Channel, CloseForgetsNothing) {
  asio::io_context io;
  std::vector<int> numbers;
  run(close_before_receive(numbers), io);
  EXPECT_EQ((std::vector<int>{1, 2}), numbers);
}

asio::awaitable<void> fail_at_once() {
  throw std::runtime_error("first");
  co_return;
}

asio::awaitable<void> wait_for_ever(bool& cancelled) {
  Event never(co_await asio::this_coro::executor);
  try {
    co_await never.wait();
  } catch (const boost::system::system_error&) {
    cancelled = true;
    throw;
  }
}

asio::awaitable<void> join_failing_group(bool& cancelled) {
  TaskGroup tasks(co_await asio::this_coro::executor);
  tasks.spawn(wait_for_ever(cancelled));
  tasks.spawn(fail_at_once());
  co_await tasks.join();
}

TEST(TaskGroup, FirstErrorCancelsTheOthersAndIsThrown) {
  asio::io_context io;
  bool cancelled = false;
  try {
    run(join_failing_group(cancelled), io);
    FAIL() << "nothing thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ("first", error.what());
  }
  EXPECT_TRUE(cancelled);
}

asio::awaitable<void> cancel_a_waiting_join(bool& inner_cancelled, bool& joined) {
  const auto executor = co_await asio::this_coro::executor;
  TaskGroup outer(executor);
  const auto inner = [](bool& cancelled, bool& done) -> asio::awaitable<void> {
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn(wait_for_ever(cancelled));
    try {
      co_await tasks.join();
    } catch (const boost::system::system_error&) {
      done = true;
      throw;
    }
  };
  outer.spawn(inner(inner_cancelled, joined));
  co_await sleep_for(1ms);
  outer.cancel();
  co_await outer.join();
}

TEST(TaskGroup, CancellingAJoinCancelsItsTasksAndStillWaitsForThem) {
  asio::io_context io;
  bool inner_cancelled = false;
  bool joined = false;
  EXPECT_THROW(run(cancel_a_waiting_join(inner_cancelled, joined), io),
               boost::system::system_error);
  EXPECT_TRUE(inner_cancelled);
  EXPECT_TRUE(joined);
}

asio::awaitable<void> sleep_with_one_beside(bool& cancelled) {
  TaskGroup beside(co_await asio::this_coro::executor);
  beside.spawn(wait_for_ever(cancelled));
  asio::awaitable<void> task = sleep_for(1h);
  co_await run_beside(std::move(task), beside);
}

/// Asio refuses each wait of a coroutine that was cancelled.
TEST(TaskGroup, WhatRanBesideACancelledTaskIsWaitedFor) {
  asio::io_context io;
  asio::cancellation_signal signal;
  bool cancelled = false;
  std::exception_ptr failed;
  const auto on_end = [&failed](const std::exception_ptr& error) { failed = error; };
  asio::co_spawn(io, sleep_with_one_beside(cancelled),
                 asio::bind_cancellation_slot(signal.slot(), on_end));
  io.poll();
  EXPECT_FALSE(cancelled);
  signal.emit(asio::cancellation_type::terminal);
  io.run();
  EXPECT_TRUE(cancelled);
  EXPECT_THROW(std::rethrow_exception(failed), boost::system::system_error);
}

asio::awaitable<void> take_and_return(int& most) {
  FreeList<int> list(co_await asio::this_coro::executor, 2);
  auto first = co_await list.take();
  auto second = co_await list.take();
  most = first != nullptr && second != nullptr ? 2 : 0;
  first.reset();
  auto third = co_await list.take();
  EXPECT_NE(nullptr, third);
}

TEST(FreeList, LendsAFixedNumber) {
  asio::io_context io;
  int most = 0;
  run(take_and_return(most), io);
  EXPECT_EQ(2, most);
}

asio::awaitable<void> offload_both(asio::thread_pool& pool, int& answer, bool& thrown) {
  const auto compute = [] { return 42; };
  const auto fail = []() -> int { throw std::runtime_error("on the pool"); };
  answer = co_await offload(pool, compute);
  try {
    co_await offload(pool, fail);
  } catch (const std::runtime_error&) {
    thrown = true;
  }
}

TEST(Offload, BringsBackResultsAndExceptions) {
  asio::io_context io;
  asio::thread_pool pool(1);
  int answer = 0;
  bool thrown = false;
  run(offload_both(pool, answer, thrown), io);
  pool.join();
  EXPECT_EQ(42, answer);
  EXPECT_TRUE(thrown);
}

}  // namespace
}  // namespace sluice::async

#include "load/together.hpp"

#include <algorithm>
#include <exception>
#include <string_view>

namespace sluice::load {
namespace {

/// Of chunks that are stored in one way: one table, one list of columns.
bool feed_alike(const OneChunk& a, const OneChunk& b) {
  return a.plan.target.table.id == b.plan.target.table.id &&
         a.plan.encoder.column_names() == b.plan.encoder.column_names();
}

}  // namespace

Together::Together(Resources on, std::size_t seats, const asio::any_io_executor& executor)
    : on_(on), awaited_(seats), changed_(executor) {}

void Together::Seat::leave() {
  if (!is_taken_) return;
  is_taken_ = false;
  --group_.awaited_;
  group_.changed_.notify();
}

asio::awaitable<StoredAtOnce> Together::Seat::store(const OneChunk& chunk) {
  Brought brought{chunk};
  if (!group_.is_over_) {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    group_.brought_.push_back(&brought);
    leave();
    while (!group_.is_over_) co_await group_.changed_.wait();
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  }
  if (!brought.stored) throw NotTogether(chunk.plan.source->name());
  co_return std::move(*brought.stored);
}

asio::awaitable<void> Together::run() {
  std::exception_ptr failed;
  try {
    while (awaited_ > 0) co_await changed_.wait();
    co_await store_all();
  } catch (...) {
    failed = std::current_exception();
  }
  is_over_ = true;
  changed_.notify();
  if (failed) std::rethrow_exception(failed);
}

asio::awaitable<void> Together::store_all() {
  const auto begins = [](const Brought* one) {
    return std::string_view(one->chunk.plan.preamble.beginning);
  };
  std::ranges::sort(brought_, {}, begins);
  std::vector<std::vector<Brought*>> groups;
  const Brought* root = nullptr;
  for (Brought* one : brought_) {
    // A header alone begins them all.
    if (one->chunk.plan.preamble.read_ahead.empty()) continue;
    // In this order, what begins with the bytes of another one comes behind it. It is judged when
    // that is in the ledger.
    if (root != nullptr && begins(one).starts_with(begins(root))) continue;
    root = one;
    const auto feeds_alike = [one](const std::vector<Brought*>& group) {
      return feed_alike(group.front()->chunk, one->chunk);
    };
    const auto group = std::ranges::find_if(groups, feeds_alike);
    if (group != groups.end()) {
      group->push_back(one);
    } else {
      groups.push_back({one});
    }
  }
  for (const std::vector<Brought*>& group : groups) co_await store(group);
}

asio::awaitable<void> Together::store(const std::vector<Brought*>& alike) {
  std::vector<const OneChunk*> chunks;
  for (const Brought* one : alike) chunks.push_back(&one->chunk);
  std::optional<std::vector<StoredAtOnce>> stored;
  try {
    stored = co_await store_at_once(on_, chunks);
  } catch (const pg::PgError&) {
    // Each load meets it by itself.
  } catch (const Failure&) {
    // Likewise.
  }
  if (!stored) co_return;
  for (std::size_t i = 0; i < alike.size(); ++i) alike[i]->stored = std::move((*stored)[i]);
}

}  // namespace sluice::load

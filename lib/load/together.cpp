#include "load/together.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "source/fingerprint.hpp"
#include "writer/guard.hpp"

namespace sluice::load {
namespace {

/// What has to be the same for chunks that are stored by one transaction: what it proves of the
/// table, and how it feeds that. A load may have been planned before the table was altered.
std::string way_of(const plan::Plan& plan) {
  const writer::Target& target = plan.target;
  const std::vector<std::string> columns = plan.encoder.column_names();
  const writer::Guard guard(target, target.table, columns);
  std::string way = guard.statements().text() + target.settings_sql.text() +
                    target.user_path_sql.text() + target.data_encoding;
  for (const std::string& column : columns) way += '\n' + column;
  return way;
}

/// What names a file, whatever is in it.
std::vector<std::string> names_of(const ledger::NewLoad& load) {
  return {load.source_path, std::string(source::file_of_stamp(load.source_stamp))};
}

}  // namespace

Together::Together(Resources on, std::size_t seats, ledger::Lengths& lengths,
                   const asio::any_io_executor& executor)
    : on_(on), lengths_(lengths), awaited_(seats), changed_(executor) {}

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
  if (brought.failed) std::rethrow_exception(brought.failed);
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

/// Without those of which one begins with the bytes of another, or that are of one file: each is
/// judged when what came before it is in the ledger.
std::vector<Together::Brought*> Together::without_alike() const {
  const auto begins = [](const Brought* one) {
    return std::string_view(one->chunk.plan.preamble.beginning);
  };
  // In this order, what begins with the bytes of another one comes behind it.
  std::vector<Brought*> sorted = brought_;
  std::ranges::sort(sorted, {}, begins);
  std::set<const Brought*> alike;
  std::map<std::string, const Brought*> named;
  const Brought* root = nullptr;
  for (const Brought* one : sorted) {
    // A header alone begins them all.
    if (one->chunk.plan.preamble.read_ahead.empty()) {
      alike.insert(one);
      continue;
    }
    if (root != nullptr && begins(one).starts_with(begins(root))) {
      alike.insert({root, one});
    } else {
      root = one;
    }
    for (std::string& name : names_of(one->chunk.entry)) {
      const auto [other, is_new] = named.emplace(std::move(name), one);
      if (!is_new) alike.insert({other->second, one});
    }
  }
  std::erase_if(sorted, [&alike](const Brought* one) { return alike.contains(one); });
  return sorted;
}

asio::awaitable<void> Together::store_all() {
  std::map<std::string, std::vector<Brought*>> ways;
  for (Brought* one : without_alike()) ways[way_of(one->chunk.plan)].push_back(one);
  for (const auto& [way, alike] : ways) co_await store(alike);
}

asio::awaitable<void> Together::store(const std::vector<Brought*>& alike) {
  std::vector<const OneChunk*> chunks;
  for (const Brought* one : alike) chunks.push_back(&one->chunk);
  std::optional<std::vector<StoredAtOnce>> stored;
  try {
    stored = co_await store_at_once(on_, chunks, lengths_);
  } catch (const pg::PgError&) {
    // Each load meets it by itself.
  } catch (const Failure&) {
    for (Brought* one : alike) one->failed = std::current_exception();
  }
  if (!stored) co_return;
  for (std::size_t i = 0; i < alike.size(); ++i) alike[i]->stored = std::move((*stored)[i]);
}

}  // namespace sluice::load

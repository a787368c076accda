#include "load/wide_keys.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "async/offload.hpp"
#include "base/endian.hpp"
#include "base/failure.hpp"
#include "load/restore.hpp"
#include "tuple/copy_text.hpp"
#include "tuple/tuple_range.hpp"

namespace sluice::load {
namespace {

bool exceeds_in_binary(std::string_view tuples, std::uint64_t count, const FieldWidth& width) {
  std::vector<std::size_t> lengths;
  const char* at = tuples.data();
  for (; count > 0; --count) {
    const char* const begin = at;
    lengths.resize(static_cast<std::size_t>(load_big_endian<std::int16_t>(at)));
    at += sizeof(std::int16_t);
    for (std::size_t& length : lengths) {
      const auto size = load_big_endian<std::int32_t>(at);
      length = size > 0 ? static_cast<std::size_t>(size) : 0;
      at += sizeof size + length;
    }
    if (static_cast<std::size_t>(at - begin) <= width.bytes_max) continue;
    std::size_t bytes = 0;
    for (const std::size_t field : width.fields) bytes += lengths[field];
    if (bytes > width.bytes_max) return true;
  }
  return false;
}

bool exceeds_in_text(std::string_view tuples, std::uint64_t count, const FieldWidth& width) {
  std::vector<std::string_view> fields;
  for (; count > 0; --count) {
    tuple::copy_text::split_line(tuples, fields);
    std::size_t bytes = 0;
    for (const std::size_t field : width.fields) bytes += fields[field].size();
    if (bytes > width.bytes_max) return true;
  }
  return false;
}

/// A width that a first value exceeds whatever it is: where a value comes from a default.
FieldWidth width_of(const plan::Plan& plan, const ledger::DeferredIndex& index, bool& is_due) {
  FieldWidth width;
  // What a list makes of a record is not known here.
  if (plan.selecting) is_due = true;
  const std::vector<std::string> loaded = plan.encoder.column_names();
  for (const std::string& column : index.wide_columns) {
    const auto at = std::ranges::find(loaded, column);
    if (at != loaded.end()) {
      width.fields.push_back(static_cast<std::size_t>(at - loaded.begin()));
      continue;
    }
    const auto in_table = plan.target.table.find(column);
    is_due = is_due || !in_table || plan.target.table.columns[*in_table].has_default;
  }
  // A character may have more bytes in the database's encoding than in the client's: never more
  // than four, and seldom more than in UTF-8.
  const std::size_t bytes = index.wide_bytes;
  width.bytes_max = plan.target.session.text_is_utf8 ? bytes / 4 * 3 : bytes / 4;
  return width;
}

}  // namespace

bool exceeds(const tuple::Batch& batch, const FieldWidth& width) {
  if (width.fields.empty()) return false;
  if (batch.fast.tuples > 0) {
    const tuple::TupleRange fast = tuple::whole(batch, tuple::LaneName::fast);
    if (exceeds_in_binary(fast.pieces[1], fast.tuples, width)) return true;
  }
  return batch.slow.tuples > 0 && exceeds_in_text(batch.slow.bytes(), batch.slow.tuples, width);
}

WideKeys::WideKeys(Resources on, const plan::Plan& plan, std::vector<ledger::DeferredIndex> indexes,
                   std::vector<std::string>& notes, const asio::any_io_executor& executor)
    : on_(on), plan_(plan), notes_(notes), turn_(executor, 1) {
  for (ledger::DeferredIndex& index : indexes) {
    if (index.wide_columns.empty()) continue;
    Watched watched{std::move(index), {}, false};
    watched.width = width_of(plan, watched.index, watched.is_due);
    watched_.push_back(std::move(watched));
  }
}

asio::awaitable<void> WideKeys::admit(const tuple::Batch& batch) {
  if (watched_.empty()) co_return;
  // What is being built now is needed by this batch too, or by none.
  const async::Semaphore::Permit turn = co_await turn_.acquire();
  if (watched_.empty()) co_return;
  const auto judge = [this, &batch] {
    for (Watched& watched : watched_)
      watched.is_due = watched.is_due || exceeds(batch, watched.width);
  };
  co_await async::offload(on_.cpu, judge);
  if (std::ranges::any_of(watched_, &Watched::is_due)) co_await build_due();
}

asio::awaitable<void> WideKeys::build_due() {
  std::vector<ledger::DeferredIndex> due;
  for (const Watched& watched : watched_)
    if (watched.is_due) due.push_back(watched.index);
  const auto told = [](const ledger::DeferredIndex&, bool) {};
  const auto never = [] { return false; };
  const Restored restored = co_await restore_indexes(
      on_.pool, std::move(due), plan_.target.settings_sql, plan_.jobs, told, never);
  if (!restored.refused.empty()) throw Failure(FailureKind::failed, restored.refused.front());
  for (const std::string& name : restored.built) {
    notes_.push_back(
        fmt::format("built {} again before the end: it may find a value too long, and such a "
                    "record is to be named",
                    name));
  }
  std::erase_if(watched_, [](const Watched& watched) { return watched.is_due; });
}

}  // namespace sluice::load

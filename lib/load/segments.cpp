#include "load/segments.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "async/time.hpp"
#include "base/limits.hpp"
#include "ledger/damaged.hpp"

namespace sluice::load {

Segments::Segments(Run& run, const plan::Plan& plan, rejects::RejectBudget& budget,
                   ledger::SegmentHolder holder)
    : run_(run),
      plan_(plan),
      budget_(budget),
      holder_(std::move(holder)),
      policy_{plan.options.retry_for, retry_backoff, true},
      reader_(new_reader()) {}

chunk::SegmentReader Segments::new_reader() const {
  return {*plan_.source,           plan_.segments(),      plan_.options.dialect,
          plan_.preamble.line_end, plan_.options.scanner, plan_.options.record_bytes_max};
}

/// Whatever is asked may be asked twice.
asio::awaitable<void> Segments::ask(const Asking& asking) {
  const auto try_it = [this, &asking]() -> asio::awaitable<void> {
    pg::Lease connection = co_await run_.on.pool.acquire();
    co_await asking(*connection);
  };
  const auto decide = [this](const std::exception_ptr& failure, std::size_t tries,
                             std::chrono::milliseconds elapsed) {
    return run_.is_stopped ? std::nullopt : policy_.next(failure, tries, elapsed);
  };
  co_await async::retry(try_it, decide);
}

ledger::SegmentHolder Segments::other(std::string id) const {
  ledger::SegmentHolder other = holder_;
  other.id = std::move(id);
  return other;
}

std::vector<std::int64_t> Segments::in_hand() const {
  std::vector<std::int64_t> numbers;
  for (const auto& [number, held] : held_) numbers.push_back(number);
  return numbers;
}

/// What somebody who is gone has left at the server would keep his chunks from being stored.
asio::awaitable<std::optional<ledger::TakenSegment>> Segments::take(
    std::optional<std::int64_t> in_front_of) {
  std::optional<ledger::TakenSegment> taken;
  const std::vector<std::int64_t> in_hand = this->in_hand();
  const Asking asking = [&](pg::Connection& on) -> asio::awaitable<void> {
    taken = co_await ledger::take_segment(on, holder_, in_hand, in_front_of);
    if (!taken || taken->former.empty()) co_return;
    ledger::RunLockNames names = names_of(other(taken->former));
    co_await ledger::RunLock::end_left(on, std::move(names));
  };
  co_await ask(asking);
  co_return taken;
}

/// Rejects count wherever they were found. REQUIRES: no chunk is being read.
asio::awaitable<ledger::SegmentsState> Segments::look() {
  ledger::SegmentsState state;
  const std::vector<std::int64_t> in_flight(in_flight_.begin(), in_flight_.end());
  const std::vector<std::int64_t> in_hand = this->in_hand();
  const std::uint64_t own_records = own_records_;
  const std::uint64_t own_rejects = own_rejects_;
  const Asking asking = [&](pg::Connection& on) -> asio::awaitable<void> {
    state = co_await ledger::segments_state(on, holder_, in_hand, in_flight);
  };
  co_await ask(asking);
  budget_.count_others(state.records - std::min(state.records, own_records),
                       state.rejects - std::min(state.rejects, own_rejects));
  co_return state;
}

asio::awaitable<std::unique_ptr<Segments::Taken>> Segments::next() {
  while (!run_.is_stopped) {
    const ledger::SegmentsState state = co_await look();
    const std::optional<ledger::TakenSegment> taken = co_await take(std::nullopt);
    if (taken) co_return co_await begin(taken->number);
    if (state.of_others == 0 || (!is_lead() && !state.has_lead)) co_return nullptr;
    co_await end_silent(state.others);
    co_await async::sleep_for(limits::segment_poll);
  }
  co_return nullptr;
}

/// Of those who have what this one waits for.
asio::awaitable<void> Segments::end_silent(const std::vector<std::string>& others) {
  const Asking asking = [&](pg::Connection& on) -> asio::awaitable<void> {
    for (const std::string& id : others) {
      ledger::RunLockNames names = names_of(other(id));
      co_await ledger::RunLock::end_where_silent(on, std::move(names));
    }
    if (!is_lead()) co_await ledger::RunLock::end_where_silent(on, holder_.lock);
  };
  co_await ask(asking);
  co_await tell_wait(others);
}

/// One that is not given up when its lease is over may be waited for for ever.
asio::awaitable<void> Segments::tell_wait(const std::vector<std::string>& others) {
  if (!waits_since_) waits_since_ = async::Clock::now();
  if (has_told_wait_ || async::Clock::now() - *waits_since_ < holder_.lock.lease) co_return;
  std::vector<ledger::RunLockNames> waited_for;
  for (const std::string& id : others) waited_for.push_back(names_of(other(id)));
  if (!is_lead()) waited_for.push_back(holder_.lock);
  for (const ledger::RunLockNames& names : waited_for) {
    std::string shown;
    const Asking asking = [&](pg::Connection& on) -> asio::awaitable<void> {
      shown = co_await ledger::RunLock::not_to_be_ended(on, names);
    };
    co_await ask(asking);
    if (shown.empty()) continue;
    has_told_wait_ = true;
    run_.note(fmt::format(
        "waits for parts of load {} that {} has: should it be silent, only a member of that "
        "role can end it",
        holder_.load.value, shown));
    co_return;
  }
}

asio::awaitable<std::unique_ptr<Segments::Taken>> Segments::begin(std::int64_t number) {
  const auto read = [this, number] { return reader_.read(number); };
  const chunk::SegmentFacts facts = co_await async::offload(run_.on.reader, read);
  const Asking noting = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::note_facts(on, holder_, number, numbers_of(facts), false);
  };
  co_await ask(noting);
  if (!co_await find_start(number)) co_return nullptr;
  const auto take_text = [this] { return reader_.take(start_); };
  chunk::SegmentText text = co_await async::offload(run_.on.reader, take_text);
  auto taken = std::unique_ptr<Taken>(
      new Taken{number, plan_.preamble, {}, source::EndedSource(*plan_.source)});
  taken->preamble.start = text.start;
  taken->preamble.read_ahead = std::move(text.bytes);
  taken->preamble.read_ahead_begin = text.begin;
  const Asking finding = [&](pg::Connection& on) -> asio::awaitable<void> {
    taken->stored = co_await ledger::stored_chunks_of(on, holder_.load, number);
  };
  co_await ask(finding);
  held_[number];
  waits_since_.reset();
  ++taken_;
  co_return taken;
}

/// Waits until all in front of it are scanned; false where the run is stopped, or nobody leads.
asio::awaitable<bool> Segments::find_start(std::int64_t number) {
  const std::size_t ways = chunk::ways_to_begin(plan_.options.dialect, plan_.preamble.line_end);
  if (number < known_to_) {
    known_to_ = 0;
    start_ = {};
  }
  while (!run_.is_stopped) {
    std::vector<std::vector<std::int64_t>> found;
    const Asking finding = [&](pg::Connection& on) -> asio::awaitable<void> {
      found = co_await ledger::find_facts(on, holder_.load, known_to_, number);
    };
    co_await ask(finding);
    for (const std::vector<std::int64_t>& numbers : found) {
      const auto facts = chunk::facts_of(numbers, ways);
      if (!facts)
        throw ledger::damaged(holder_.load, fmt::format("the facts of segment {} are not those of "
                                                        "a scan",
                                                        known_to_));
      start_ = start_.behind(*facts);
      ++known_to_;
    }
    if (known_to_ == number) co_return true;
    const ledger::SegmentsState state = co_await look();
    // What the run had that has the load's lock, only the next such run takes.
    if (!is_lead() && !state.has_lead) co_return false;
    const bool is_scanned = co_await scan_missing(number);
    if (!is_scanned) co_await require_scannable();
    if (!is_scanned) co_await end_silent(state.others);
    co_await async::sleep_for(limits::segment_poll);
  }
  co_return false;
}

/// What nobody will ever scan is not waited for.
asio::awaitable<void> Segments::require_scannable() {
  const Asking asking = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::require_scannable(on, holder_.load, known_to_);
  };
  co_await ask(asking);
}

/// Whoever had it is gone before it was scanned: that cannot wait until it is loaded.
asio::awaitable<bool> Segments::scan_missing(std::int64_t number) {
  held_[number];  // it is not to be taken once more
  const std::optional<ledger::TakenSegment> taken = co_await take(number);
  if (!taken) co_return false;
  const auto read = [this, &taken] { return new_reader().read(taken->number); };
  const chunk::SegmentFacts facts = co_await async::offload(run_.on.reader, read);
  const Asking noting = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::note_facts(on, holder_, taken->number, numbers_of(facts), true);
  };
  co_await ask(noting);
  co_return true;
}

void Segments::read(const chunk::Chunk& chunk, bool is_known) {
  Held& held = held_[ledger::segment_of_chunk(chunk.number)];
  ++held.read.chunks;
  held.read.bytes += chunk.size;
  held.read.records += chunk.records;
  if (is_known) return;
  ++held.in_flight;
  in_flight_.insert(chunk.number);
}

asio::awaitable<void> Segments::end_reading(std::int64_t segment) {
  held_[segment].is_read = true;
  co_await end_if_stored(segment);
}

asio::awaitable<void> Segments::stored(const chunk::Chunk& chunk, std::uint64_t rows_rejected) {
  const std::int64_t segment = ledger::segment_of_chunk(chunk.number);
  in_flight_.erase(chunk.number);
  own_records_ += chunk.records;
  own_rejects_ += rows_rejected;
  --held_[segment].in_flight;
  co_await end_if_stored(segment);
}

asio::awaitable<void> Segments::end_if_stored(std::int64_t segment) {
  const Held held = held_[segment];
  if (!held.is_read || held.in_flight > 0) co_return;
  const Asking noting = [&](pg::Connection& on) -> asio::awaitable<void> {
    co_await ledger::note_stored(on, holder_, segment, held.read);
  };
  co_await ask(noting);
  held_.erase(segment);
}

asio::awaitable<ledger::Read> Segments::all_read() {
  const ledger::SegmentsState state = co_await look();
  const chunk::SegmentLayout layout = plan_.segments();
  const std::uint64_t wanted = layout.length - std::min(layout.length, layout.first.byte_offset);
  if (state.unfinished > 0 || state.read.bytes != wanted)
    throw Failure(FailureKind::failed,
                  fmt::format("the segments of load {} do not make up {}: {} are not stored, and "
                              "{} of its {} bytes are in the others",
                              holder_.load.value, plan_.source->name(), state.unfinished,
                              state.read.bytes, wanted),
                  fmt::format("See pgsluice loads show {}.", holder_.load.value));
  budget_.set_total(state.read.records);
  co_return state.read;
}

}  // namespace sluice::load

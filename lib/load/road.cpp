#include "load/road.hpp"

#include <fmt/format.h>

#include <limits>

#include "async/offload.hpp"
#include "chunk/chunker.hpp"
#include "load/segments.hpp"

namespace sluice::load {
namespace {

/// Where a chunk's number is not known: behind all that were read.
constexpr std::int64_t behind_all = std::numeric_limits<std::int64_t>::max();

double seconds_since(async::Clock::time_point began) {
  return std::chrono::duration<double>(async::Clock::now() - began).count();
}

}  // namespace

Road::Road(Storing& with, ledger::StoredChunks stored, Progress& progress,
           const asio::any_io_executor& executor)
    : with_(with),
      on_(with.on),
      plan_(with.plan),
      stored_(std::move(stored)),
      progress_(progress),
      free_chunks_(executor, plan_.chunk_buffers(plan_.writers()),
                   plan_.chunk_buffers(plan_.writers_max())),
      free_batches_(executor, plan_.batch_buffers(plan_.writers()),
                    plan_.batch_buffers(plan_.writers_max())),
      to_encode_(executor, plan_.chunk_buffers(plan_.writers_max())),
      to_write_(executor, plan_.batch_buffers(plan_.writers_max())),
      encoding_(executor, plan_.encoders(plan_.writers())),
      tasks_(executor),
      checker_(with),
      key_order_(executor),
      records_read_(plan_.passed.records),
      bytes_read_(plan_.passed.bytes),
      chunks_read_(plan_.passed.chunks) {
  // No burst: the first chunk goes at once, and is paid for.
  if (const auto rate = plan_.options.bytes_per_second_max)
    bytes_rate_.emplace(static_cast<double>(*rate), 0.0);
  if (const auto rate = plan_.options.rows_per_second_max)
    rows_rate_.emplace(static_cast<double>(*rate), 0.0);
}

asio::awaitable<void> Road::run() {
  const auto began = async::Clock::now();
  tasks_.spawn(read_all());
  encoders_running_ = plan_.encoders(plan_.writers_max());
  progress_.own.encoders = plan_.encoders(plan_.writers());
  for (std::size_t i = encoders_running_; i > 0; --i) tasks_.spawn(encode_chunks());
  for (std::size_t i = 0; i < plan_.writers_max(); ++i) tasks_.spawn(write_batches());
  co_await tasks_.join();
  progress_.own.seconds += seconds_since(began);
  co_await checker_.end();
  if (failure_) std::rethrow_exception(failure_->error);
}

/// Whoever has no lease of the pool holds a batch at most.
void Road::work_with(std::size_t connections) {
  on_.pool.allow(connections);
  free_chunks_.allow(plan_.chunk_buffers(connections));
  free_batches_.allow(plan_.batch_buffers(connections));
  encoding_.resize(plan_.encoders(connections));
  progress_.own.encoders = plan_.encoders(connections);
}

asio::awaitable<void> Road::read_all() {
  if (with_.segments != nullptr) {
    co_await read_segments();
  } else {
    chunk::Chunker chunker(*plan_.source, plan_.preamble, plan_.chunker_options());
    if (co_await read_chunks(chunker)) with_.budget.set_total(records_read_);
  }
  to_encode_.close();
}

/// Those that are this run's to load.
asio::awaitable<void> Road::read_segments() {
  try {
    while (!stopping_ && !failure_) {
      const auto began = async::Clock::now();
      const std::unique_ptr<Segments::Taken> segment = co_await with_.segments->next();
      progress_.own.reading += seconds_since(began);
      if (!segment || stopping_ || failure_) break;
      stored_ = std::move(segment->stored);
      chunk::ChunkerOptions options = plan_.chunker_options();
      options.first_number = ledger::first_chunk_of(segment->number);
      chunk::Chunker chunker(segment->behind, std::move(segment->preamble), std::move(options));
      if (co_await read_chunks(chunker)) co_await with_.segments->end_reading(segment->number);
    }
  } catch (const Failure&) {
    fail(behind_all, std::current_exception());
  } catch (const pg::PgError&) {
    fail(behind_all, std::current_exception());
  }
}

/// False where it was stopped.
asio::awaitable<bool> Road::read_chunks(chunk::Chunker& chunker) {
  while (!stopping_ && !failure_) {
    ChunkLease chunk = co_await free_chunks_.take();
    const auto read = [&chunker, &chunk] { return chunker.next(*chunk); };
    bool more = false;
    bool is_known = false;
    const auto began = async::Clock::now();
    try {
      more = co_await async::offload(on_.reader, read);
      progress_.own.reading += seconds_since(began);
      if (stopping_ || failure_) co_return false;
      if (!more) co_return true;
      if (with_.segments != nullptr) require_closed(*chunk);
      is_known = is_stored(*chunk);
    } catch (const Failure&) {
      // A record too large, an unreadable source, a changed one: a failure behind all chunks that
      // were read.
      fail(with_.segments != nullptr ? behind_all : static_cast<std::int64_t>(chunks_read_),
           std::current_exception());
      co_return false;
    }
    ++chunks_read_;
    ends_within_line_ = chunk->lacks_line_end;
    if (long_record_.lines == 0) long_record_ = chunk->longest;
    records_read_ += chunk->records;
    bytes_read_ += chunk->size;
    packed_read_ += chunk->packed_bytes;
    estimate(*chunk);
    if (with_.segments != nullptr) with_.segments->read(*chunk, is_known);
    if (is_known) continue;
    co_await keep_to_rate(*chunk);
    co_await to_encode_.send(std::move(chunk));
  }
  co_return false;
}

/// How many records the source has, or will seem to have: for the share of bad ones.
void Road::estimate(const chunk::Chunk& chunk) {
  if (with_.segments != nullptr) {
    // What others read is like what this run does.
    with_.budget.expect(
        static_cast<std::uint64_t>(static_cast<double>(records_read_) *
                                   static_cast<double>(plan_.source->told_length().value_or(0)) /
                                   static_cast<double>(std::max<std::uint64_t>(1, bytes_read_))));
    return;
  }
  const std::optional<source::Source::Packed> packed = plan_.source->packed();
  const auto total = packed ? packed->total : plan_.source->length();
  if (!total || plan_.options.limit) return;
  const std::uint64_t done = packed ? packed_read_ : chunk.start.byte_offset + chunk.size;
  if (!packed && done == *total) {
    with_.budget.set_total(records_read_);
  } else if (done > 0) {
    with_.budget.expect(static_cast<std::uint64_t>(
        static_cast<double>(records_read_) *
        std::max(1.0, static_cast<double>(*total) / static_cast<double>(done))));
  }
}

asio::awaitable<void> Road::keep_to_rate(const chunk::Chunk& chunk) {
  const auto began = async::Clock::now();
  if (bytes_rate_) co_await bytes_rate_->acquire(static_cast<double>(chunk.size));
  if (rows_rate_) co_await rows_rate_->acquire(static_cast<double>(chunk.records));
  if (bytes_rate_ || rows_rate_) progress_.own.held += seconds_since(began);
}

/// A quote that is open at the end of a shared source may have been so for many segments: what is
/// inside of it is no one record to be rejected.
void Road::require_closed(const chunk::Chunk& chunk) const {
  if (!chunk.unterminated_quote || !with_.budget.limits().allow_any()) return;
  throw Failure(FailureKind::bad_record,
                fmt::format("{}: a quote of the last record, which begins at line {} or later, is "
                            "still open at the end",
                            plan_.source->name(), chunk.start.line),
                "A load without --join can reject such a record, and reads on behind its first "
                "line: --again --truncate begins it anew (see --quote).");
}

/// True if an earlier run stored this chunk. Throws Failure(changed) if it stored another one in
/// its place.
bool Road::is_stored(const chunk::Chunk& chunk) {
  const auto found = stored_.find(chunk.number);
  if (found == stored_.end()) return false;
  const ledger::ChunkEntry& entry = found->second;
  if (entry.digest != chunk.digest || entry.byte_count != chunk.size ||
      entry.start.byte_offset != chunk.start.byte_offset) {
    const std::uint64_t begin = entry.start.byte_offset + plan_.source->mark_bytes();
    throw Failure(
        FailureKind::changed,
        fmt::format("{} has changed since load {} {} a part of it: bytes {} to {} (from line {}) "
                    "differ",
                    plan_.source->name(), with_.writer.load()->value,
                    plan_.strategy.staged ? "staged" : "stored", begin, begin + entry.byte_count,
                    entry.start.line),
        plan_.strategy.staged
            ? "--again loads it from the start; what waits is given up."
            : fmt::format("--again loads it from the start, beside what is stored of it; --again "
                          "--truncate empties {} first.",
                          plan_.target.table.full_name()));
  }
  progress_.bytes_done += chunk.size;
  progress_.bytes_before += chunk.size;
  progress_.packed_done += chunk.packed_bytes;
  progress_.packed_before += chunk.packed_bytes;
  progress_.rows_before += entry.counts.rows_stored + entry.counts.rows_updated;
  return true;
}

asio::awaitable<void> Road::encode_chunks() {
  const tuple::EncoderPlan* plan = nullptr;
  std::optional<tuple::Encoder> encoder;
  for (;;) {
    const auto turn = co_await encoding_.acquire();
    std::optional<ChunkLease> chunk = co_await to_encode_.receive();
    if (!chunk) break;
    if (given_up_on((*chunk)->number)) continue;
    BatchLease batch = co_await free_batches_.take();
    const chunk::Chunk& input = **chunk;
    if (plan != &with_.suspicion.encoder()) {
      plan = &with_.suspicion.encoder();
      encoder.emplace(*plan);
    }
    const auto encode = [&encoder, &input, &batch] {
      encoder->encode(input.parse_input(), *batch, input.start);
    };
    const auto began = async::Clock::now();
    co_await async::offload(on_.cpu, encode);
    progress_.own.encoding += seconds_since(began);
    Encoded encoded{std::move(*chunk), std::move(batch)};
    co_await to_write_.send(std::move(encoded));
  }
  if (--encoders_running_ == 0) to_write_.close();
}

asio::awaitable<void> Road::write_batches() {
  while (std::optional<Encoded> next = co_await to_write_.receive()) {
    const chunk::Chunk& chunk = *next->chunk;
    if (given_up_on(chunk.number)) continue;
    if (plan_.strategy.keeps_key_order()) {
      co_await key_order_.enter(chunk.number, next->batch->keys);
    }
    try {
      // The checker's transaction is in file order because there is one writer.
      if (!given_up_on(chunk.number)) co_await write_batch(chunk, *next->batch);
    } catch (const Failure&) {
      fail(chunk.number, std::current_exception());
    } catch (const pg::PgError&) {
      fail(chunk.number, std::current_exception());
    }
    key_order_.leave(chunk.number);
  }
}

asio::awaitable<void> Road::write_batch(const chunk::Chunk& chunk, tuple::Batch& batch) {
  Stored stored;
  if (plan_.options.check) {
    stored = co_await checker_.judge(chunk, batch);
  } else {
    if (with_.replicas != nullptr) co_await with_.replicas->admit();
    if (with_.wide_keys != nullptr) co_await with_.wide_keys->admit(batch);
    stored = co_await store(with_, chunk, batch);
  }
  counts_ += stored.counts;
  rows_rejected_ += stored.rows_rejected;
  bytes_stored_ += chunk.size;
  ++chunks_stored_;
  progress_.rows_stored += stored.counts.rows_stored + stored.counts.rows_updated;
  progress_.rows_rejected += stored.rows_rejected;
  progress_.bytes_done += chunk.size;
  progress_.packed_done += chunk.packed_bytes;
  if (with_.segments != nullptr) co_await with_.segments->stored(chunk, stored.rows_rejected);
}

void Road::fail(std::int64_t chunk, std::exception_ptr error) {
  if (!failure_ || chunk < failure_->chunk) failure_ = ChunkFailure{chunk, std::move(error)};
  // One that may be read again, all of it, is not stopped: the reader ends by itself.
  if (!plan_.strategy.is_held()) plan_.source->stop();
}

void Road::stop() {
  stopping_ = true;
  plan_.source->stop();
}

}  // namespace sluice::load

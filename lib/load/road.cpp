#include "load/road.hpp"

#include <fmt/format.h>

#include "async/offload.hpp"
#include "load/first_bad.hpp"
#include "source/chunker.hpp"

namespace sluice::load {

Road::Road(Resources on, const Plan& plan, const writer::CopyWriter& writer, RetryPolicy retry,
           ledger::StoredChunks stored, Progress& progress, const asio::any_io_executor& executor)
    : on_(on),
      plan_(plan),
      writer_(writer),
      retry_(retry),
      stored_(std::move(stored)),
      progress_(progress),
      free_chunks_(executor, plan.chunk_buffers()),
      free_batches_(executor, plan.batch_buffers()),
      to_encode_(executor, plan.chunk_buffers()),
      to_write_(executor, plan.batch_buffers()),
      tasks_(executor) {}

asio::awaitable<void> Road::run() {
  tasks_.spawn(read_chunks());
  encoders_running_ = plan_.encoders();
  for (std::size_t i = 0; i < plan_.encoders(); ++i) tasks_.spawn(encode_chunks());
  for (std::size_t i = 0; i < plan_.jobs; ++i) tasks_.spawn(write_batches());
  co_await tasks_.join();
  if (failure_) std::rethrow_exception(failure_->error);
}

asio::awaitable<void> Road::read_chunks() {
  source::Chunker chunker(*plan_.source, plan_.preamble, plan_.chunker_options());
  while (!stopping_ && !failure_) {
    ChunkLease chunk = co_await free_chunks_.take();
    const auto read = [&chunker, &chunk] { return chunker.next(*chunk); };
    bool more = false;
    bool is_known = false;
    try {
      more = co_await async::offload(on_.reader, read);
      if (!more || stopping_ || failure_) break;
      is_known = is_stored(*chunk);
    } catch (const Failure&) {
      // A record too large, an unreadable source, a changed one: a failure behind all chunks that
      // were read.
      fail(static_cast<std::int64_t>(chunks_read_), std::current_exception());
      break;
    }
    ++chunks_read_;
    records_read_ += chunk->records;
    bytes_read_ += chunk->size;
    if (is_known) continue;
    co_await to_encode_.send(std::move(chunk));
  }
  to_encode_.close();
}

/// True if an earlier run stored this chunk. Throws Failure(changed) if it stored another one in
/// its place.
bool Road::is_stored(const source::Chunk& chunk) {
  const auto found = stored_.find(chunk.number);
  if (found == stored_.end()) return false;
  const ledger::ChunkEntry& entry = found->second;
  if (entry.digest != chunk.digest || entry.byte_count != chunk.size ||
      entry.start.byte_offset != chunk.start.byte_offset) {
    throw Failure(
        FailureKind::changed,
        fmt::format("{} has changed since load {} stored a part of it: bytes {} to {} (from line "
                    "{}) differ\n"
                    "  Load it from the start with --again; add --truncate to empty {} first.",
                    plan_.source->name(), writer_.load()->value, entry.start.byte_offset,
                    entry.start.byte_offset + entry.byte_count, entry.start.line,
                    plan_.target.table.full_name()));
  }
  progress_.bytes_done += chunk.size;
  progress_.bytes_before += chunk.size;
  progress_.rows_before += entry.rows_stored;
  return true;
}

asio::awaitable<void> Road::encode_chunks() {
  tuple::Encoder encoder(plan_.encoder);
  while (std::optional<ChunkLease> chunk = co_await to_encode_.receive()) {
    if (given_up_on((*chunk)->number)) continue;
    BatchLease batch = co_await free_batches_.take();
    const source::Chunk& input = **chunk;
    const auto encode = [&encoder, &input, &batch] { encoder.encode(input.parse_input(), *batch); };
    co_await async::offload(on_.cpu, encode);
    Encoded encoded{std::move(*chunk), std::move(batch)};
    co_await to_write_.send(std::move(encoded));
  }
  if (--encoders_running_ == 0) to_write_.close();
}

asio::awaitable<void> Road::write_batches() {
  while (std::optional<Encoded> next = co_await to_write_.receive()) {
    const source::Chunk& chunk = *next->chunk;
    if (given_up_on(chunk.number)) continue;
    try {
      co_await write_batch(chunk, *next->batch);
    } catch (const Failure&) {
      fail(chunk.number, std::current_exception());
    } catch (const pg::PgError&) {
      fail(chunk.number, std::current_exception());
    }
  }
}

asio::awaitable<void> Road::write_batch(const source::Chunk& chunk, const tuple::Batch& batch) {
  std::optional<writer::Refusal> refusal;
  if (batch.rejects.empty()) {
    try {
      const ledger::ChunkEntry entry = entry_of(chunk, batch);
      const writer::Outcome outcome =
          co_await store(on_.pool, writer_, batch, entry, retry_, progress_.retries);
      // A chunk that an attempt with a lost answer had stored counts all the same.
      const std::uint64_t rows = outcome.already_stored ? batch.tuples() : outcome.rows_stored;
      rows_stored_ += rows;
      rows_skipped_ += outcome.rows_skipped;
      bytes_stored_ += chunk.size;
      progress_.rows_stored += rows;
      progress_.bytes_done += chunk.size;
      co_return;
    } catch (const writer::Refusal& error) {
      if (error.nature() != pg::ErrorNature::data) throw;
      refusal = error;
    }
  }
  const BadRecord bad =
      co_await find_first_bad(on_.pool, writer_, plan_, chunk, batch, std::move(refusal));
  throw BadRecord(bad);
}

void Road::fail(std::int64_t chunk, std::exception_ptr error) {
  if (!failure_ || chunk < failure_->chunk) failure_ = ChunkFailure{chunk, std::move(error)};
  plan_.source->stop();
}

void Road::stop() {
  stopping_ = true;
  plan_.source->stop();
}

ledger::ChunkEntry entry_of(const source::Chunk& chunk, const tuple::Batch& batch) {
  return {.number = chunk.number,
          .start = chunk.start,
          .byte_count = chunk.size,
          .records_read = batch.records,
          .rows_stored = batch.tuples(),
          .rows_rejected = batch.rejects.size(),
          .digest = chunk.digest};
}

}  // namespace sluice::load

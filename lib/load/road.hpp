#pragma once

#include <exception>
#include <optional>

#include "async/channel.hpp"
#include "async/free_list.hpp"
#include "async/rate_limiter.hpp"
#include "async/semaphore.hpp"
#include "async/task_group.hpp"
#include "chunk/chunk.hpp"
#include "load/attempt.hpp"
#include "load/check.hpp"
#include "load/key_order.hpp"
#include "load/report.hpp"
#include "plan/plan.hpp"
#include "tuple/batch.hpp"
#include "writer/writer.hpp"

namespace sluice::chunk {
class Chunker;
}

namespace sluice::load {

/// The road of the data: one reader, a few encoders, and a writer per connection, joined by bounded
/// channels.
///
///   source -> Chunk -> encoders -> Batch -> writers -> table and ledger
///
/// Chunks leave in file order and may be stored in any order. When one cannot be stored, no later
/// chunk begins, the earlier ones are finished, and the failure of the earliest one is the load's:
/// so the first bad record of the file is named, whatever the number of connections.
class Road {
 public:
  /// `with` must outlive the road.
  Road(Storing& with, ledger::StoredChunks stored, Progress& progress,
       const asio::any_io_executor& executor);

  /// Moves all chunks. Throws the earliest chunk's failure. If it is cancelled, so are its tasks.
  asio::awaitable<void> run();

  /// From here on with so many connections, of the plan's writers_max(). What is under way on
  /// others is finished.
  void work_with(std::size_t connections);

  /// Reads no more; what is in flight is finished. run() then returns as if the source had ended.
  void stop();

  std::uint64_t records_read() const { return records_read_; }
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t chunks_read() const { return chunks_read_; }
  /// Whether the last record that was read has no line end.
  bool ends_within_line() const { return ends_within_line_; }
  /// The first record of unusually many lines.
  const chunk::LongRecord& long_record() const { return long_record_; }
  const RowCounts& counts() const { return counts_; }
  std::uint64_t rows_rejected() const { return rows_rejected_; }
  std::uint64_t bytes_stored() const { return bytes_stored_; }
  std::uint64_t chunks_stored() const { return chunks_stored_; }

 private:
  using ChunkLease = async::FreeList<chunk::Chunk>::Lease;
  using BatchLease = async::FreeList<tuple::Batch>::Lease;

  struct Encoded {
    ChunkLease chunk;
    BatchLease batch;
  };

  asio::awaitable<void> read_all();
  asio::awaitable<void> read_segments();
  asio::awaitable<bool> read_chunks(chunk::Chunker& chunker);
  asio::awaitable<void> encode_chunks();
  asio::awaitable<void> write_batches();
  asio::awaitable<void> write_batch(const chunk::Chunk& chunk, tuple::Batch& batch);
  void require_closed(const chunk::Chunk& chunk) const;
  bool is_stored(const chunk::Chunk& chunk);
  void estimate(const chunk::Chunk& chunk);
  asio::awaitable<void> keep_to_rate(const chunk::Chunk& chunk);
  void fail(std::int64_t chunk, std::exception_ptr error);
  bool given_up_on(std::int64_t chunk) const { return failure_ && chunk >= failure_->chunk; }

  struct ChunkFailure {
    std::int64_t chunk;
    std::exception_ptr error;
  };

  Storing& with_;
  Resources on_;
  const plan::Plan& plan_;
  ledger::StoredChunks stored_;
  Progress& progress_;

  async::FreeList<chunk::Chunk> free_chunks_;
  async::FreeList<tuple::Batch> free_batches_;
  async::Channel<ChunkLease> to_encode_;
  async::Channel<Encoded> to_write_;
  async::Semaphore encoding_;
  async::TaskGroup tasks_;
  Checker checker_;
  KeyOrder key_order_;
  std::optional<async::RateLimiter> bytes_rate_;
  std::optional<async::RateLimiter> rows_rate_;
  std::size_t encoders_running_ = 0;
  bool stopping_ = false;
  std::optional<ChunkFailure> failure_;

  std::uint64_t records_read_;
  std::uint64_t bytes_read_;
  std::uint64_t chunks_read_;
  std::uint64_t packed_read_ = 0;
  bool ends_within_line_ = false;
  chunk::LongRecord long_record_;
  RowCounts counts_;
  std::uint64_t rows_rejected_ = 0;
  std::uint64_t bytes_stored_ = 0;
  std::uint64_t chunks_stored_ = 0;
};

}  // namespace sluice::load

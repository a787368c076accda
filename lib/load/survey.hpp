#pragma once

#include <memory>
#include <optional>

#include "async/event.hpp"
#include "ledger/run_lock.hpp"
#include "load/run.hpp"
#include "load/shared.hpp"

namespace sluice::load {

/// Whether it is one chunk, and known to be before anything of it is read.
bool is_small(const source::Source& source, const plan::LoadOptions& options);

/// The same, and also of a stream that is told to be as short, and can be read again as that.
/// REQUIRES: its beginning was read.
bool is_one_chunk(const source::Source& source, const plan::LoadOptions& options);

/// What the source is said to be in, where it is converted here: everywhere but for a database that
/// takes bytes as they are. Nothing: its first bytes say it.
asio::awaitable<std::optional<source::Encoding>> encoding_to_read(pg::Pool& pool,
                                                                  const plan::LoadOptions& options);

/// Takes or opens the connection that keeps a second run away. Nothing where the server has no room
/// for it, which is noted: the rows matter more than the lock, which is manners.
asio::awaitable<std::unique_ptr<pg::Connection>> connection_for_lock(
    Run& run, const plan::LoadOptions& options);

/// Three things at once: how the source begins, what the table is, and (once the beginning is
/// known) the lock that keeps a second run of this load away. A source of one chunk is in the table
/// before a connection for its lock would be open: the transaction that enters it in the ledger
/// holds it.
class Survey {
 public:
  /// All outlive it; `shared` may be nullptr.
  Survey(Run& run, const plan::LoadOptions& options, source::Source& source, Shared* shared,
         const asio::any_io_executor& executor);

  asio::awaitable<plan::Findings> make();
  /// The lock, if it has taken one.
  std::optional<ledger::RunLock> take_lock() { return std::move(lock_); }

 private:
  asio::awaitable<void> or_stop_reading(asio::awaitable<void> task);
  asio::awaitable<void> read_source();
  asio::awaitable<void> describe_target();
  asio::awaitable<void> lock();

  Run& run_;
  const plan::LoadOptions& options_;
  source::Source& source_;
  Shared* shared_;
  plan::Findings found_;
  std::optional<ledger::RunLock> lock_;
  bool is_read_ = false;
  bool is_connected_ = false;
  bool has_no_room_ = false;  ///< the server refused a connection for want of room
  async::Event changed_;      ///< one of these
};

}  // namespace sluice::load

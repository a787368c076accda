#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "async/event.hpp"
#include "chunk/segment.hpp"
#include "ledger/segments.hpp"
#include "load/attempt.hpp"
#include "load/run.hpp"
#include "source/ended_source.hpp"

namespace sluice::load {

/// A load that several commands share takes its source in segments from here: those that are
/// nobody's, or whose holder is gone. Each is read once, whole, and scanned while it is read; where
/// its first record is, and on which line, is known when all in front of it are scanned, by
/// whomever.
class Segments {
 public:
  /// All outlive it. The budget has used nothing yet: all that is stored is counted by the ledger,
  /// whoever has found it. It ends when all is stored; a holder with an
  /// id also when no run has the load's lock.
  Segments(Run& run, const plan::Plan& plan, rejects::RejectBudget& budget,
           ledger::SegmentHolder holder);

  /// One that is this run's now: all that is left of it to load.
  struct Taken {
    std::int64_t number = 0;
    chunk::Preamble preamble;     ///< with its records read ahead
    ledger::StoredChunks stored;  ///< what others have stored of it
    source::EndedSource behind;   ///< nothing follows these
  };
  /// Nothing where there is none, or the run is stopped. Throws Failure and PgError.
  asio::awaitable<std::unique_ptr<Taken>> next();

  /// A chunk of it was read; `is_known`: somebody has stored it.
  void read(const chunk::Chunk& chunk, bool is_known);
  /// All of them were.
  asio::awaitable<void> end_reading(std::int64_t segment);
  /// One that was not known is stored.
  asio::awaitable<void> stored(const chunk::Chunk& chunk, std::uint64_t rows_rejected);

  std::int64_t taken() const { return taken_; }  ///< how many

  /// What was read of the whole source, by all. REQUIRES: next() has ended; this run waits for all.
  asio::awaitable<ledger::Read> all_read();

 private:
  using Asking = std::function<asio::awaitable<void>(pg::Connection&)>;
  /// One that this run has.
  struct Held {
    ledger::Read read;
    std::size_t in_flight = 0;  ///< chunks that are not stored yet
    bool is_read = false;
  };

  asio::awaitable<void> ask(const Asking& asking);
  std::vector<std::int64_t> in_hand() const;
  asio::awaitable<std::optional<ledger::TakenSegment>> take(
      std::optional<std::int64_t> in_front_of);
  asio::awaitable<ledger::SegmentsState> look();
  asio::awaitable<std::unique_ptr<Taken>> begin(std::int64_t number);
  asio::awaitable<bool> find_start(std::int64_t number);
  asio::awaitable<bool> scan_missing(std::int64_t number);
  asio::awaitable<void> require_scannable();
  asio::awaitable<void> tell_wait(const std::vector<std::string>& others);
  asio::awaitable<void> end_if_stored(std::int64_t segment);
  asio::awaitable<void> end_silent(const std::vector<std::string>& others);
  ledger::SegmentHolder other(std::string id) const;
  chunk::SegmentReader new_reader() const;
  bool is_lead() const { return holder_.id.empty(); }

  Run& run_;
  const plan::Plan& plan_;
  rejects::RejectBudget& budget_;
  ledger::SegmentHolder holder_;
  RetryPolicy policy_;
  chunk::SegmentReader reader_;
  std::int64_t known_to_ = 0;  ///< the segment where start_ is
  chunk::SegmentStart start_;
  std::map<std::int64_t, Held> held_;
  std::set<std::int64_t> in_flight_;  ///< chunks
  std::uint64_t own_records_ = 0;     ///< stored by this run
  std::uint64_t own_rejects_ = 0;
  std::optional<async::Clock::time_point> waits_since_;
  bool has_told_wait_ = false;
  std::int64_t taken_ = 0;
};

}  // namespace sluice::load

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/position.hpp"
#include "base/sql.hpp"
#include "ledger/loads.hpp"
#include "ledger/run_lock.hpp"
#include "pg/connection.hpp"

/// Segments of a load that several commands share (--join): whose each is, what is known of it, and
/// whether it is stored. Who takes one holds a lock of his own for as long as he lives; that each
/// row comes once is the doing of the key of pgsluice.chunks alone.
namespace sluice::ledger {

/// The chunks of a segment have the numbers from this one on.
inline constexpr int segment_bits = 32;
inline std::int64_t first_chunk_of(std::int64_t segment) { return segment << segment_bits; }
inline std::int64_t segment_of_chunk(std::int64_t chunk) { return chunk >> segment_bits; }

/// Who takes segments of a load.
struct SegmentHolder {
  LoadId load;
  RunLockNames lock;  ///< of the run that has the load's lock
  std::string id;     ///< empty: that run; else what tells this one from others
  std::string shown;  ///< for people
};

/// The lock of one that is not the run that has the load's lock.
RunLockNames names_of(const SegmentHolder& holder);

/// Makes those that are missing, all nobody's. `load` is SQL for its number. With "; " behind it.
Sql make_segments_statement(const Sql& load, std::int64_t count);

struct TakenSegment {
  std::int64_t number = 0;
  std::string former;  ///< the id of whoever had it and is gone; empty: nobody
};

/// Takes the first one that is not stored, and is nobody's, of one who is gone, or this holder's
/// but not `in_hand`. With `in_front_of`: of those in front of this one whose facts are unknown.
asio::awaitable<std::optional<TakenSegment>> take_segment(pg::Connection& on,
                                                          const SegmentHolder& holder,
                                                          const std::vector<std::int64_t>& in_hand,
                                                          std::optional<std::int64_t> in_front_of);

/// Says what was found in a segment (chunk::SegmentFacts, as numbers), and with `lets_go` leaves it
/// to others.
asio::awaitable<void> note_facts(pg::Connection& on, const SegmentHolder& holder,
                                 std::int64_t number, const std::vector<std::int64_t>& facts,
                                 bool lets_go);

/// Throws Damaged for one that nobody will scan: it is not there, or is stored without facts.
asio::awaitable<void> require_scannable(pg::Connection& on, LoadId load, std::int64_t number);

/// Of the segments [from, to), in their order, up to the first one that nobody knows.
asio::awaitable<std::vector<std::vector<std::int64_t>>> find_facts(pg::Connection& on, LoadId load,
                                                                   std::int64_t from,
                                                                   std::int64_t to);

/// All chunks of a segment are in the table; nothing where it is not this holder's any more.
asio::awaitable<void> note_stored(pg::Connection& on, const SegmentHolder& holder,
                                  std::int64_t number, const Read& read);

/// What the ledger has of the load, and of its segments.
struct SegmentsState {
  std::int64_t unfinished = 0;      ///< segments that are not stored
  std::int64_t of_others = 0;       ///< those of them that are not in hand
  Read read;                        ///< of those that are stored
  std::uint64_t records = 0;        ///< in all chunks that are stored
  std::uint64_t rejects = 0;        ///< the same
  bool has_lead = false;            ///< a run has the load's lock
  std::vector<std::string> others;  ///< ids of holders of unfinished ones, this one left out
};
/// Chunks of `left_out` are not counted, whether they are stored or not.
asio::awaitable<SegmentsState> segments_state(pg::Connection& on, const SegmentHolder& holder,
                                              const std::vector<std::int64_t>& in_hand,
                                              const std::vector<std::int64_t>& left_out);

/// Makes the segments what the source has now: those that are missing are made, and those that lack
/// chunks which they had (a crash, or a failover to a server that was behind, has taken them) are
/// not stored any more. With `all_again` nothing is known of any of them: each is read once more,
/// and its chunks compared, as the source may be another by now; and the sessions of those who had
/// some are ended, as what they have under way would be in the way of who has them then. Throws
/// Damaged where it has fewer. REQUIRES: `holder` has the load's lock.
asio::awaitable<void> prepare_segments(pg::Connection& on, const SegmentHolder& holder,
                                       std::int64_t count, bool all_again);

/// Ends the sessions of all who have segments that are not stored, but for the run that has the
/// load's lock.
asio::awaitable<void> end_helpers(pg::Connection& on, SegmentHolder holder);

/// The chunks of one segment that are stored.
asio::awaitable<StoredChunks> stored_chunks_of(pg::Connection& on, LoadId load,
                                               std::int64_t segment);

/// For people: how many segments are stored, and who has how many of the others.
struct SegmentsShown {
  std::int64_t all = 0;
  std::int64_t stored = 0;
  struct Held {
    std::string by;
    std::int64_t count = 0;
  };
  std::vector<Held> held;
};
asio::awaitable<SegmentsShown> show_segments(pg::Connection& on, LoadId load);

}  // namespace sluice::ledger

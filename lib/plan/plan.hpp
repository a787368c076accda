#pragma once

#include <chrono>
#include <string>

#include "chunk/chunker.hpp"
#include "chunk/segment.hpp"
#include "ledger/run_lock.hpp"
#include "plan/beginning.hpp"
#include "plan/drift.hpp"
#include "plan/options.hpp"
#include "plan/selecting.hpp"
#include "plan/strategy.hpp"
#include "plan/summary.hpp"
#include "rejects/bad_records.hpp"
#include "source/source.hpp"
#include "tuple/encoder.hpp"
#include "writer/catalog.hpp"
#include "writer/indexes.hpp"

namespace sluice::plan {

/// All that is decided before the first row moves.
struct Plan {
  LoadOptions options;
  source::Source* source = nullptr;  ///< outlives the plan
  chunk::Preamble preamble;
  writer::Target target;
  tuple::Mapping mapping;
  tuple::EncoderPlan encoder;
  std::optional<Selecting> selecting;  ///< --select
  script::UserSql condition;           ///< --where without it: over the table's columns
  tuple::LoadWords words;              ///< of --add, --select and --where
  writer::SecondaryIndexes indexes;    ///< --defer-indexes
  Digests digests;
  Strategy strategy;
  /// Of the segments that chunks lie in, which several commands share; 0: there are none.
  std::uint64_t segment_bytes = 0;
  Drift drift;  ///< from the load before it, where that was asked for
  std::size_t jobs = 0;
  std::size_t jobs_max = 0;           ///< where the load finds out by itself what is best
  std::optional<Position> begins_at;  ///< behind what an earlier load has read (--grown append)
  /// Of a source that comes from an offset on: what earlier runs of the load have stored in front.
  struct Passed {
    std::uint64_t chunks = 0;
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
  };
  Passed passed = {};

  chunk::ChunkerOptions chunker_options() const;
  /// REQUIRES: segment_bytes.
  chunk::SegmentLayout segments() const {
    return {preamble.start, source->told_length().value_or(0), segment_bytes};
  }
  rejects::Reading reading() const { return {encoder, fed_table(), target.data_encoding}; }
  /// What tuples are made for: the table, or with --select the file's columns.
  const tuple::Table& fed_table() const { return selecting ? selecting->csv() : target.table; }
  /// The table's columns that a record gives a value, in the order in which they are inserted.
  std::vector<std::string> fed_columns() const {
    return selecting ? selecting->outputs() : encoder.column_names();
  }
  PlanSummary summary() const;

  /// One transaction is one connection's.
  std::size_t writers() const { return strategy.in_one ? 1 : jobs; }
  std::size_t writers_max() const {
    return strategy.is_held() ? writers() : std::max(jobs, jobs_max);
  }
  /// Encoding on one core keeps about four of the server's backends busy; where the order of the
  /// chunks matters there is one, which keeps it.
  std::size_t encoders(std::size_t writers) const {
    return strategy.keeps_key_order() ? 1 : (writers + 3) / 4;
  }
  /// Buffers of the road: one in the hand of the reader, of each encoder and of each writer.
  std::size_t chunk_buffers(std::size_t writers) const { return 1 + encoders(writers) + writers; }
  std::size_t batch_buffers(std::size_t writers) const { return encoders(writers) + writers; }
  /// What they hold with so many connections, for records as wide as their text.
  std::size_t memory_bytes(std::size_t writers) const;
};

/// What is found out before the plan is made.
struct Findings {
  Beginning beginning;
  writer::Target target;
  std::vector<writer::UniqueKey> unique_keys = {};  ///< for --on-conflict
  writer::SecondaryIndexes indexes = {};            ///< for --defer-indexes
  std::size_t jobs = 1;                             ///< connections, if the options name none
  std::optional<Selecting> selecting = {};          ///< --select, judged by the server
};

/// All that the source says of itself holds from here on: its dialect, which names are columns',
/// and that its text is UTF-8 where it is converted here. Throws Failure(usage) where its header is
/// not in the encoding that it was read in.
void settle(LoadOptions& options, const source::Source& source, Findings& found);

/// Matches the source with the table. Throws Failure where they do not fit. REQUIRES: settle().
Plan make_plan(LoadOptions options, source::Source& source, Findings found);

/// The record's number, as the last field of a tuple in FROM. REQUIRES: encoder.number_records.
Sql field_of_record(const Plan& plan);

/// The writer of the chunks; `load` is nothing without a ledger. The plan outlives it.
std::unique_ptr<writer::Writer> make_writer(const Plan& plan, std::optional<LoadId> load);

/// Connections when the user does not say: as many as the machine has cores, from 2 to 8, and more
/// for a distant server, as a connection does nothing while a chunk's two round trips last.
std::size_t default_jobs(std::size_t cores, std::chrono::duration<double> round_trip);

/// With the user's settings, so that --lock-timeout holds for it too, and in the user's path, as
/// triggers may hear of it. Belongs into a transaction under pg::own_path.
Sql truncate_statement(const Plan& plan);

/// What the locks of a run are on. They leave out what a person may mistype: a run with other
/// options of the same content must see this one.
ledger::RunLockNames lock_names(const Plan& plan);
/// For how long they are asked for.
std::chrono::milliseconds lock_patience(const RunOptions& options);
/// Whether it is as long as two segments, which commands with --join share.
bool has_segments(const source::Source& source, const LoadOptions& options);

/// Where the rejects go if that name is free: where --rejects says; empty: beside a file; for a
/// stream in the working folder, under the table's name. Absolute.
std::string rejects_path_of(const Plan& plan, const std::string& named);

/// Begins to read the source again, from its first byte or where the plan says. REQUIRES:
/// source.rewind() is true.
void reread_preamble(Plan& plan);

}  // namespace sluice::plan

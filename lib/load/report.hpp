#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "base/names.hpp"
#include "base/position.hpp"
#include "base/row_counts.hpp"
#include "load/bottleneck.hpp"
#include "plan/drift.hpp"
#include "plan/summary.hpp"
#include "source/file_identity.hpp"
#include "source/unreadable.hpp"
#include "tuple/reject.hpp"

namespace sluice::load {

/// How far a load is. Written by the I/O thread only.
/// With how many connections rows were moved.
struct Connections {
  std::size_t now = 0;
  std::size_t least = 0;
  std::size_t most = 0;
};

struct Progress {
  enum class Stage { preparing, verifying, loading, indexing, publishing, finishing };

  Stage stage = Stage::preparing;
  std::optional<std::uint64_t> bytes_total;   ///< of the source, where it is known
  std::uint64_t bytes_done = 0;               ///< stored, by this run or an earlier one
  std::uint64_t bytes_before = 0;             ///< of these, by an earlier run
  std::optional<std::uint64_t> packed_total;  ///< where the source is packed, and this is known
  std::uint64_t packed_done = 0;              ///< what was packed of what is stored
  std::uint64_t packed_before = 0;            ///< of these, by an earlier run
  std::uint64_t rows_stored = 0;              ///< by this run
  std::uint64_t rows_before = 0;              ///< by earlier runs
  std::uint64_t rows_rejected = 0;            ///< by this run
  std::uint64_t retries = 0;
  OwnTime own;                     ///< of the client's threads, while rows were moved
  bool waits_for_replica = false;  ///< one is too far behind
  double lag_seconds = 0;          ///< waited for those so far
  Connections connections;
  std::uint64_t files_done = 0;   ///< where it is that of several loads side by side
  std::uint64_t files_total = 0;  ///< of the command; 0: of one load
};

/// What a load did.
struct LoadReport {
  enum class Status { failed, interrupted, stored, nothing_to_do, dry_run, checked };

  Status status = Status::failed;
  plan::PlanSummary plan;
  std::optional<LoadId> load;
  bool resumed = false;
  // Over all runs of the load; records_read is the sum of the others.
  std::uint64_t records_read = 0;
  RowCounts total;
  std::uint64_t rows_rejected = 0;
  std::uint64_t rows_deleted = 0;  ///< from the table, when the rows were published
  RowCounts now;                   ///< by this run
  std::uint64_t bytes = 0;         ///< of the source, stored by this run
  std::int64_t segments = 0;       ///< of a shared source, taken by this run
  bool is_staged = false;          ///< what is stored is not in the table yet (--atomic)
  std::uint64_t retries = 0;
  double seconds = 0;
  double lag_seconds = 0;  ///< waited for replicas that were too far behind (--max-lag)
  Connections connections;
  std::optional<source::FileIdentity> file;  ///< that was read; nothing where it was no file
  std::string rejects_path;      ///< of the CSV; empty where no record was rejected into a file
  std::string create_statement;  ///< of the table that it has made, or would (--dry-run)
  bool begins_again = false;     ///< the same command does, as nothing of it is kept
  bool is_prepared = false;      ///< all of it, and what became of that is not known
  bool is_over = false;          ///< it failed so that the same command does not go on with it
  std::optional<source::Unreadable::Why> unreadable;  ///< the source, from some place on
  std::string goes_on_with;     ///< what of the command must change so that it goes on
  std::string finished_before;  ///< when, for nothing_to_do
  /// How its columns differ from those of the load before it, where --on-drift asks.
  std::optional<plan::Drift> drift;
  std::optional<Bottleneck> bottleneck;  ///< of a load of some seconds
  std::vector<std::string> notes;
  /// What would come out of the first records (--dry-run --limit N): columns, and rows in which
  /// nothing is NULL.
  std::vector<std::string> preview_columns;
  std::vector<std::vector<std::optional<std::string>>> preview_rows;
};

constexpr auto names_of(LoadReport::Status) {
  using Status = LoadReport::Status;
  return std::array{
      Named{Status::failed, "failed"},   Named{Status::interrupted, "interrupted"},
      Named{Status::stored, "stored"},   Named{Status::nothing_to_do, "nothing to do"},
      Named{Status::dry_run, "dry run"}, Named{Status::checked, "checked"}};
}

/// "the same command goes on where it stopped", as it does for this load.
std::string how_to_go_on(const LoadReport& report);

/// The failure of a run that a signal stopped.
Failure interrupted(const LoadReport& report);

/// The first bad record, where no rejects are allowed (kind bad_record), or the one that exceeds
/// their budget (kind budget). what() names file, line, column, value and reason.
class BadRecord : public Failure {
 public:
  BadRecord(FailureKind kind, std::string source, tuple::Reject reject, const std::string& message)
      : Failure(kind, message), source_(std::move(source)), reject_(std::move(reject)) {}

  const std::string& source() const { return source_; }
  const tuple::Reject& reject() const { return reject_; }

 private:
  std::string source_;
  tuple::Reject reject_;
};

}  // namespace sluice::load

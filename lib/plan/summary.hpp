#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::plan {

/// What a load will do, for --dry-run and the first line.
struct PlanSummary {
  std::string source;
  std::string table;
  std::string writer;
  bool is_again = false;   ///< --again
  bool truncates = false;  ///< --truncate
  bool is_upsert = false;  ///< --on-conflict
  std::string deletes;     ///< what goes when the rows come, for people; empty: nothing
  std::size_t jobs = 0;
  std::size_t jobs_max = 0;  ///< where the load finds out by itself what is best, else the same
  std::size_t chunk_bytes = 0;
  std::uint64_t segment_bytes = 0;   ///< 0: it has none
  std::size_t memory_bytes_max = 0;  ///< of buffers, for records as wide as their text
  std::string scanner;
  std::string line_end;
  std::vector<std::string> columns;          ///< "csv column -> table column type (lane)"
  std::vector<std::string> ignored_columns;  ///< of the CSV
  std::vector<std::string> deferred_indexes;
  std::vector<std::string> missing_columns;  ///< of the table: they take their default
};

}  // namespace sluice::plan

#pragma once

#include "writer/insert_writer.hpp"
#include "writer/merge_writer.hpp"

namespace sluice::writer {

/// Stores what a selection makes of a batch where MergeWriter would store the batch: its rows go
/// into a temporary table, and are merged from there.
///
/// REQUIRES: tuples that have their record's number at their end (EncoderPlan::number_records).
class SelectMergeWriter : public InsertWriter {
 public:
  SelectMergeWriter(const Target& target, const tuple::EncoderPlan& plan,
                    const Selection& selection, std::optional<LoadId> load, std::size_t batch_rows,
                    Merge merge);

  bool needs_file_order() const override { return true; }

 protected:
  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  SelectMergeWriter(const Target& target, const tuple::EncoderPlan& plan,
                    const Selection& selection, std::optional<LoadId> load, std::size_t batch_rows,
                    Merge merge, TemporaryRows rows);

  asio::awaitable<RowCounts> merge_rows(pg::Connection& on, std::uint64_t rows,
                                        std::vector<std::string> behind) const;

  tuple::Table table_;
  std::vector<std::string> columns_;
  Merge merge_;
  TemporaryRows rows_;
};

}  // namespace sluice::writer

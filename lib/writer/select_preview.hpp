#pragma once

#include "writer/insert_writer.hpp"
#include "writer/merge_writer.hpp"

namespace sluice::writer {

/// Puts what a selection makes of records into a temporary table alone, to be looked at.
///
/// REQUIRES: tuples that have their record's number at their end (EncoderPlan::number_records).
class SelectPreview : public InsertWriter {
 public:
  SelectPreview(const Target& target, const tuple::EncoderPlan& plan, const Selection& selection,
                const Merge& merge);

  /// What was put in, in the order of the file. REQUIRES: a transaction of begin().
  asio::awaitable<pg::Result> rows(pg::Connection& on) const;

 protected:
  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  SelectPreview(const Target& target, const tuple::EncoderPlan& plan, const Selection& selection,
                const Merge& merge, TemporaryRows rows);

  TemporaryRows rows_;
  Sql all_rows_;
};

}  // namespace sluice::writer

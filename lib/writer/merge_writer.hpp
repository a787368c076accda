#pragma once

#include "writer/merge.hpp"
#include "writer/writer.hpp"

namespace sluice::writer {

/// Stores a batch where its records' keys may be in the table already: COPY into a temporary table,
/// then INSERT ... ON CONFLICT from there, all in one query.
///
/// COPY's binary form costs the server less than arrays do (docs/benchmarks has both), and one
/// INSERT for a whole chunk less than many. The temporary table is made once a session, and empty
/// at each commit.
///
/// REQUIRES: tuples that have their record's number at their end (EncoderPlan::number_records).
class MergeWriter : public Writer {
 public:
  MergeWriter(const Target& target, std::vector<std::string> columns, std::optional<LoadId> load,
              Merge merge);

  bool needs_file_order() const override { return true; }

 protected:
  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  tuple::Table table_;
  std::vector<std::string> columns_;
  Merge merge_;
  std::string staging_;  ///< its name
  Sql create_sql_;
  mutable bool listens_ = true;
};

}  // namespace sluice::writer

#pragma once

#include "writer/copy_writer.hpp"
#include "writer/merge.hpp"
#include "writer/writer.hpp"

namespace sluice::writer {

/// A temporary table with the columns that are fed and the record's number. It is made once a
/// session, and empty at each commit.
class TemporaryRows {
 public:
  /// Those of another purpose lie in another table, whatever their columns are.
  TemporaryRows(const tuple::Table& table, const std::vector<std::string>& columns,
                const Merge& merge, const std::string& purpose = "");

  const std::string& name() const { return name_; }
  Sql sql_name() const { return sql("pg_temp.{}", identifier(name_)); }
  /// "...; "
  const Sql& create_statement() const { return create_; }

 private:
  std::string name_;
  Sql create_;
};

/// What became of so many rows that a plain INSERT was to take, of which it has taken these.
RowCounts read_inserted(std::uint64_t rows, std::uint64_t inserted);

/// Stores a batch where its records' keys may be in the table already: COPY into a temporary table,
/// then INSERT ... ON CONFLICT from there, all in one query; or where records are left out by a
/// condition, and the table has triggers or rules that may drop others, or takes no COPY.
///
/// COPY's binary form costs the server less than arrays do (docs/benchmarks has both), and one
/// INSERT for a whole chunk less than many.
///
/// REQUIRES: tuples that have their record's number at their end (EncoderPlan::number_records).
class MergeWriter : public Writer {
 public:
  /// Records for which `condition` is not true are taken out of the temporary table; empty: none
  /// are.
  MergeWriter(const Target& target, std::vector<std::string> columns, std::optional<LoadId> load,
              Merge merge, Sql condition = {});

  bool needs_file_order() const override { return true; }

 protected:
  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  Sql filter_statement() const;
  asio::awaitable<std::optional<Refusal>> begin_and_count(pg::Connection& on,
                                                          std::string statements,
                                                          std::optional<std::uint64_t>& rows) const;
  RowCounts counts_of(const Copied& copied, std::uint64_t sent,
                      std::optional<std::uint64_t> by_rules) const;

  tuple::Table table_;
  std::vector<std::string> columns_;
  Merge merge_;
  TemporaryRows staging_;
  Sql condition_;
  mutable bool listens_ = true;
};

}  // namespace sluice::writer

#pragma once

#include "pg/pipeline.hpp"
#include "tuple/encoder.hpp"
#include "writer/writer.hpp"

namespace sluice::writer {

/// Stores a batch with INSERT, for targets that COPY cannot serve: `insert into t (a, b) select
/// unnest($1), unnest($2)`, with a column's values of several thousand rows as one array. There are
/// as many parameters as columns, whatever the number of rows; several such statements are on their
/// way at once.
///
/// Tuples of the fast lane go as arrays of the columns' types in binary form. Those of the slow
/// lane go as rows of texts, a parameter of the column's type for each value: such a text goes to
/// the type's input function, as COPY gives it. A cast from text would be another function, which
/// the owner of the type chooses (CREATE CAST), and who loads would run it.
///
/// A chunk takes one round trip before the data and one after it, as with COPY.
class InsertWriter : public Writer {
 public:
  /// REQUIRES: plan.fast_lane only if can_unnest() is true for its columns.
  InsertWriter(const Target& target, const tuple::EncoderPlan& plan, std::optional<LoadId> load,
               std::size_t batch_rows);

  /// Whether the values of this type fit into an array: an array's do not, as it would have one
  /// dimension more.
  static bool can_unnest(const tuple::Type& type) { return type.array_id != 0; }

 protected:
  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  struct Sent;

  asio::awaitable<void> send(pg::Connection& on, std::span<const tuple::TupleRange> tuples,
                             std::vector<std::string> behind, Sent& sent) const;
  asio::awaitable<void> send_fast(pg::Pipeline& pipeline, tuple::TupleRange range,
                                  std::size_t number, Sent& sent) const;
  asio::awaitable<void> send_slow(pg::Pipeline& pipeline, tuple::TupleRange range,
                                  std::size_t number, Sent& sent) const;
  std::string fast_sql() const;
  std::string slow_sql(std::size_t rows) const;

  std::string insert_;                      ///< up to what is inserted
  std::vector<std::uint32_t> types_;        ///< of the columns
  std::vector<std::uint32_t> array_types_;  ///< of arrays of these
  std::vector<std::uint32_t> slow_types_;   ///< of the slow lane's parameters for one row
  std::string slow_values_;                 ///< what becomes of one row's
  std::size_t batch_rows_;
  tuple::Table table_;
};

}  // namespace sluice::writer

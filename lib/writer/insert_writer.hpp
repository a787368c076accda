#pragma once

#include "pg/pipeline.hpp"
#include "tuple/encoder.hpp"
#include "writer/selection.hpp"
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
///
/// With a Selection the values are those of the file's columns, most of them texts, and the rows
/// what its list makes of them.
class InsertWriter : public Writer {
 public:
  /// REQUIRES: plan.fast_lane only if can_unnest() is true for its columns.
  InsertWriter(const Target& target, const tuple::EncoderPlan& plan, std::optional<LoadId> load,
               std::size_t batch_rows);

  /// `plan` is for selection.csv. With `record_column` the record's number goes there too, which
  /// the tuples have at their end (EncoderPlan::number_records).
  InsertWriter(const Target& target, const tuple::EncoderPlan& plan, const Selection& selection,
               const std::string& record_column, std::optional<LoadId> load,
               std::size_t batch_rows);

  /// Whether the values of this type fit into an array: an array's do not, as it would have one
  /// dimension more.
  static bool can_unnest(const tuple::Type& type) { return type.array_id != 0; }

 protected:
  /// Where the rows of a selection go, and what the guard looks at.
  struct Into {
    Sql name;
    std::vector<std::string> columns;  ///< with the one for the record's number, where there is one
    std::vector<std::string> guarded;  ///< of the target
    bool numbers_records = false;
    bool has_rules = false;  ///< for INSERT
    bool counts_may_differ = false;
  };
  /// A temporary table, with the record's number.
  static Into into_temporary(Sql name, const Selection& selection,
                             const std::string& record_column);
  InsertWriter(const Target& target, const tuple::EncoderPlan& plan, const Selection& selection,
               Into into, std::optional<LoadId> load, std::size_t batch_rows);

  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  struct Sent;

  static Into into_target(const Target& target, const Selection& selection,
                          const std::string& record_column);
  void add_column(const tuple::Column& column);
  asio::awaitable<void> send(pg::Connection& on, std::span<const tuple::TupleRange> tuples,
                             std::vector<std::string> behind, Sent& sent) const;
  asio::awaitable<void> send_fast(pg::Pipeline& pipeline, tuple::TupleRange range,
                                  std::size_t number, Sent& sent) const;
  asio::awaitable<void> send_slow(pg::Pipeline& pipeline, tuple::TupleRange range,
                                  std::size_t number, Sent& sent) const;
  std::string fast_sql() const;
  std::string slow_rows(std::size_t rows) const;
  std::string slow_sql(std::size_t rows) const;

  std::string insert_;                      ///< up to what is inserted
  std::string from_values_;                 ///< of a selection: its row out of tuple_field()s
  std::string slow_from_values_;            ///< ... out of slow_column()s
  std::vector<std::uint32_t> types_;        ///< of the columns
  std::vector<std::uint32_t> array_types_;  ///< of arrays of these
  std::vector<std::uint32_t> slow_types_;   ///< of the slow lane's parameters for one row
  std::string slow_values_;                 ///< what becomes of one row's
  std::size_t batch_rows_;
  tuple::Table table_;
  bool has_rules_ = false;
  bool selects_ = false;
  bool filters_ = false;  ///< what is not stored was left out by the selection's condition
};

}  // namespace sluice::writer

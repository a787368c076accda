#pragma once

#include "tuple/encoder.hpp"
#include "writer/writer.hpp"

namespace sluice::writer {

/// Stores a batch with INSERT, for targets that COPY cannot serve: `insert into t (a, b) select
/// unnest($1), unnest($2)`, with a column's values of several thousand rows as one array. There are
/// as many parameters as columns, whatever the number of rows; several such statements are on their
/// way at once.
///
/// Tuples of the fast lane go as arrays of the columns' types in binary form; those of the slow
/// lane as arrays of texts, which are read as the types' input functions read them for COPY.
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
  /// How tuples of a lane are sent.
  struct Statement {
    std::string sql;
    std::vector<std::uint32_t> array_types;
    std::vector<std::uint32_t> element_types;
  };

  struct Sent;

  asio::awaitable<void> send(pg::Connection& on, std::span<const tuple::TupleRange> tuples,
                             std::vector<std::string> behind, Sent& sent) const;
  const Statement& statement_of(tuple::LaneName lane) const {
    return lane == tuple::LaneName::fast ? fast_ : slow_;
  }

  Statement fast_;
  Statement slow_;
  std::size_t batch_rows_;
  tuple::Table table_;
};

}  // namespace sluice::writer

#pragma once

#include "writer/writer.hpp"

namespace sluice::writer {

/// Stores a batch with COPY: its slow lane in text format, then its fast lane in binary format.
///
/// A chunk takes one round trip before the data and one after it: `begin; set local ...; insert
/// into pgsluice.chunks ...; copy ... ; commit` is one simple query, in the middle of which libpq
/// reports PGRES_COPY_IN.
class CopyWriter : public Writer {
 public:
  /// Records for which `condition` is not true are left out; empty: none are. REQUIRES: with one,
  /// no trigger drops rows, or which of the two it was would not be known.
  CopyWriter(const Target& target, const std::vector<std::string>& columns,
             std::optional<LoadId> load, const Sql& condition = {});

 protected:
  asio::awaitable<Written> run(pg::Connection& on, std::string before,
                               std::span<const tuple::TupleRange> tuples,
                               std::vector<std::string> behind) const override;

 private:
  std::string copy_sql_;
  std::string copy_all_sql_;  ///< of all columns
  std::string where_;
  std::string relation_name_;
  mutable bool listens_ = true;
};

/// What came of a query with COPYs in it.
struct Copied {
  std::uint64_t rows = 0;
  std::optional<Refusal> refusal;
  std::optional<pg::Result> last_row;
  /// Rows that each statement behind the COPYs touched, of those that gave no row.
  std::vector<std::uint64_t> touched;
};

/// With "; " behind it, unless it is empty.
std::string as_statement(const std::string& sql);
/// `copy_sql` ("copy t (a) from stdin") with the format of these tuples, and this behind it.
std::string copy_statement(const std::string& copy_sql, const tuple::TupleRange& tuples,
                           const std::string& where = {});

/// Runs a query with so many COPYs in it, and gives each its tuples. `relation_name` is what errors
/// of COPY call the table. `listens` says whether to listen for a refusal while sending; it is
/// turned off once that was a false alarm.
asio::awaitable<Copied> run_copies(pg::Connection& on, std::string sql,
                                   std::span<const tuple::TupleRange> copies,
                                   const std::string& relation_name, bool& listens);

/// The number of the tuple, from 0, in the CONTEXT of an error of COPY ("COPY trips, line 7, column
/// fare"). The text is localised; the relation's name and the number behind it are not.
std::optional<std::uint64_t> tuple_number_in(const std::string& context,
                                             const std::string& relation_name);

/// COPY's own line of that CONTEXT; empty where there is none.
std::string copy_line_of(const std::string& context, const std::string& relation_name);

}  // namespace sluice::writer

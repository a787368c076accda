#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"
#include "pg/connection.hpp"
#include "tuple/tuple_range.hpp"
#include "writer/catalog.hpp"

namespace sluice::writer {

/// What a transaction did.
struct Outcome {
  bool already_stored = false;  ///< the ledger had the chunk: no row was sent
  std::uint64_t rows_stored = 0;
  std::uint64_t rows_skipped = 0;  ///< dropped by a trigger of the table
};

/// The server refused what a COPY brought.
struct Refusal : pg::PgError {
  Refusal(pg::PgError error, std::optional<tuple::LaneName> lane_,
          std::optional<std::uint64_t> tuple_)
      : PgError(std::move(error)), lane(lane_), tuple(tuple_) {}

  std::optional<tuple::LaneName> lane;  ///< which COPY was running; nothing: none
  std::optional<std::uint64_t> tuple;   ///< which of its tuples the server names, from 0
};

/// Stores a batch with COPY: its slow lane in text format, then its fast lane in binary format. The
/// slow lane comes first because it is short and holds most of what the server will refuse.
///
/// Every function throws Refusal for the server's errors and PgError for a lost connection.
class CopyWriter {
 public:
  CopyWriter(const Target& target, std::vector<std::string> columns, std::optional<LoadId> load);

  /// Writes a batch and its ledger row in one transaction, in one round trip before the data and
  /// one after it: `begin; set local ...; insert into pgsluice.chunks ...; copy ... ; commit` is
  /// one simple query, in the middle of which libpq reports PGRES_COPY_IN. A batch that the ledger
  /// already has is skipped. If it throws nothing is stored, unless the connection was lost around
  /// the commit.
  asio::awaitable<Outcome> write(pg::Connection& on, const tuple::Batch& batch,
                                 const ledger::ChunkEntry& chunk) const;

  /// Writes a batch in one transaction with these statements before and behind it, and gives the
  /// last row that they return. If it throws nothing is stored, unless the connection was lost
  /// around the commit. REQUIRES: no trigger drops rows.
  asio::awaitable<pg::Result> write_between(pg::Connection& on, const tuple::Batch& batch,
                                            const std::string& before,
                                            const std::string& behind) const;

  // The same transaction in parts, for a batch of which some tuples may be refused: begin(), put()
  // each part, then commit() or roll_back().

  /// Begins it and claims the chunk. False if the ledger has it already; then there is no
  /// transaction. Deferred constraints are checked behind each part.
  asio::awaitable<bool> begin(pg::Connection& on, const ledger::ChunkEntry& chunk) const;
  /// Puts tuples in, under a savepoint: if they are refused, the transaction is as before. Returns
  /// how many rows there are more: fewer than tuples where a trigger has dropped some.
  asio::awaitable<std::uint64_t> put(pg::Connection& on, std::int64_t chunk,
                                     const tuple::TupleRange& tuples) const;
  /// Takes out all that was put in.
  asio::awaitable<void> start_over(pg::Connection& on) const;
  /// Corrects the ledger's row and commits.
  asio::awaitable<void> commit(pg::Connection& on, const ledger::ChunkEntry& chunk) const;
  asio::awaitable<void> roll_back(pg::Connection& on) const;

  /// Ends what is left on the server of an attempt at this chunk whose connection was lost: a
  /// backend that has not noticed yet would keep the claim, and the next attempt waiting.
  asio::awaitable<void> end_former_attempt(pg::Connection& on, std::int64_t chunk) const;

  std::optional<LoadId> load() const { return load_; }

 private:
  struct Copied {
    std::uint64_t rows = 0;
    std::optional<Refusal> refusal;
    std::optional<pg::Result> last_row;
  };

  asio::awaitable<void> finish(pg::Connection& on, std::string sql) const;
  std::string tag(std::int64_t chunk) const;
  std::string copy_statement(const tuple::TupleRange& tuples) const;
  asio::awaitable<Copied> run(pg::Connection& on, std::string sql,
                              std::span<const tuple::TupleRange> copies) const;
  asio::awaitable<void> send(pg::Connection& on, const tuple::TupleRange& tuples,
                             bool& given_up) const;

  std::string settings_sql_;
  std::string copy_sql_;
  std::string relation_name_;
  bool rows_may_vanish_;
  std::optional<LoadId> load_;
  /// Whether to listen for a refusal while sending; off once that was a false alarm.
  mutable bool listens_ = true;
};

/// The number of the tuple, from 0, in the CONTEXT of an error of COPY ("COPY trips, line 7, column
/// fare"). The text is localised; the relation's name and the number behind it are not.
std::optional<std::uint64_t> tuple_number_in(const std::string& context,
                                             const std::string& relation_name);

/// COPY's own line of that CONTEXT; empty where there is none.
std::string copy_line_of(const std::string& context, const std::string& relation_name);

}  // namespace sluice::writer

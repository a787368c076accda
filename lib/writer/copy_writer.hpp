#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"
#include "pg/connection.hpp"
#include "tuple/batch.hpp"
#include "writer/catalog.hpp"

namespace sluice::writer {

/// What a transaction did.
struct Outcome {
  bool already_stored = false;  ///< the ledger had the chunk: no row was sent
  std::uint64_t rows_stored = 0;
  std::uint64_t rows_skipped = 0;  ///< dropped by a trigger of the table
};

/// The server refused a batch.
struct Refusal : pg::PgError {
  enum class Lane { none, fast, slow };

  Refusal(pg::PgError error, Lane lane_, std::optional<std::uint64_t> tuple_)
      : PgError(std::move(error)), lane(lane_), tuple(tuple_) {}

  Lane lane;                           ///< which COPY was running
  std::optional<std::uint64_t> tuple;  ///< which of its tuples the server names, from 0
};

/// Stores a batch with COPY: its fast lane in binary format, its slow lane in text format.
class CopyWriter {
 public:
  CopyWriter(const Target& target, std::vector<std::string> columns, std::optional<LoadId> load);

  /// Writes a batch and its ledger row in one transaction, in one round trip before the data and
  /// one after it: `begin; set local ...; insert into pgsluice.chunks ...; copy ... ; commit` is
  /// one simple query, in the middle of which libpq reports PGRES_COPY_IN. A batch that the ledger
  /// already has is skipped. Throws Refusal for the server's errors, PgError for a lost connection;
  /// then nothing is stored, unless the connection was lost around the commit.
  asio::awaitable<Outcome> write(pg::Connection& on, const tuple::Batch& batch,
                                 const ledger::ChunkEntry& chunk) const;

  /// Writes a batch, checks deferred constraints, and rolls back. Throws as write() does.
  asio::awaitable<void> probe(pg::Connection& on, const tuple::Batch& batch) const;

  std::optional<LoadId> load() const { return load_; }

 private:
  struct Copied {
    std::uint64_t rows = 0;
    bool already_stored = false;
  };

  std::string copies(const tuple::Batch& batch) const;
  asio::awaitable<Copied> run(pg::Connection& on, const tuple::Batch& batch, std::string sql) const;

  std::string settings_sql_;
  std::string copy_sql_;
  std::string relation_name_;
  bool rows_may_vanish_;
  std::optional<LoadId> load_;
};

/// The number of the tuple, from 0, in the CONTEXT of an error of COPY ("COPY trips, line 7, column
/// fare"). The text is localised; the relation's name and the number behind it are not.
std::optional<std::uint64_t> tuple_number_in(const std::string& context,
                                             const std::string& relation_name);

}  // namespace sluice::writer

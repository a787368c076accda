#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/row_counts.hpp"
#include "ledger/ledger.hpp"
#include "pg/connection.hpp"
#include "tuple/tuple_range.hpp"
#include "writer/catalog.hpp"
#include "writer/guard.hpp"

namespace sluice::writer {

/// What a transaction did.
struct Outcome {
  RowCounts counts;
  bool already_stored = false;  ///< the ledger had the chunk: no row was sent
};

/// The server refused what it was sent.
struct Refusal : pg::PgError {
  explicit Refusal(pg::PgError error) : PgError(std::move(error)) {}

  std::optional<tuple::LaneName> lane;  ///< of the tuples that were under way; nothing: none
  bool before_tuples = false;           ///< none were asked for yet: the guard's, or the claim's
  std::string copy_line;                ///< COPY's own line of the context, where there is one
  /// Which of these tuples are to blame, from 0: [first, end). Empty where that is unknown.
  std::uint64_t first = 0;
  std::uint64_t end = 0;

  bool names_tuples() const { return first < end; }
};

/// A strategy that puts a batch into the table, in one transaction with the ledger's row. The
/// strategies differ in run(); what a chunk's transaction consists of is the same for all and
/// stands here.
///
/// Every function throws Refusal for the server's errors and PgError for a lost connection.
class Writer {
 public:
  virtual ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Writes a batch and its ledger row in one transaction. A batch that the ledger already has is
  /// skipped. If it throws nothing is stored, unless the connection was lost around the commit.
  asio::awaitable<Outcome> write(pg::Connection& on, const tuple::Batch& batch,
                                 const ledger::ChunkEntry& chunk) const;

  /// Statements of a transaction.
  struct Around {
    std::string tag;          ///< a comment that the transaction's text begins with: end_tagged()
    Sql locks;                ///< before the table is waited for; each ends with "; "
    Sql before;               ///< before the rows, likewise
    std::vector<Sql> behind;  ///< behind them
  };

  /// Writes a batch in one transaction with these statements around it, and gives the last row that
  /// they return. If it throws nothing is stored, unless the connection was lost around the commit.
  /// REQUIRES: !counts_may_differ().
  asio::awaitable<pg::Result> write_between(pg::Connection& on, const tuple::Batch& batch,
                                            const Around& around) const;

  // The same transaction in parts, for a batch of which some tuples may be refused: begin(), put()
  // each part, then commit() or roll_back().

  /// Begins it and claims the chunk. False if the ledger has it already; then there is no
  /// transaction. Deferred constraints are checked behind each part.
  asio::awaitable<bool> begin(pg::Connection& on, const ledger::ChunkEntry& chunk) const;
  /// Puts tuples in, under a savepoint: if they are refused, the next of these calls finds the
  /// transaction as before. Returns what became of them.
  asio::awaitable<RowCounts> put(pg::Connection& on, std::int64_t chunk,
                                 const tuple::TupleRange& tuples) const;
  /// Puts tuples in and takes them out again; none will do. Why the server refuses them, or
  /// nothing.
  asio::awaitable<std::optional<Refusal>> probe(pg::Connection& on, std::int64_t chunk,
                                                const tuple::TupleRange& tuples) const;
  /// Takes out all that was put in.
  asio::awaitable<void> start_over(pg::Connection& on) const;
  /// Behind the last part, before statements of others: takes out what was refused last. What is
  /// named from here to commit() is named under `pg::own_path`.
  asio::awaitable<void> end_parts(pg::Connection& on) const;
  /// Corrects the ledger's row and commits.
  asio::awaitable<void> commit(pg::Connection& on, const ledger::ChunkEntry& chunk) const;
  asio::awaitable<void> roll_back(pg::Connection& on) const;

  // The same for chunks that are parts of a larger transaction, or of several on as many
  // connections: what commits and rolls back a chunk above does so with its savepoint, then.

  /// Begins one, with `more` behind the guard (each statement ends with "; "). All chunks are
  /// written by this writer into such transactions from here on. Throws NotAsPlanned.
  asio::awaitable<void> begin_all(pg::Connection& on, const Sql& more);
  /// The same in those that another writer of the load has begun.
  void go_on_in_them() { are_parts_ = true; }

  /// Ends what is left on the server of an attempt at this chunk whose connection was lost: a
  /// backend that has not noticed yet would keep the claim, and the next attempt waiting.
  asio::awaitable<void> end_former_attempt(pg::Connection& on, std::int64_t chunk) const;

  std::optional<LoadId> load() const { return load_; }
  /// True where a tuple that is accepted need not be a new row.
  bool counts_may_differ() const { return counts_may_differ_; }
  /// True where parts of a batch must be put in the order of the file.
  virtual bool needs_file_order() const { return false; }

 protected:
  Writer(const Target& target, const std::vector<std::string>& columns, std::optional<LoadId> load,
         bool counts_may_differ);

  struct Written {
    RowCounts counts;
    std::optional<Refusal> refusal;
    std::optional<pg::Result> last_row;
  };

  /// Runs the statements `before`, puts the tuples in, and runs the statements `behind` one by one.
  /// The first error ends it.
  virtual asio::awaitable<Written> run(pg::Connection& on, std::string before,
                                       std::span<const tuple::TupleRange> tuples,
                                       std::vector<std::string> behind) const = 0;

  /// The transactions are for tuples of all columns that take values, in the table's order, and
  /// none comes to them.
  void take_all_columns() {
    took_all_columns_ = true;
    guard_.require_no_other_column();
  }
  /// ... until one has come.
  bool takes_all_columns() const { return guard_.lets_no_column_come(); }

  /// Statements in front of tuples, and behind them: a text of ours that the server reads between
  /// the two would be taken for one in the encoding of the data. A refusal takes the first back.
  /// Empty where all is UTF-8.
  const std::string& into_data_encoding() const { return into_data_encoding_; }
  const std::string& into_utf8() const { return into_utf8_; }

 private:
  asio::awaitable<void> query(pg::Connection& on, std::string sql) const;
  asio::awaitable<void> leave(pg::Connection& on) const;
  std::string end_of_chunk() const;
  std::string way_back() const;
  asio::awaitable<bool> is_stored_already(pg::Connection& on, const Refusal& refusal,
                                          const ledger::ChunkEntry& chunk) const;
  asio::awaitable<std::optional<Refusal>> try_to_begin_all(pg::Connection& on,
                                                           const Sql& more) const;
  asio::awaitable<bool> is_only_a_column(pg::Connection& on) const;
  std::string tag(std::int64_t chunk) const;

  std::string begin_sql(const ledger::ChunkEntry& chunk, SqlWords behind_begin) const;

  Sql settings_sql_;
  Sql user_path_sql_;
  std::string into_data_encoding_;
  std::string into_utf8_;
  mutable Guard guard_;  ///< it may have to let a column come
  bool took_all_columns_ = false;
  bool counts_may_differ_;
  std::optional<LoadId> load_;
  bool are_parts_ = false;  ///< the chunks: of transactions of begin_all()
};

/// What the statements of a load's chunks begin with, as far as the load decides.
std::string tag_of_load(LoadId load);

/// Ends what a lost connection has left on the server: sessions of this user whose statements begin
/// with `tag`. True if there is none; one that was told to end may take a moment.
asio::awaitable<bool> end_tagged(pg::Connection& on, std::string tag);

}  // namespace sluice::writer

#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>

#include "async/asio.hpp"
#include "base/position.hpp"
#include "base/sql.hpp"
#include "pg/connection.hpp"
#include "rejects/reject_text.hpp"

namespace sluice::rejects {

/// Where a load's rejects go that any host can read: pgsluice.rejects (sql/ledger/V017). They are
/// written by their chunk's transaction, so they are there exactly where its row in the ledger is;
/// and by one of their own where they end the load.
class RejectTable {
 public:
  /// Instead of a path, in the ledger and in reports. No path that this program chooses is
  /// relative.
  static constexpr const char* place = "pgsluice.rejects";
  /// What whoever loads must be allowed to do with it.
  static constexpr const char* privileges = "select, insert, delete";

  explicit RejectTable(RejectAbout about) : about_(std::move(about)) {}

  void set_load(LoadId load) { about_.load = load; }

  /// A statement, with "; " behind it, for what stands in front of the records and behind them;
  /// `load` is SQL for its number.
  Sql frame_statement(const Sql& load) const;

  /// Gives the next reject of a chunk, in file order; false behind the last.
  using Next = std::function<bool(tuple::Reject&)>;

  /// Writes those of a chunk in the place of what is there of it. `next` is called on `cpu`.
  asio::awaitable<void> write(pg::Connection& on, asio::thread_pool& cpu, const chunk::Chunk& chunk,
                              Next next) const;

  /// Takes out those of chunks that the ledger has not.
  static asio::awaitable<void> settle(pg::Connection& on, LoadId load);
  static asio::awaitable<std::uint64_t> count(pg::Connection& on, LoadId load);

  /// Whether each of so many lines of the source, from `first` on, was a record of this chunk that
  /// was rejected.
  static asio::awaitable<bool> are_rejected(pg::Connection& on, ChunkId chunk, std::uint64_t first,
                                            std::uint64_t lines);

  /// A part of what is there of a load, in its order: of the records as they were, which is a CSV,
  /// or of the reasons, a line each. Begins behind `place`, and is empty where nothing is left.
  enum class What { records, reasons };
  struct Place {
    std::int64_t chunk = std::numeric_limits<std::int64_t>::min();
    std::int64_t number = 0;
  };
  static asio::awaitable<std::string> read(pg::Connection& on, LoadId load, What what,
                                           Place& place);

 private:
  RejectAbout about_;
};

}  // namespace sluice::rejects

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledger/ledger.hpp"
#include "pg/connection.hpp"
#include "plan/plan.hpp"

namespace sluice::load {

/// The rows that go when a load's own come (--replace, --delete-missing), in the transaction that
/// publishes it. They go first, so that a value which a row gives up is free for one that comes.
/// Where a row that stays refers to one that goes, as it was before the file, or would be taken
/// along, that is the wrong order: then the rows come first, and what is missing goes behind them.
class MakeRoom {
 public:
  explicit MakeRoom(const plan::Plan& plan) : plan_(plan) {}

  /// A statement with "; " behind it, or none: loads that delete take turns, in the table, in what
  /// lies under it and in what is made of it. Of two that replace the same rows the second one
  /// would not see those of the first, and so delete none of them. What is missing is told of all
  /// rows that there are: nobody brings one meanwhile.
  Sql turn_statement() const;

  /// Before the rows come. False where it is the wrong order: the transaction is to be rolled back
  /// and begun again. The user's path is set then and behind it.
  asio::awaitable<bool> before_rows(pg::Connection& on, std::uint64_t rejected);
  /// Behind them. Throws Failure where more has gone than may.
  asio::awaitable<void> behind_rows(pg::Connection& on, const RowCounts& counts);
  /// As before_rows(), for a transaction that only finds out what is refused.
  asio::awaitable<void> for_trial(pg::Connection& on);

  bool is_needed() const { return plan_.options.deletes(); }
  std::uint64_t deleted() const { return deleted_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  asio::awaitable<std::uint64_t> rows(pg::Connection& on) const;
  asio::awaitable<std::uint64_t> replace(pg::Connection& on) const;
  asio::awaitable<std::uint64_t> delete_missing(pg::Connection& on) const;
  void require_few() const;

  const plan::Plan& plan_;
  bool rows_first_ = false;
  bool is_left_out_ = false;  ///< a record was rejected: whose row it would be, nobody knows
  std::uint64_t before_ = 0;  ///< rows of the table; of --replace only where a share of them counts
  std::uint64_t deleted_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace sluice::load

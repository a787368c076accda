#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/position.hpp"
#include "base/sql.hpp"
#include "pg/connection.hpp"

/// Loads whose rows come by several transactions, all of them or none (`--atomic=prepared`): each
/// is prepared, one row of the ledger says that they are to be committed, and then they are. What
/// is prepared outlives sessions and crashes with its rows and locks, until somebody ends it who
/// knows what is to become of it: it is found by its name, and the ledger's row tells.
namespace sluice::ledger {

/// One try to bring all of a load so.
struct Attempt {
  LoadId load;
  std::uint32_t database = 0;  ///< names of prepared transactions are of all databases of a server
  std::int64_t run = 0;
  std::size_t number = 0;  ///< of the run's
};

/// A new one of the load's present run: nothing of the load is decided.
asio::awaitable<Attempt> begin_attempt(pg::Connection& on, LoadId load, std::size_t number);

/// Ends the transaction by preparing it.
Sql prepare_statement(const Attempt& attempt, std::size_t part);

/// Decides that all parts are to be committed, durably: its rows wait no more. False where they are
/// not: the load was given up, or another run has taken it over. May be asked again.
asio::awaitable<bool> decide(pg::Connection& on, const Attempt& attempt);

/// Commits a part of an attempt that was decided, unless somebody has done so.
asio::awaitable<void> commit_part(pg::Connection& on, const Attempt& attempt, std::size_t part);

/// What was done about parts that were found.
struct Concluded {
  std::size_t committed = 0;
  std::size_t rolled_back = 0;
  std::size_t left = 0;  ///< whose role alone, or a superuser, may end them
  std::string whose;     ///< that role; empty: none are left

  bool any() const { return committed + rolled_back + left > 0; }
};
/// For people: "2 prepared transactions of load 7 ...".
std::string text_of(const Concluded& concluded, LoadId load);

/// Ends what is prepared of a load, as its row says; from here on no attempt of a run before is
/// decided. REQUIRES: no transaction.
asio::awaitable<Concluded> conclude(pg::Connection& on, LoadId load);

/// The same, for who can do nothing while some are left. Throws Failure(denied) then.
asio::awaitable<void> conclude_all(pg::Connection& on, LoadId load);

/// Loads of this database of which runs that are gone have left something prepared, the oldest
/// first, and at most so many. Of the content `own` (a fingerprint) the caller has the run's lock;
/// empty: of none.
inline constexpr std::size_t left_prepared_max = 100;
asio::awaitable<std::vector<LoadId>> left_prepared(pg::Connection& on, std::string own = {});

/// Of a load of which nothing was decided somebody has committed parts by hand: its chunks are in
/// the table, as if that had been decided. REQUIRES: no run is at work on it, or the caller's is.
asio::awaitable<void> accept_what_is_there(pg::Connection& on, LoadId load);

/// A statement with "; " behind it, for one that comes otherwise from now on.
Sql not_prepared_statement(LoadId load);

/// How many transactions the server lets be prepared at once, and are by now.
struct PreparedRoom {
  std::size_t most = 0;
  std::size_t taken = 0;
};
asio::awaitable<PreparedRoom> prepared_room(pg::Connection& on);

}  // namespace sluice::ledger

#pragma once

#include <map>
#include <string>

#include "ledger/ledger.hpp"
#include "pg/connection.hpp"
#include "tuple/codec.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// What the user sets for each transaction (--set, --lock-timeout).
using Settings = std::map<std::string, std::string>;

/// The target and the session as the server describes them.
struct Target {
  tuple::Table table;
  tuple::SessionSettings session;
  ledger::State ledger = ledger::State::incomplete;
  /// "set local ...; " for each transaction: the user's settings, and what decides how a text is
  /// read, as it was when the load began. So all connections agree, also behind a pooler.
  std::string settings_sql;
};

/// "set local ...; " for each of them.
std::string set_local(const Settings& settings);

/// Reads the catalogs: in one round trip, or two where there are triggers, partitions or domains.
/// `table` is written as in SQL: trips, sales.trips, "Trips". Throws PgError{42P01} for a table
/// that is not there.
asio::awaitable<Target> describe(pg::Connection& on, std::string table, Settings settings);

/// True if the table has no row; false where this user may not look.
asio::awaitable<bool> is_empty(pg::Connection& on, const tuple::Table& table);

}  // namespace sluice::writer

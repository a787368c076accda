#pragma once

#include <map>
#include <string>

#include "ledger/ledger.hpp"
#include "pg/connection.hpp"
#include "pg/encoding.hpp"
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
  /// This database, as no other has it: "system identifier:oid".
  std::string origin;
  /// Whose rows they are decides which may go in, and what becomes of them: row-level security
  /// applies to this user, or to what lies under a view. Then these are a part of what a load is.
  bool has_row_security = false;
  bool may_select = false;      ///< from the table
  bool has_prepared = false;    ///< loads have prepared transactions (ledger/prepared), somewhere
  std::string role;             ///< current_user, with the user's settings
  std::string startup_options;  ///< pg::Connection::startup_options()
  /// The user may lock the table as such. Else (a view, a foreign table, rights on columns only) an
  /// INSERT that is planned and not run takes the lock.
  bool can_lock = false;
  /// "set local ...; " for each transaction: the user's settings, and what decides how a text is
  /// read, as it was when the load began. So all connections agree, also behind a pooler.
  Sql settings_sql;
  /// Of these, what decides how a text becomes a value, by name: DateStyle and the like.
  std::map<std::string, std::string> reading;
  /// The same for the user's search_path, without the schema pgsluice: for what belongs to the
  /// user, such as the target's triggers and defaults; and what else pg::own_path changes is as it
  /// was. Our own statements run under that.
  Sql user_path_sql;
  /// Of the data, where it is not that of the session: pg::Connection::data_encoding().
  std::string data_encoding = pg::utf8;
};

/// "set local ...; " for each of them.
Sql set_local(const Settings& settings);

/// Statements that find a table by the user's search_path, in which the schema pgsluice does not
/// count, and leave its oid in `target_oid`, for the rest of the transaction. They belong in front
/// of everything that changes the path.
Sql find_target(const std::string& table, const Settings& settings);
inline constexpr SqlWords target_oid =
    "pg_catalog.current_setting('pgsluice.target')::pg_catalog.oid";

/// Reads the catalogs: in one round trip, or two where there are triggers, partitions or domains.
/// In a transaction of its own, or in the one that is open. `table` is written as in SQL: trips,
/// sales.trips, "Trips". Throws PgError{42P01} for a table that is not there, and Failure{usage}
/// for one of pgsluice's own.
asio::awaitable<Target> describe(pg::Connection& on, std::string table, Settings settings,
                                 ledger::Use use = ledger::Use::load);

/// Where a name leads in the user's search_path.
struct Place {
  std::string schema;  ///< empty: the path has none
  std::string name;
  std::size_t parts = 1;    ///< of the name, as it was written
  std::string quoted_name;  ///< as in SQL
  std::uint32_t table = 0;  ///< pg_class.oid of what is there; 0: nothing
  std::string path;         ///< search_path as a setting, without the schema pgsluice
};

/// Begins a transaction, in the user's path and with the user's settings, and asks. Throws
/// Failure{usage} for a place that is pgsluice's own.
asio::awaitable<Place> begin_at(pg::Connection& on, std::string table, Settings settings);

/// Where rows that go into the table `c` may come to lie, for a view and a table with rules: what
/// its rules name, what theirs name, and the partitions of these.
inline constexpr SqlWords reached =
    "with recursive reached (oid) as (select c.oid union select n.oid from reached r cross join "
    "lateral (select d.refobjid from pg_catalog.pg_rewrite w join pg_catalog.pg_depend d on "
    "d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid and d.refclassid "
    "= 'pg_catalog.pg_class'::pg_catalog.regclass where w.ev_class = r.oid union all select "
    "i.inhrelid from pg_catalog.pg_inherits i join pg_catalog.pg_class p on p.oid = i.inhrelid and "
    "p.relispartition where i.inhparent = r.oid) n (oid)) ";

/// SQL for a digest of the rules of the table `c`, of what a view is, and of the same of the views
/// and tables under it; empty: none. `as_known` is the table as it was last seen: nothing is looked
/// through for a kind that it is not, and one that has come since is told by another value.
Sql rules_digest(const tuple::Table& as_known);

/// SQL: the table `c`, or a partition of it, or what lies under a view, has row triggers for INSERT
/// that may drop or change a row. Of a table that is `as_known` in kind and rules.
Sql has_row_trigger(const tuple::Table& as_known);

/// Whether another server is asked, which takes its time.
enum class Far { asked, left_alone };

/// SQL that is true if the table is seen to have no row. For whoever may not look at all of them a
/// table without a page is empty: what was emptied by DELETE is not found to be so then.
Sql emptiness(const Target& target, Far far);

/// An expression that is true if the table has no row, and that was true: empty where it has some,
/// or where that cannot be known. For whoever may not look at all of them a table without a page is
/// empty: what was emptied by DELETE is not found to be so then.
asio::awaitable<Sql> seen_empty(pg::Connection& on, const Target& target);

}  // namespace sluice::writer

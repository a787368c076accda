#pragma once

#include <string>

#include "base/sql.hpp"

/// Who may write what about a load: functions and triggers (sql/ledger/guards.sql). They are told
/// by what they are, not by the history: a function that is dropped takes its triggers along.
/// `newest` is the version of the newest file of the ledger, V and three digits: guards are made
/// for the tables of that.
namespace sluice::schema {

/// The names of the functions, as a list of SQL.
inline constexpr SqlWords guard_functions =
    "'is_of_here', 'may_change_table', 'may_write_of', 'may_enter', 'may_change', 'refuse', "
    "'guard_deferred_indexes'";

/// An SQL expression that is true where they are as they were made, for these tables or newer ones.
Sql has_guards(const std::string& newest);

/// The same for these tables alone, many times cheaper, and true only where nothing has touched
/// them since, no other trigger is on a table of the schema, and `is_trusted` holds for the owner
/// of each thing in it and of itself. Not behind a dump and restore, for instance.
Sql is_untouched(const std::string& newest, const Sql& is_trusted);
/// The owner for which is_untouched() asks.
inline constexpr SqlWords owner_of_thing = "coalesce(c.relowner, p.proowner)";

/// Statements that make them again, whatever is there.
Sql make_guards(const std::string& newest);

}  // namespace sluice::schema

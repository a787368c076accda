#pragma once

#include <string>

#include "base/sql.hpp"
#include "ledger/loads.hpp"

namespace sluice::ledger {

/// What pgsluice.loads is called in questions.
inline constexpr SqlWords as_l = "l";

// A load's place is the table that it went into: database, oid and name. Tables are dropped and
// made anew, renamed, restored from dumps: then loads of a table's name are of another place than
// the table that has the name. Of each table that is noticed once, and put right.

/// An expression: the row of pgsluice.loads has an oid that means something in this database.
Sql is_here(const Sql& load, const std::string& origin);

/// An expression, for a load that is not here: the table of `like` may have been restored with the
/// ledger, and then the load's rows are in it. A table that was made behind the ledger's indexes,
/// which a restore makes when all tables have their rows, is another one by that name. A copy of
/// the files of a database has the oids of then.
Sql was_restored_with(const Sql& load, const NewLoad& like);

/// An expression: loads under the name of the table of `like` are of another place.
Sql has_other_places(const NewLoad& like);

/// An expression: the table has no page on the disk, so that it is empty, whoever asks and whatever
/// he may see. One that was emptied by DELETE has pages until it is vacuumed. It waits for whoever
/// has the table to himself.
Sql has_no_pages(std::uint32_t table);

/// An expression: loads of the table of `like` count that brought rows.
Sql has_loads_with_rows(const NewLoad& like);

/// A statement, with "; " behind it: the loads of the table, and of what is below it, are void if
/// the table is empty, which `is_empty` says, an expression. Both are seen at one instant, so that
/// a load whose rows come meanwhile is not meant.
Sql void_if_empty_statement(const NewLoad& like, const Sql& is_empty);

/// Statements, each with "; " behind it, for where the table is empty: no load under its name but
/// of another place has a row in it. A load whose table has another name gets that name; one whose
/// table is gone is void.
Sql leave_name_statements(const NewLoad& like);

/// ... for where it has rows: loads of a ledger that was restored from a dump are of this table, if
/// it was restored with it, as their rows were. From here on they are found by its oid.
Sql adopt_statements(const NewLoad& like);

}  // namespace sluice::ledger

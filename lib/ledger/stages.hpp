#pragma once

#include "base/position.hpp"
#include "base/sql.hpp"

/// Where the rows of a load that is all or nothing wait: in a table pgsluice.stage_N, or, where
/// somebody else has that name, pgsluice.stage_N_ and eight digits. Who may create in the schema
/// pgsluice may take any name: what is a stage of ours is told by its owner and its kind too, and
/// nothing else is written to or dropped.
namespace sluice::ledger {

/// An expression: the name, as in SQL, of the stage that the current user has for this load; null
/// where there is none.
Sql own_stage(LoadId load);

/// An expression: the names, as in SQL and with commas between them, of the stages of this load
/// that the current user may drop: a superuser and a member of their owner may too. Null where
/// there are none.
Sql stages_to_drop(LoadId load);

/// An expression: the same of those that others have to drop, each with its owner behind it.
Sql stages_of_others(LoadId load);

/// An expression: a name for it that nothing has, as in SQL.
Sql free_stage_name(LoadId load);

/// A statement, with "; " behind it, that drops the current user's stages of loads that are void,
/// finished or gone.
Sql drop_stale_stages_statement();

}  // namespace sluice::ledger

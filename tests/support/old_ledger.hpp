#pragma once

#include <string>

#include "support/database.hpp"

namespace sluice::test {

/// Makes pgsluice's schema as the version before projects had names has left it: V001 to V007, with
/// their rows in the history.
void make_old_ledger(Session& db);

/// A row of a project's history, as that version has stored it.
void store_old_migration(Session& db, const std::string& project, const std::string& file,
                         const std::string& text);

}  // namespace sluice::test

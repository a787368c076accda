#pragma once

#include "base/sql.hpp"
#include "ledger/loads.hpp"

namespace sluice::ledger {

/// The statement by which a finished load is known by the stamp that its source has now.
inline Sql stamp_statement(LoadId id, const NewLoad& now) {
  return sql(
      "update pgsluice.loads set source_stamp = {} where load_id = {} and state = 'finished'",
      literal(now.source_stamp), id.value);
}

}  // namespace sluice::ledger

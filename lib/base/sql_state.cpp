#include "base/sql_state.hpp"

namespace sluice {

ErrorNature nature_of(const SqlState& state) {
  if (state.empty() || state.in_class("08")) return ErrorNature::lost;
  // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped is permanent,
  // idle_session_timeout
  if (state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05")
    return ErrorNature::lost;
  // serialization_failure, statement_completion_unknown, deadlock_detected, lock_not_available
  if (state == sql_state::serialization_failure || state == "40003" || state == "40P01" ||
      state == sql_state::lock_not_available)
    return ErrorNature::transient;
  if (state.in_class("53"))
    return ErrorNature::transient;  // insufficient resources: disk, memory, connections
  if (state == "25P03") return ErrorNature::lost;  // idle_in_transaction_session_timeout
  // Data exceptions, integrity constraints, check options, and what a trigger raises.
  if (state.in_class("22") || state.in_class("23") || state.in_class("44") ||
      state.in_class("P0")) {
    return ErrorNature::data;
  }
  return ErrorNature::permanent;
}

}  // namespace sluice

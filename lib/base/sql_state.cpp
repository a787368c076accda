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
  // Data exceptions, integrity constraints, check options, what a trigger raises, and limits of the
  // server, as an index has for the length of a value.
  if (state.in_class("22") || state.in_class("23") || state.in_class("44") ||
      state.in_class("54") || state.in_class("P0")) {
    return ErrorNature::data;
  }
  return ErrorNature::permanent;
}

ErrorNature nature_in_living_session(const SqlState& state) {
  // What another server has lost, as foreign tables report it, comes with these too.
  if (state.in_class("40") || state.in_class("53") || state == sql_state::lock_not_available ||
      state == "57P01" || state == "57P02" || state == "57P03" || state == "57P05")
    return ErrorNature::transient;
  if (state.in_class("57") || state.in_class("58") || state == "XX001" || state == "XX002")
    return ErrorNature::permanent;
  return state.empty() ? ErrorNature::lost : ErrorNature::data;
}

}  // namespace sluice

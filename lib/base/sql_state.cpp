#include "base/sql_state.hpp"

#include <algorithm>
#include <initializer_list>

namespace sluice {
namespace {

using Texts = std::initializer_list<std::string_view>;

bool is_any(const SqlState& state, Texts codes) {
  return std::ranges::any_of(codes, [&state](std::string_view code) { return state == code; });
}

bool in_any(const SqlState& state, Texts classes) {
  return std::ranges::any_of(classes,
                             [&state](std::string_view each) { return state.in_class(each); });
}

/// The server stops, starts, or has had enough of the session. database_dropped is permanent.
bool is_of_the_server(const SqlState& state) {
  return is_any(state, {sql_state::admin_shutdown, sql_state::crash_shutdown,
                        sql_state::cannot_connect_now, sql_state::idle_session_timeout});
}

}  // namespace

ErrorNature nature_of(const SqlState& state) {
  if (state.empty() || state.in_class(sql_class::connection_exception)) return ErrorNature::lost;
  if (is_of_the_server(state)) return ErrorNature::lost;
  if (is_any(state, {sql_state::serialization_failure, sql_state::statement_completion_unknown,
                     sql_state::deadlock_detected, sql_state::lock_not_available}))
    return ErrorNature::transient;
  // Disk, memory, connections.
  if (state.in_class(sql_class::insufficient_resources)) return ErrorNature::transient;
  if (state == sql_state::idle_in_transaction_session_timeout) return ErrorNature::lost;
  // What a trigger raises, and limits of the server, as an index has for the length of a value,
  // too.
  if (in_any(state, {sql_class::data_exception, sql_class::integrity_constraint_violation,
                     sql_class::with_check_option_violation, sql_class::program_limit_exceeded,
                     sql_class::plpgsql_error}))
    return ErrorNature::data;
  return ErrorNature::permanent;
}

ErrorNature nature_in_living_session(const SqlState& state) {
  // What another server has lost, as foreign tables report it, comes with these too.
  if (in_any(state, {sql_class::transaction_rollback, sql_class::insufficient_resources}) ||
      state == sql_state::lock_not_available || is_of_the_server(state))
    return ErrorNature::transient;
  if (in_any(state, {sql_class::operator_intervention, sql_class::system_error}) ||
      is_any(state, {sql_state::data_corrupted, sql_state::index_corrupted}))
    return ErrorNature::permanent;
  return state.empty() ? ErrorNature::lost : ErrorNature::data;
}

}  // namespace sluice

#include "pg/error.hpp"

#include <charconv>
#include <regex>

namespace sluice::pg {
namespace {

std::string trimmed(const char* text) {
  std::string result = text == nullptr ? "" : text;
  while (!result.empty() && (result.back() == '\n' || result.back() == ' ')) result.pop_back();
  return result;
}

/// A server that this one has asked is gone, or cannot be reached: postgres_fdw, dblink. 08P01 is
/// what COPY says of bytes that are no value.
bool tells_of_another_server(const SqlState& state, const std::string& function) {
  const bool is_connection =
      state.in_class(sql_class::connection_exception) && !(state == sql_state::protocol_violation);
  return (is_connection || state == sql_state::fdw_unable_to_establish_connection) &&
         function != "exec_stmt_raise";
}

}  // namespace

PgError::PgError(Phase phase_, SqlState state_, std::string message_)
    : std::runtime_error(message_),
      phase(phase_),
      state(std::move(state_)),
      message(std::move(message_)) {}

PgError PgError::from(const PGresult* result, Phase phase) {
  const auto field = [&](int code) { return trimmed(PQresultErrorField(result, code)); };
  std::string message = field(PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = trimmed(PQresultErrorMessage(result));
  PgError error(phase, SqlState(field(PG_DIAG_SQLSTATE)), std::move(message));
  // libpq's own errors have no severity.
  error.session_goes_on = field(PG_DIAG_SEVERITY_NONLOCALIZED) == "ERROR";
  error.detail = field(PG_DIAG_MESSAGE_DETAIL);
  error.hint = field(PG_DIAG_MESSAGE_HINT);
  // Who raises an error cannot choose the name of the server's function that it comes from.
  const std::string function = field(PG_DIAG_SOURCE_FUNCTION);
  error.session_only_reads =
      error.state == sql_state::read_only_sql_transaction && function.starts_with("PreventCommand");
  error.is_of_another_server =
      error.session_goes_on && tells_of_another_server(error.state, function);
  if (error.session_only_reads) error.hint = read_only_hint;
  error.context = field(PG_DIAG_CONTEXT);
  const std::string position = field(PG_DIAG_STATEMENT_POSITION);
  std::from_chars(position.data(), position.data() + position.size(), error.position);
  error.schema = field(PG_DIAG_SCHEMA_NAME);
  error.table = field(PG_DIAG_TABLE_NAME);
  error.column = field(PG_DIAG_COLUMN_NAME);
  error.constraint = field(PG_DIAG_CONSTRAINT_NAME);
  return error;
}

PgError PgError::from(PGconn* connection, Phase phase) {
  std::string message = trimmed(PQerrorMessage(connection));
  if (message.empty()) message = "the connection to the server was lost";
  return {phase, SqlState(), std::move(message)};
}

PgError PgError::of_refused_connection(PGconn* connection) {
  PgError error = from(connection, Phase::connect);
  // Severity, two spaces, five digits or capitals, colon: in every language. Of several hosts the
  // last one counts.
  static const std::regex code("(:  )([0-9A-Z]{5}): ");
  static const std::regex location("\\n[^\\n:]+:  \\w+, [\\w.]+:[0-9]+(?=\\n|$)");
  for (std::sregex_iterator at(error.message.begin(), error.message.end(), code), end; at != end;
       ++at)
    error.state = SqlState((*at)[2].str());
  std::string text = std::regex_replace(error.message, code, "$1");
  text = std::regex_replace(text, location, "");
  return {Phase::connect, error.state, std::move(text)};
}

PgError PgError::unexpected_answer(const std::string& what, Phase phase) {
  PgError error(phase, SqlState(sql_state::protocol_violation),
                "the server's answer is not what was asked for: " + what);
  error.hint = "Is it PostgreSQL, and does nothing that stands between change its answers?";
  error.is_unexpected_answer = true;
  return error;
}

std::string PgError::full() const {
  std::string text = message;
  if (!detail.empty()) text += "\n  detail: " + detail;
  if (!hint.empty()) text += "\n  hint: " + hint;
  return text;
}

}  // namespace sluice::pg

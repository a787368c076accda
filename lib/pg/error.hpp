#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <stdexcept>
#include <string>

#include "base/sql_state.hpp"

namespace sluice::pg {

/// What was being done when it failed.
enum class Phase {
  connect,
  query,
  storing,  ///< rows were under way: without a ledger nobody knows whether they are stored
};

/// The server refused or the network failed. Decide by `state` and `phase`, never by a text:
/// messages are localised.
class PgError : public std::runtime_error {
 public:
  PgError(Phase phase, SqlState state, std::string message);

  /// From a result with status PGRES_FATAL_ERROR.
  static PgError from(const PGresult* result, Phase phase);
  /// The connection is unusable; libpq's message says why.
  static PgError from(PGconn* connection, Phase phase);
  /// No connection was made. libpq keeps the SQLSTATE of a server's refusal to itself, but writes
  /// it into a message with PQERRORS_VERBOSE: "FATAL:  53300: sorry, too many clients already".
  static PgError of_refused_connection(PGconn* connection);

  /// The server, or what stands in front of it, has answered something else than what was asked
  /// for. Asking again would give the same: it is permanent, and the connection is not used again.
  static PgError unexpected_answer(const std::string& what, Phase phase = Phase::query);

  ErrorNature nature() const {
    if (is_unexpected_answer || session_only_reads || is_given_up) return ErrorNature::permanent;
    if (is_of_another_server) return ErrorNature::transient;
    return session_goes_on ? nature_in_living_session(state) : nature_of(state);
  }
  /// The message with DETAIL and HINT, for a person.
  std::string full() const;

  Phase phase;
  SqlState state;
  /// The server said ERROR, not FATAL: it has not ended the session, whatever the code.
  bool session_goes_on = false;
  /// It was the server that refused to write, with 25006 and for whatever was sent: not a trigger
  /// that raised that for a row.
  bool session_only_reads = false;
  /// The server has lost another one, which has a part of the table: not a trigger that raised such
  /// a code for a row.
  bool is_of_another_server = false;
  std::string message;  ///< the primary message, without a trailing newline
  std::string detail;
  std::string hint;
  std::string context;
  std::size_t position = 0;  ///< the character of the statement, from 1; 0: none is named
  std::string schema;
  std::string table;
  std::string column;
  std::string constraint;
  bool is_unexpected_answer = false;  ///< see unexpected_answer()
  /// The server was there, and libpq does not go on with it: it asks for what is not given, or has
  /// not what the connection's settings want (TLS, a certificate that is known). The same again
  /// would end the same.
  bool is_given_up = false;
};

}  // namespace sluice::pg

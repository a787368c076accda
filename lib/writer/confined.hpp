#pragma once

#include <string>

#include "pg/connection.hpp"

namespace sluice::writer {

/// Runs one statement that may be somebody else's, as the role that is set, so that nothing of it
/// becomes the session's user again or leaves a setting behind. Throws its error. REQUIRES: an open
/// transaction under pg::own_path; the role may make temporary tables.
///
/// SET ROLE alone does not do that: RESET ROLE is open to whatever runs. CREATE INDEX calls the
/// functions of an index in a security-restricted operation of the server, but the values that
/// stand in its text are read before that begins, and the check of a domain may be part of it
/// (`'(1)'::pair`). So the statement runs from within the CREATE INDEX of a table of ours.
asio::awaitable<void> run_confined(pg::Connection& on, std::string statement);

}  // namespace sluice::writer

#pragma once

#include <string>

#include "pg/connection.hpp"

namespace sluice::writer {

/// Runs a text that may be somebody else's by the extended protocol, which takes one statement and
/// refuses a second one. Throws its error.
asio::awaitable<void> run_one(pg::Connection& on, std::string statement);

}  // namespace sluice::writer

#pragma once

#include <string>

#include "pg/connection.hpp"

namespace sluice::writer {

/// What of a table makes a difference between rows that come by one statement, and the same rows by
/// several: triggers, which may see what else a statement brings; constraints that wait for the
/// commit; references to rows of the table itself, which may come later. For people; empty:
/// nothing.
asio::awaitable<std::string> judges_whole(pg::Connection& on, std::uint32_t table);

}  // namespace sluice::writer

#pragma once

#include <cstdint>
#include <optional>

#include "pg/connection.hpp"
#include "tuple/table.hpp"

namespace sluice::writer {

/// How many rows this session's transaction has put into the table (and what inherits from it, or
/// is read by it where it is a view) up to here, and what it did before, as the server's statistics
/// count them: the difference of two calls is what came in between. Where rules rewrite an INSERT
/// its own answer says nothing of that. Nothing where the server keeps no such counts.
asio::awaitable<std::optional<std::uint64_t>> rows_inserted(pg::Connection& on,
                                                            const tuple::Table& table);

}  // namespace sluice::writer

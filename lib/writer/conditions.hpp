#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.hpp"

namespace sluice::writer {

/// What the table's CHECK constraints ask of each new row, as pg_get_expr() writes it.
asio::awaitable<std::vector<std::string>> check_conditions(pg::Connection& on, std::uint32_t table);

}  // namespace sluice::writer

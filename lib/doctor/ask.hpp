#pragma once

#include <string>

#include "doctor/facts.hpp"
#include "pg/connection.hpp"

namespace sluice::doctor {

/// Finds the facts out, by questions alone: nothing is written or locked. `table` is as in SQL, in
/// the user's search_path; empty: none.
asio::awaitable<Facts> ask(pg::Connection& on, std::string table);

/// What is free where `path` lies; nothing where that cannot be seen.
std::optional<std::uint64_t> free_bytes(const std::string& path);

}  // namespace sluice::doctor

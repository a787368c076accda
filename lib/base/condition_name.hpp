#pragma once

#include <string_view>

namespace sluice {

/// The name of an SQLSTATE as PostgreSQL's manual has it: "unique_violation". Empty: it has none
/// (a function may raise any code).
std::string_view condition_name(std::string_view code);

}  // namespace sluice

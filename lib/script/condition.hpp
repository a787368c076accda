#pragma once

#include <string>
#include <string_view>

namespace sluice::script {

/// Why a text that a user gives for an SQL expression cannot stand between parentheses of a
/// statement of ours: it would end them, or what stands behind them. Empty: it can. Whether it is
/// an expression is for the server to say.
std::string fault_of_expression(std::string_view text);

}  // namespace sluice::script

#pragma once

#include <vector>

#include "doctor/judge.hpp"

namespace sluice::doctor {

/// Settings of the server and of this user by which loads are slow, cancelled or not safe.
void judge_settings(const ServerFacts& server, std::vector<Finding>& findings);

}  // namespace sluice::doctor

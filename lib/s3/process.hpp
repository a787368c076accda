#pragma once

#include <string>
#include <vector>

namespace sluice::s3 {

/// Runs a program, found by PATH and without a shell, and returns what it writes to stdout; its
/// stderr is ours, its stdin is empty. Throws Failure where it cannot be started, fails, writes
/// more than a program that hands out keys does, or takes more than a minute, which ends it. The
/// message says nothing of what it wrote, or was given beside its name.
std::string run_program(const std::vector<std::string>& arguments);

}  // namespace sluice::s3

#pragma once

#include <stop_token>
#include <string>
#include <vector>

namespace sluice::s3 {

/// Runs a program, found by PATH and without a shell, and returns what it writes to stdout; its
/// stderr is ours, its stdin is empty. Throws Failure where it cannot be started, fails, writes
/// more than a program that hands out keys does, or takes more than a minute; and where `stop` says
/// so, Failure{interrupted}. Either ends it, with its process group, which is its own. It is done
/// when it has ended, whoever else has its stdout still. The message says nothing of what it wrote,
/// or was given beside its name.
std::string run_program(const std::vector<std::string>& arguments, std::stop_token stop = {});

}  // namespace sluice::s3

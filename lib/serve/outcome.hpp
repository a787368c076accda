#pragma once

#include <string>

#include "serve/message.hpp"

namespace sluice::serve {

/// What becomes of a load, a check or a look at a file as an answer: from its exit code and the
/// JSON that it wrote to stdout. `said` is the end of what it wrote to stderr, for one that wrote
/// no JSON.
Answer answer_of_command(int exit_code, const std::string& json, const std::string& said);

/// What went wrong, in the command's own words, for the log: a client is not told where the
/// database is. Empty where it said nothing of the kind.
std::string error_of_command(const std::string& json);

}  // namespace sluice::serve

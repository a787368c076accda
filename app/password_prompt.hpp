#pragma once

#include <CLI/CLI.hpp>
#include <string>

/// Passwords as psql asks for them: at the terminal, never on stdin, and only where a person is
/// there to answer.
namespace sluice::app {

/// -W and -w.
void add_password_flags(CLI::App& command, const std::string& group);

/// Whether and when connections of this process ask, as the flags say that were parsed. Throws
/// Failure{usage} for -W where there is no terminal.
void settle_password_prompt();

}  // namespace sluice::app

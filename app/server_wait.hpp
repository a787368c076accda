#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "pg/await_server.hpp"

/// --wait: how long a command waits at its start for a server that is starting, or not there yet.
namespace sluice::app {

/// `otherwise` says in the help what holds where the flag is not given.
void add_wait_option(CLI::App& command, std::optional<std::chrono::milliseconds>& wait,
                     const std::string& otherwise);

/// What holds for a command that runs once: what is given, or nothing at a terminal, where a person
/// sees the error and asks again, or else limits::server_wait.
std::chrono::milliseconds wait_of_command(const std::optional<std::chrono::milliseconds>& given);

/// pg::await_server() for a command that blocks. Throws PgError{phase connect}, and
/// Failure{interrupted} when it is asked to stop.
void await_server(const pg::ConnectOptions& connect, pg::ServerWait wait,
                  const std::stop_token& stop);

}  // namespace sluice::app

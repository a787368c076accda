#pragma once

#include <functional>
#include <optional>
#include <string>

#include "pg/connection.hpp"

/// Passwords that a person is asked for, where the server wants one and nothing else has it: once
/// in the life of the process, for all connections that have none of their own.
namespace sluice::pg {

/// Asks for the password of a user (empty: of whoever it is); nothing where nobody can be asked.
using AskPassword = std::function<std::optional<std::string>(const std::string& user)>;

/// From here on this one asks. Without it nobody does.
void ask_passwords_with(AskPassword ask);

/// Asks now, whether the server wants one or not. False where nobody can be asked.
bool ask_password(const std::string& user);

/// What was answered; empty before.
const std::string& asked_password();

/// Somebody can be asked, and was not.
bool may_ask_password();
/// Somebody has answered.
bool is_password_answered();

/// For who connects without Connection::open(): finds out whether a password is wanted, and asks.
/// Blocks. What else is wrong with the connection is found out by who connects.
void settle_password(const ConnectOptions& options);

}  // namespace sluice::pg

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "serve/tokens.hpp"

namespace sluice::serve {

/// What a request may say of `pgsluice load`, by the names of its flags with _ for -. Flags that
/// name files or servers, or set what a session is, are none of them.

/// One that a token has to allow: it is SQL, changes what the table is, takes rows away, brings the
/// same rows once more, or holds a turn for long.
bool is_flag_to_allow(const std::string& name);
/// All of those, for a message.
std::string flags_to_allow();

/// Arguments for a command. Throws Refused for a name that is none, comes twice where it may not,
/// has a value where it has none, or is not allowed.
std::vector<std::string> arguments_of(const std::vector<std::pair<std::string, std::string>>& query,
                                      const Permission& permission);

/// A text of the command with what the query has names for in those: "--on-conflict" is
/// "on_conflict".
std::string in_words_of_query(std::string_view text);

}  // namespace sluice::serve

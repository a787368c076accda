#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "script/sql_lexer.hpp"
#include "script/version.hpp"
#include "script/ways.hpp"

namespace sluice::script {

/// A file that another one stands for (migrate squash).
struct Replaced {
  Version version;
  std::string file;
  std::string checksum;
  bool stands_for_others = false;  ///< all before it: it was such a file itself
};

/// What the comments in front of a file's first statement say, one in a line: `-- pgsluice:
/// lock-timeout 3s`.
struct Directives {
  bool in_transaction = true;                                  ///< no-transaction
  std::optional<std::chrono::milliseconds> lock_timeout;       ///< lock-timeout 3s
  std::optional<std::chrono::milliseconds> statement_timeout;  ///< statement-timeout 10min
  std::optional<std::size_t> retries;                          ///< retries 5
  bool out_of_order = false;                                   ///< out-of-order
  std::string schedule;  ///< schedule "0 3 * * *" tz=Europe/Berlin
  std::string time_zone;
  std::vector<std::string> placeholders;         ///< placeholder name
  std::vector<std::string> secret_placeholders;  ///< placeholder name secret
  std::vector<Variable> variables;               ///< what goose calls ENVSUB
  std::vector<Replaced> replaces;                ///< replaces CHECKSUM FILE, replaces-all-to ...
};

struct DirectiveError {
  Place place;
  std::string message;
};

/// Reads them. An unknown directive is an error, with the nearest one that exists.
std::expected<Directives, DirectiveError> read_directives(std::string_view text);

}  // namespace sluice::script

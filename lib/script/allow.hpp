#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::script {

/// `allow RULE, RULE because REASON`: of one statement, for `migrate lint`, which knows the rules.
/// It is the one directive that stands anywhere.
struct Allow {
  std::vector<std::string> rules;
  std::string reason;
};

/// What stands behind `-- pgsluice:` is one, right or wrong.
bool is_allow(std::string_view directive);
/// The error says what is wrong with it.
std::expected<Allow, std::string> read_allow(std::string_view directive);

}  // namespace sluice::script

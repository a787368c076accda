#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sluice::script {

/// The roles that a dump's GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, CREATE POLICY and SET SESSION
/// AUTHORIZATION name, each once, in the order of their names; PUBLIC is none.
std::vector<std::string> granted_roles(std::string_view dump);

}  // namespace sluice::script

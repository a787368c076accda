#pragma once

#include <set>
#include <string>

#include "pg/conninfo.hpp"

namespace sluice::pg {

/// Throws Failure{usage} for settings that are wrong whatever server is asked, with their name and
/// where they come from (-d, a variable, a service): no waiting helps. What is wrong is what libpq
/// refuses before it opens a socket, and what it only finds out with one open, and may have hidden
/// behind a server that is away: ports, addresses, numbers, the certificate that is to verify.
/// Nothing is asked of the network. `given` are the keywords that the user has given, in whatever
/// form.
void require_usable(const Keywords& keywords, const std::set<std::string>& given);

}  // namespace sluice::pg

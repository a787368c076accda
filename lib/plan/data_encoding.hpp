#pragma once

#include <string>

#include "pg/pool.hpp"
#include "plan/beginning.hpp"
#include "plan/options.hpp"

namespace sluice::plan {

/// Throws Failure{usage} for an encoding that neither we nor PostgreSQL know. Empty is one.
void require_encoding(const std::string& name);

/// A session for data in this encoding, as a user has named it; empty: as the connection says. What
/// PostgreSQL does not know, or a server does not use inside, is converted here.
void say_encoding(const std::string& encoding, pg::ConnectOptions& connect);

/// Throws Failure{usage} where a name of the header has what is no character of the encoding that
/// the source was read in.
void require_header_in(const source::Encoding& encoding, const Beginning& beginning,
                       const LoadOptions& options);

/// Names and texts are UTF-8 here, as on the command line and in the session; a source may be in
/// another encoding. What of the one meets the other is converted by the server, as it converts the
/// data: the header's names, and the text for NULL. Throws Failure{usage} that names the flag.
asio::awaitable<void> bring_together(pg::Pool& pool, const std::string& encoding,
                                     Beginning& beginning, const LoadOptions& options);

}  // namespace sluice::plan

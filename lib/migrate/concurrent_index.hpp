#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "migrate/session.hpp"

namespace sluice::migrate {

/// What CREATE INDEX CONCURRENTLY builds.
struct ConcurrentIndex {
  std::string name;   ///< as the catalog has it: folded, or without its quotes
  std::string table;  ///< as it is written
};

/// Nothing if the statement is another one, or leaves the name to the server.
std::optional<ConcurrentIndex> concurrent_index(std::string_view statement);

/// What there is of it: an interrupted build leaves an index that is maintained and never used.
enum class IndexState { absent, valid, invalid };
IndexState state_of(Session& session, const ConcurrentIndex& index);

/// Drops the invalid one, without blocking the table either. Throws Failure{held} if somebody is
/// just building it, with `where` its statement stands.
void drop_leftover(Session& session, const ConcurrentIndex& index, const std::string& where,
                   const Stop& stop);

}  // namespace sluice::migrate

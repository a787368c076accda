#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/session.hpp"
#include "script/adoption.hpp"

namespace sluice::migrate {

/// Where another tool keeps its history.
struct TheirTable {
  script::Tool tool = script::Tool::flyway;
  std::string schema;
  std::string name;
};

/// What somebody says of it.
struct TheirWish {
  std::optional<script::Tool> from;
  std::string table;  ///< "schema.table", where it is not called as usual; empty: as usual
  std::string owner;  ///< a role that is trusted to have written it; empty: nobody says so
};

/// Looks for tables of such names. Throws Failure{usage} where there is none, or more than one.
TheirTable find_their_table(Session& session, const TheirWish& wish);

/// All tables of such names that have what is known of them.
std::vector<TheirTable> their_tables(Session& session);

/// Reads it, the oldest row first, under a lock that ends with the transaction, which is open:
/// nobody changes what it is meanwhile, and with `against_writes`, if this user may, not what it
/// says either. Whoever owned such a table, or put one there, could make reading it run anything,
/// or say anything: it must be a plain table of plain types without row-level security, of an owner
/// who is trusted, in a schema of such an owner. Throws Failure with the way out.
std::vector<script::TheirRow> read_their_rows(Session& session, const TheirTable& table,
                                              const TheirWish& wish, bool against_writes);

}  // namespace sluice::migrate

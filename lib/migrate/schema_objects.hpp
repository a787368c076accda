#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/session.hpp"

namespace sluice::migrate {

/// Something that a database has, as its catalogs define it.
struct SchemaObject {
  std::string kind;        ///< "table", "column", "privileges"
  std::string name;        ///< quoted where SQL wants it: "public.t.a", "t_check on public.t"
  std::string parent;      ///< the name of what it goes with: without that one it cannot be
  std::string definition;  ///< empty: that it is there is all that is compared
};

/// The kind of what says in which order the columns of a table stand.
inline constexpr const char* order_of_columns = "order of columns";

/// All that people and extensions have made in the session's database, but what belongs to
/// extensions themselves and pgsluice's own schema. Of casts, operators, languages, foreign servers
/// and the like only that they are there. Neither who owns it nor rows count.
std::vector<SchemaObject> schema_objects(Session& session);

/// Where two databases are not alike.
struct SchemaDifference {
  std::string kind;
  std::string name;
  std::optional<std::string> one;  ///< its definition here; nothing: it is not here
  std::optional<std::string> other;
};

/// By kind and name. What goes with something that is on one side alone is not told again.
std::vector<SchemaDifference> differences(const std::vector<SchemaObject>& one,
                                          const std::vector<SchemaObject>& other);

}  // namespace sluice::migrate

#pragma once

#include <string>
#include <vector>

namespace sluice::tuple {

/// A column that is to be made.
struct NewColumn {
  std::string name;
  std::string type = "text";  ///< as in SQL: one that is the server's own under pg_catalog
  bool not_null = false;
};

/// A table that is to be made.
struct NewTable {
  std::vector<NewColumn> columns;
  std::vector<std::string> primary_key = {};
};

/// CREATE TABLE, for people and for a server; `name` is as in SQL.
std::string create_statement(const NewTable& table, const std::string& name);

/// ALTER TABLE that adds them.
std::string add_statement(const std::vector<NewColumn>& columns, const std::string& name);

}  // namespace sluice::tuple

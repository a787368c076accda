#include "tuple/new_table.hpp"

#include "base/identifier.hpp"

namespace sluice::tuple {
namespace {

std::string definition_of(const NewColumn& column) {
  return name_in_sql(column.name) + " " + column.type + (column.not_null ? " not null" : "");
}

}  // namespace

std::string create_statement(const NewTable& table, const std::string& name) {
  std::string sql = "create table " + name + " (";
  std::string between = "\n  ";
  for (const NewColumn& column : table.columns) {
    sql += between + definition_of(column);
    between = ",\n  ";
  }
  if (!table.primary_key.empty()) {
    sql += between + "primary key (";
    for (const std::string& column : table.primary_key)
      sql += (&column == &table.primary_key.front() ? "" : ", ") + name_in_sql(column);
    sql += ")";
  }
  return sql + "\n)";
}

std::string add_statement(const std::vector<NewColumn>& columns, const std::string& name) {
  std::string sql = "alter table " + name;
  for (const NewColumn& column : columns)
    sql += (&column == &columns.front() ? " add column " : ", add column ") + definition_of(column);
  return sql;
}

}  // namespace sluice::tuple

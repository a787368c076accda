#include "writer/key_judges.hpp"

#include <algorithm>

#include "base/columns.hpp"
#include "base/identifier.hpp"
#include "writer/unique_keys.hpp"

namespace sluice::writer {
namespace {

bool are_among(const std::vector<std::string>& some, const std::vector<std::string>& all) {
  return std::ranges::all_of(
      some, [&all](const std::string& one) { return std::ranges::find(all, one) != all.end(); });
}

/// A row for each column of each reference to another table. What is SQL the server has quoted.
constexpr auto reference_columns = columns_of({
    {"id", "c.oid::bigint"},
    {"column", "a.attname"},
    {"table", "format('%I.%I', rn.nspname, r.relname)"},
    {"match",
     "format('pgsluice_row.%I operator(%I.%s) pgsluice_staged.%I', f.attname, n.nspname, "
     "o.oprname, "
     "a.attname)"},
    {"given", "format('pgsluice_staged.%I is not null', a.attname)"},
});

Sql references_query(std::uint32_t table) {
  return sql(
      "select {} from pg_catalog.pg_constraint c cross join lateral unnest(c.conkey, c.confkey, "
      "c.conpfeqop) with ordinality as k (attnum, referred, operator, number) join "
      "pg_catalog.pg_class r on r.oid = c.confrelid join pg_catalog.pg_namespace rn on rn.oid = "
      "r.relnamespace join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = "
      "k.attnum join pg_catalog.pg_attribute f on f.attrelid = c.confrelid and f.attnum = "
      "k.referred join pg_catalog.pg_operator o on o.oid = k.operator join pg_catalog.pg_namespace "
      "n on n.oid = o.oprnamespace where c.contype = 'f' and c.conrelid = {} and c.confrelid <> "
      "c.conrelid order by c.oid, k.number",
      reference_columns.list(), table);
}

struct Reference {
  std::int64_t id = 0;
  std::vector<std::string> columns;
  Sql table;
  std::vector<Sql> matches;
  std::vector<Sql> given;
};

asio::awaitable<std::vector<Reference>> references(pg::Connection& on, std::uint32_t table) {
  const Sql ask = references_query(table);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  // The server has quoted the names, from its catalogs.
  const auto made = [&rows](std::size_t row, int column) {
    return Sql::trusted(std::string(rows.text(row, column)));
  };
  std::vector<Reference> all;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const std::int64_t id = rows.integer(row, reference_columns["id"]);
    if (all.empty() || all.back().id != id) {
      all.emplace_back();
      all.back().id = id;
      all.back().table = made(row, reference_columns["table"]);
    }
    Reference& of_row = all.back();
    of_row.columns.emplace_back(rows.text(row, reference_columns["column"]));
    of_row.matches.push_back(made(row, reference_columns["match"]));
    of_row.given.push_back(made(row, reference_columns["given"]));
  }
  co_return all;
}

void add_columns(KeyJudges& judges, const std::vector<std::string>& columns) {
  for (const std::string& column : columns)
    if (!are_among({column}, judges.columns)) judges.columns.push_back(column);
}

}  // namespace

Sql KeyJudges::suspects_query(const Sql& keys, const std::string& number,
                              const std::vector<bool>& asked) const {
  std::vector<Sql> queries;
  for (std::size_t i = 0; i < judges.size(); ++i) {
    const Judge& judge = judges[i];
    if (!asked[i]) continue;
    if (!judge.condition.empty()) {
      queries.push_back(sql("select pgsluice_staged.{}, {} from {} pgsluice_staged where {}",
                            identifier(number), i, keys, judge.condition));
      continue;
    }
    queries.push_back(
        sql("select pgsluice_same.{}, {} from (select {}, pg_catalog.count(*) over (partition by "
            "{}) as pgsluice_times from {}) pgsluice_same where pgsluice_same.pgsluice_times "
            "operator(pg_catalog.>) 1",
            identifier(number), i, identifier(number), judge.repeated, keys));
  }
  return joined(queries, " union all ");
}

asio::awaitable<KeyJudges> key_judges(pg::Connection& on, const tuple::Table& table,
                                      const std::vector<std::string>& fed) {
  KeyJudges all;
  for (const UniqueKey& key : co_await unique_keys(on, table)) {
    if (!are_among(key.columns, fed)) continue;
    all.judges.push_back({.condition = sql("exists (select from {} as pgsluice_target where {})",
                                           table.sql_name(), joined(key.equalities, " and ")),
                          .repeated = {}});
    all.judges.push_back({.condition = {}, .repeated = joined(key.compared, ", ")});
    add_columns(all, key.columns);
  }
  for (const Reference& reference : co_await references(on, table.id)) {
    if (!are_among(reference.columns, fed)) continue;
    all.judges.push_back(
        {.condition = sql("{} and not exists (select from {} pgsluice_row where {})",
                          joined(reference.given, " and "), reference.table,
                          joined(reference.matches, " and ")),
         .repeated = {}});
    add_columns(all, reference.columns);
  }
  co_return all;
}

}  // namespace sluice::writer

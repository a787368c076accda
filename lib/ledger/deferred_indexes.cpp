#include "ledger/deferred_indexes.hpp"

#include "base/identifier.hpp"

namespace sluice::ledger {
namespace {

asio::awaitable<std::vector<DeferredIndex>> missing_where(pg::Connection& on, std::string where) {
  const auto results = co_await on.query(
      "select d.load_id, d.index_name, d.definition from pgsluice.deferred_indexes d "
      "join pgsluice.loads l using (load_id) where " +
      where + " order by d.load_id, d.index_name");
  const pg::Result& rows = results.front();
  std::vector<DeferredIndex> indexes;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    indexes.push_back({LoadId{rows.integer(row, 0)}, std::string(rows.text(row, 1)),
                       std::string(rows.text(row, 2))});
  }
  co_return indexes;
}

/// A row's place in the journal, as a condition.
std::string is_row_of(const DeferredIndex& index) {
  return "load_id = " + std::to_string(index.load.value) +
         " and index_name = " + quote_literal(index.name);
}

}  // namespace

std::string defer_statements(const std::string& load, std::uint32_t target_oid,
                             const std::string& name, const std::string& definition) {
  return "insert into pgsluice.deferred_indexes (load_id, target_oid, index_name, definition) "
         "values (" +
         load + ", " + std::to_string(target_oid) + ", " + quote_literal(name) + ", " +
         quote_literal(definition) + "); drop index " + name + "; ";
}

asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on, LoadId load) {
  return missing_where(on, "d.load_id = " + std::to_string(load.value));
}

asio::awaitable<std::vector<DeferredIndex>> missing_indexes(pg::Connection& on,
                                                            std::uint32_t target_oid, LoadId load) {
  return missing_where(on, "d.target_oid = " + std::to_string(target_oid) + " and (d.load_id = " +
                               std::to_string(load.value) + " or l.state <> 'unfinished')");
}

asio::awaitable<void> restore_index(pg::Connection& on, DeferredIndex index, std::string settings) {
  on.wait_for_ever();
  // The row's lock makes a second one who restores wait, and then find nothing to do.
  const auto results = co_await on.query("begin; " + settings +
                                         "set local search_path = pg_catalog; select "
                                         "to_regclass(index_name) is null from "
                                         "pgsluice.deferred_indexes where " +
                                         is_row_of(index) + " for update");
  const pg::Result& row = results.back();
  const bool is_missing = row.rows() > 0 && row.boolean(0, 0);
  std::string sql = is_missing ? index.definition + "; " : "";
  sql += "delete from pgsluice.deferred_indexes where " + is_row_of(index) + "; commit";
  co_await on.query(std::move(sql));
}

}  // namespace sluice::ledger

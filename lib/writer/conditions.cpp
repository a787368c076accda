#include "writer/conditions.hpp"

#include "base/columns.hpp"

namespace sluice::writer {

asio::awaitable<std::vector<std::string>> check_conditions(pg::Connection& on,
                                                           std::uint32_t table) {
  static constexpr auto columns =
      columns_of({{"condition", "pg_catalog.pg_get_expr(c.conbin, c.conrelid)"}});
  const Sql ask = sql(
      "select {} from pg_catalog.pg_constraint c where c.contype = 'c' and c.conrelid = {} order "
      "by c.conname",
      columns.list(), table);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  std::vector<std::string> conditions;
  for (std::size_t row = 0; row < rows.rows(); ++row)
    conditions.emplace_back(rows.text_or(row, columns["condition"], ""));
  co_return conditions;
}

}  // namespace sluice::writer

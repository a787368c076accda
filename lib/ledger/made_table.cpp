#include "ledger/made_table.hpp"

#include "base/columns.hpp"
#include "ledger/deferred_indexes.hpp"

namespace sluice::ledger {

asio::awaitable<std::optional<MadeTable>> made_table(pg::Connection& on, std::uint32_t table) {
  static constexpr auto of = columns_of({
      {"load", "l.load_id"},
      {"mark", "l.options ->> 'create'"},
  });
  // Void ones count too: the table is there, whatever has become of its rows.
  const Sql ask =
      sql("select {} from pgsluice.loads l where l.target_oid = {} and l.ledger_oid = "
          "'pgsluice.loads'::regclass::oid and l.origin = {} and l.options ? 'create' order by "
          "l.load_id limit 1",
          of.list(), table, origin_expression());
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  if (rows.rows() == 0) co_return std::nullopt;
  co_return MadeTable{LoadId{rows.integer(0, of["load"])}, std::string(rows.text(0, of["mark"]))};
}

}  // namespace sluice::ledger

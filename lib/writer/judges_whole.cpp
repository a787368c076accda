#include "writer/judges_whole.hpp"

#include "base/columns.hpp"

namespace sluice::writer {

asio::awaitable<std::string> judges_whole(pg::Connection& on, std::uint32_t table) {
  static constexpr auto columns =
      columns_of({{"trigger", "bool_or(not t.tgisinternal)"},
                  {"deferrable", "bool_or(t.tgisinternal and t.tgdeferrable)"},
                  {"itself",
                   "bool_or(t.tgisinternal and t.tgconstrrelid in (select tree.oid from "
                   "tree))"}});
  const Sql ask = sql(
      "with tree (oid) as (select {}::oid union select relid from "
      "pg_catalog.pg_partition_tree({})) select {} from pg_catalog.pg_trigger t where t.tgrelid in "
      "(select tree.oid from tree)",
      table, table, columns.list());
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  const auto is_so = [&row](int column) {
    return !row.is_null(0, column) && row.boolean(0, column);
  };
  if (is_so(columns["trigger"])) co_return "has triggers";
  if (is_so(columns["deferrable"])) co_return "has constraints that wait for the commit";
  if (is_so(columns["itself"])) co_return "has rows that refer to others of it";
  co_return std::string();
}

}  // namespace sluice::writer

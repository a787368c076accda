#include "ledger/former_load.hpp"

#include "base/columns.hpp"
#include "ledger/deferred_indexes.hpp"

namespace sluice::ledger {
namespace {

/// So many of the newest are looked at, each by its path: a table may have any number of loads.
constexpr std::size_t former_loads_max = 1000;

Sql without_digits(const Sql& path) { return sql("regexp_replace({}, '[0-9]+', '#', 'g')", path); }

Sql folder_of(const Sql& path) { return sql("regexp_replace({}, '[^/]*$', '')", path); }

}  // namespace

std::string without_digits(std::string_view path) {
  std::string alike;
  bool is_in_digits = false;
  for (const char c : path) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) alike += c;
    if (is_digit && !is_in_digits) alike += '#';
    is_in_digits = is_digit;
  }
  return alike;
}

asio::awaitable<std::optional<FormerLoad>> former_load(pg::Connection& on, std::uint32_t table,
                                                       std::string path) {
  static constexpr auto of = columns_of({
      {"load", "n.load_id"},
      {"source", "n.source"},
      {"finished_at",
       "coalesce(to_char(n.finished_at, 'YYYY-MM-DD HH24:MI:SSOF'), n.finished_at::text)"},
      {"options", "n.options"},
  });
  const Sql theirs = sql("n.source_path");
  const Sql ours = sql("{}", literal(path));
  const Sql newest = sql(
      "select l.load_id, l.source, l.source_path, l.finished_at, l.options, coalesce(l.last_write, "
      "l.load_id) as place from pgsluice.loads l where l.target_oid = {} and l.ledger_oid = "
      "'pgsluice.loads'::regclass::oid and l.origin = {} and l.finished_at is not null and "
      "l.rows_undone = 0 and l.options ? 'fields' order by coalesce(l.last_write, l.load_id) desc "
      "limit {}",
      table, origin_expression(), former_loads_max);
  const Sql ask =
      sql("select {} from ({}) n order by {} = {} desc, {} = {} desc, n.place desc "
          "limit 1",
          of.list(), newest, without_digits(theirs), without_digits(ours), folder_of(theirs),
          folder_of(ours));
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  if (rows.rows() == 0) co_return std::nullopt;
  co_return FormerLoad{.id = LoadId{rows.integer(0, of["load"])},
                       .source = std::string(rows.text(0, of["source"])),
                       .finished_at = std::string(rows.text(0, of["finished_at"])),
                       .options = std::string(rows.text(0, of["options"]))};
}

}  // namespace sluice::ledger

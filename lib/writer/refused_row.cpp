#include "writer/refused_row.hpp"

#include "writer/one_statement.hpp"

namespace sluice::writer {
namespace {

/// Longer rows are cut in messages.
constexpr int shown_characters_max = 300;
/// Rows of a page: MaxHeapTuplesPerPage is 291 for 8 KiB, and no more than four times that.
constexpr std::int64_t rows_of_page_max = 2048;

/// A place in the table, counted as if each page had rows_of_page_max rows.
Sql tid(std::int64_t place) {
  // The first row of a page has number 1.
  return sql("'({},{})'::pg_catalog.tid", place / rows_of_page_max, place % rows_of_page_max + 1);
}

// A view has its table by oid, and whoever makes it locks the table to the end of the transaction;
// nothing is read for that. Names mean what they like before and behind it: a schema is renamed
// without a lock on what is in it.
constexpr SqlWords source_view = "pg_temp.pgsluice_source";

Sql make_source(const RefusedRow& question) {
  return sql(
      "create temporary view pgsluice_source as select r.ctid as pgsluice_place, r as pgsluice_row "
      "from only {} r; ",
      // The server has quoted it, from its catalogs.
      Sql::trusted(question.table_name));
}

/// How many pages the table has, and one more; no row where the view is not one of that table, or
/// its owner has not the rights of the session's user.
Sql pages_query(const RefusedRow& question) {
  return sql(
      "select pg_catalog.pg_relation_size(c.oid) / "
      "pg_catalog.current_setting('block_size')::pg_catalog.int8 + 1 from pg_catalog.pg_class c "
      "where c.relkind in ('r', 'm') and pg_catalog.pg_has_role(c.relowner, session_user, 'usage') "
      "and c.oid = {} and (select pg_catalog.array_agg(distinct d.refobjid) from "
      "pg_catalog.pg_rewrite w join pg_catalog.pg_depend d on d.classid = "
      "'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = w.oid and d.refclassid = "
      "'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid <> w.ev_class where w.ev_class = "
      "'{}'::pg_catalog.regclass) = array[c.oid]",
      question.table, source_view);
}

/// Whether the index refuses a row from `first` to in front of `end`. The functions of an index are
/// called while it is built, and then under the server's restrictions, but not so by an INSERT into
/// a table that has it: the rows come first.
asio::awaitable<bool> refuses(pg::Connection& on, const RefusedRow& question, std::int64_t first,
                              std::int64_t end) {
  bool is_refused = false;
  const Sql take_part = sql(
      "savepoint part; create temporary table pgsluice_part as select (s.pgsluice_row).* from {} s "
      "where s.pgsluice_place >= {} and s.pgsluice_place < {}",
      source_view, tid(first), tid(end));
  co_await on.query(take_part);
  try {
    co_await run_one(on, "create index on pg_temp.pgsluice_part " + question.body);
  } catch (const pg::PgError& error) {
    if (error.nature() == ErrorNature::lost || error.state == sql_state::query_canceled) throw;
    is_refused = true;
  }
  co_await on.query("rollback to savepoint part");
  co_return is_refused;
}

asio::awaitable<std::string> find(pg::Connection& on, const RefusedRow& question) {
  // What is proved under the lock is looked up behind it.
  co_await run_one(on, "begin isolation level read committed");
  // Where a policy hides rows from the table's owner, there is no answer.
  const Sql ask_pages = sql("{}set local row_security = off; {}{}", question.settings,
                            make_source(question), pages_query(question));
  const auto pages = co_await on.query(ask_pages);
  if (pages.back().rows() == 0) co_return "";
  std::int64_t first = 0;
  std::int64_t end = pages.back().integer(0, 0) * rows_of_page_max;
  if (!co_await refuses(on, question, first, end)) co_return "";
  while (end - first > 1) {
    const std::int64_t middle = first + (end - first) / 2;
    const bool is_in_first_half = co_await refuses(on, question, first, middle);
    (is_in_first_half ? end : first) = middle;
  }
  // What the types' own output functions say: a cast to text could be anybody's function.
  const Sql ask_row =
      sql("select s.pgsluice_place, pg_catalog.left(pg_catalog.textin("
          "pg_catalog.record_out(s.pgsluice_row)), {}) from {} s where s.pgsluice_place = {}",
          shown_characters_max, source_view, tid(first));
  const auto rows = co_await on.query(ask_row);
  const pg::Result& row = rows.front();
  if (row.rows() == 0) co_return "";
  co_return "row " + std::string(row.text(0, 0)) + " of " + question.table_name + ": " +
      std::string(row.text(0, 1));
}

}  // namespace

asio::awaitable<std::string> find_refused_row(pg::Connection& on, RefusedRow question) {
  std::string row;
  bool is_lost = false;
  try {
    row = co_await find(on, question);
  } catch (const pg::PgError& error) {
    // What is known is told without the row.
    if (error.state == sql_state::query_canceled) throw;
    is_lost = error.nature() == ErrorNature::lost;
  }
  if (!is_lost) co_await on.query("rollback");
  co_return row;
}

}  // namespace sluice::writer

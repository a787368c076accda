#include "migrate/safe_guard.hpp"

#include <algorithm>
#include <cctype>
#include <ranges>

#include "base/quantity.hpp"
#include "lint/locks.hpp"
#include "script/sql_lexer.hpp"

namespace sluice::migrate {
namespace {

/// What partitions and children have counts, which are locked with their parent; and an index is
/// locked with its table.
constexpr SqlWords large_query =
    "set local search_path = pg_catalog, pg_temp; set local lock_timeout = 2000; select "
    "coalesce(pg_catalog.array_agg(t.oid)::text, '{}') from "
    "(select c.oid, case when "
    "c.relhassubclass then (with recursive tree (oid) as (select c.oid union select i.inhrelid "
    "from tree join pg_catalog.pg_inherits i on i.inhparent = tree.oid) select "
    "sum(pg_catalog.pg_total_relation_size(tree.oid)) from tree) else "
    "pg_catalog.pg_total_relation_size(c.oid) end as bytes from pg_catalog.pg_class c where "
    "c.relkind in ('r', 'm', 'p') and c.relpersistence <> 't' and c.relnamespace <> all "
    "(array['pg_catalog'::regnamespace, 'information_schema'::regnamespace])) t where t.bytes >= ";

/// In upper case, quotes as they are.
std::vector<std::string> words_of(std::string_view sql) {
  std::vector<std::string> words;
  for (const script::Token& token : script::lex_tokens(sql).all) {
    std::string& word = words.emplace_back(sql.substr(token.begin, token.end - token.begin));
    for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return words;
}

/// VACUUM FULL, and what CONCURRENTLY is not said of, locks a table for as long as it takes. A name
/// that is such a word does no harm: what is limited without need is said to be so.
bool is_concurrent(std::string_view sql) {
  if (script::lex_sql(sql).statements.size() != 1) return false;
  const std::vector<std::string> words = words_of(sql);
  const auto begins = [&words](std::initializer_list<std::string_view> all) {
    return words.size() > all.size() &&
           std::ranges::equal(all, words | std::views::take(all.size()));
  };
  const auto has = [&words](std::string_view word) {
    return std::ranges::find(words, word) != words.end();
  };
  if (begins({"VACUUM"})) return !has("FULL") && !has("\"FULL\"");
  if (begins({"CREATE", "INDEX", "CONCURRENTLY"}) || begins({"DROP", "INDEX", "CONCURRENTLY"}) ||
      begins({"CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"}) ||
      begins({"REFRESH", "MATERIALIZED", "VIEW", "CONCURRENTLY"}))
    return true;
  if (begins({"ALTER", "TABLE"})) return has("DETACH") && words.back() == "CONCURRENTLY";
  const auto said = std::ranges::find(words, "CONCURRENTLY");
  if (!begins({"REINDEX"}) || said == words.end()) return false;
  // REINDEX (CONCURRENTLY false) TABLE t
  return words[1] != "(" || (said + 1 != words.end() && (said[1] == ")" || said[1] == ","));
}

}  // namespace

SafeGuard::SafeGuard(Session& session, Limits limits)
    : session_(session),
      limits_(limits),
      large_(session.value(sql("{}{}", large_query, limits.bytes))) {}

void SafeGuard::before(std::string_view text, std::size_t line) {
  const lint::StatementLocks locks = lint::locks_of(text);
  line_ = line;
  began_ = Clock::now();
  table_ = locks.tables.empty() ? "" : large_among(locks.tables);
  is_limiting_ = deadline_.has_value() || !locks.is_known || !table_.empty();
  // It waits for others, and keeps nobody waiting.
  if (!limits_.is_transaction && is_concurrent(text)) is_limiting_ = false;
  if (!is_limiting_) return set_limits(limits_.otherwise, limits_.time);
  std::chrono::milliseconds statement = left();
  // Each of several has the time for itself.
  const auto count = static_cast<std::int64_t>(script::lex_sql(text).statements.size());
  if (count > 1) statement /= count;
  // What waits for its lock for longer is tried again; what has it has the other half for its work.
  set_limits(std::max(statement, std::chrono::milliseconds(1)),
             std::max(statement / 2, std::chrono::milliseconds(1)));
}

void SafeGuard::after() {
  // Whatever it is: a SELECT can call a function that locks a table.
  if (!limits_.is_transaction || deadline_) return;
  const script::Rows held = session_.query_in_user_path(sql(
      "select l.relation::pg_catalog.regclass::pg_catalog.text from pg_catalog.pg_locks l where "
      "l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid() and l.granted and l.mode "
      "operator(pg_catalog.=) any ('{ShareLock,ShareRowExclusiveLock,ExclusiveLock,"
      "AccessExclusiveLock}'::pg_catalog.text[]) and l.relation operator(pg_catalog.=) any "
      "({}::pg_catalog.oid[]) limit 1",
      literal(large_)));
  if (held.empty()) return;
  deadline_ = began_ + limits_.time;
  held_table_ = held.front()[0];
  held_line_ = line_;
}

void SafeGuard::before_end() {
  if (deadline_) set_limits(left(), left());
}

std::string SafeGuard::words() const {
  const std::string than =
      " for longer than the lock timeout (" + format_duration(limits_.time) + ")";
  if (deadline_) {
    return "--safe: it runs while " + held_table_ + " is locked (line " +
           std::to_string(held_line_) + "), which would keep others from it" + than +
           "; give it a file of its own";
  }
  if (!table_.empty()) return "--safe: it would keep others from " + table_ + than;
  return "--safe: what it locks is not known, and it takes longer than the lock timeout (" +
         format_duration(limits_.time) + ")";
}

std::chrono::milliseconds SafeGuard::left() const {
  const auto end = deadline_.value_or(began_ + limits_.time);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

void SafeGuard::set_limits(std::chrono::milliseconds statement, std::chrono::milliseconds lock) {
  const auto set = [this](const std::string& name, std::chrono::milliseconds time) {
    return sql("pg_catalog.set_config({}, {}, {})", literal(name),
               literal(std::to_string(time.count())), limits_.is_transaction);
  };
  session_.query_in_user_path(
      sql("select {}, {}", set("statement_timeout", statement), set("lock_timeout", lock)));
}

std::string SafeGuard::large_among(const std::vector<std::string>& tables) {
  const script::Rows rows = session_.query_in_user_path(
      sql("select n.n from pg_catalog.unnest({}) as n (n) where pg_catalog.to_regclass(n.n)::"
          "pg_catalog.oid operator(pg_catalog.=) any ({}::pg_catalog.oid[]) limit 1",
          sql_array(tables), literal(large_)));
  return rows.empty() ? "" : rows.front()[0];
}

}  // namespace sluice::migrate

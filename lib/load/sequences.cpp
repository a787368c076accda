#include "load/sequences.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/columns.hpp"
#include "base/limits.hpp"
#include "base/quantity.hpp"

namespace sluice::load {
namespace {

bool is_number(const tuple::Column& column) {
  const std::uint32_t type = column.base_type.id;
  return type == tuple::oid::int2 || type == tuple::oid::int4 || type == tuple::oid::int8 ||
         type == tuple::oid::numeric;
}

/// Columns that are loaded and may have one.
std::vector<std::string> candidates(const plan::Plan& plan) {
  std::vector<std::string> names;
  if (plan.target.table.kind != 'r' && plan.target.table.kind != 'p') return names;
  for (const std::string& name : plan.encoder.column_names()) {
    const tuple::Column& column = plan.target.table.columns[*plan.target.table.find(name)];
    if (is_number(column) && (column.identity || column.has_default)) names.push_back(name);
  }
  return names;
}

struct Sequence {
  std::string column;
  std::uint32_t id = 0;
  std::string name;  ///< as in SQL, quoted by the server
  bool may_be_set = false;
  bool may_be_read = false;  ///< it, and the column
  bool is_owned = false;     ///< by a role that the user has
  bool has_index = false;    ///< that says what the column has most of

  Sql sql_name() const { return Sql::trusted(name); }
};

constexpr auto sequence_columns = columns_of({
    {"column", "a.attname"},
    {"id", "s.oid::bigint"},
    {"name", "format('%I.%I', n.nspname, s.relname)"},
    {"may_be_set",
     "has_schema_privilege(n.oid, 'usage') and (has_sequence_privilege(s.oid, 'usage') or "
     "has_sequence_privilege(s.oid, 'update'))"},
    {"may_be_read",
     "has_schema_privilege(n.oid, 'usage') and has_sequence_privilege(s.oid, 'select') and "
     "has_column_privilege({}, a.attname, 'select')"},
    {"is_owned", "pg_catalog.pg_has_role(s.relowner, 'usage')"},
    {"has_index",
     "exists (select from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid "
     "join pg_catalog.pg_am m on m.oid = x.relam and m.amname = 'btree' join "
     "pg_catalog.pg_attribute "
     "o on o.attrelid = i.indrelid and o.attnum = i.indkey[0] where i.indrelid = {} and o.attname "
     "= "
     "a.attname and i.indisvalid and i.indpred is null)"},
});

/// A partition's column draws from the sequence of the table that it is a part of.
asio::awaitable<std::vector<Sequence>> sequences_of(const plan::Plan& plan, pg::Connection& on) {
  static constexpr auto& at = sequence_columns;
  const std::uint32_t table = plan.target.table.id;
  const Sql ask = sql(
      "select {} from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid and "
      "s.relkind = 'S' join pg_catalog.pg_namespace n on n.oid = s.relnamespace join "
      "pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid where "
      "d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = "
      "'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i') and a.attname = any ({}) and "
      "d.refobjid in (select {}::oid union select relid from "
      "pg_catalog.pg_partition_ancestors({}::oid::regclass)) order by a.attname, s.oid",
      at.list(table, table), sql_array(candidates(plan)), table, table);
  const auto results = co_await on.query(ask);
  const pg::Result& rows = results.back();
  std::vector<Sequence> found;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    found.push_back({.column = std::string(rows.text(row, at["column"])),
                     .id = static_cast<std::uint32_t>(rows.integer(row, at["id"])),
                     .name = std::string(rows.text(row, at["name"])),
                     .may_be_set = rows.boolean(row, at["may_be_set"]),
                     .may_be_read = rows.boolean(row, at["may_be_read"]),
                     .is_owned = rows.boolean(row, at["is_owned"]),
                     .has_index = rows.boolean(row, at["has_index"])});
  }
  co_return found;
}

/// How far a sequence is behind its column.
struct Lag {
  bool is_behind = false;
  bool is_in_reach = false;  ///< it has such a number
  std::uint64_t steps = 0;   ///< until it gives what is behind all
  std::string greatest;      ///< or least, of one that goes down
  std::string next;          ///< what it would give
};

constexpr auto lag_columns = columns_of({
    {"is_behind", "coalesce(case when up then most >= next else most <= next end, false)"},
    {"is_in_reach", "coalesce(most between least_number and greatest_number, false)"},
    {"steps",
     "case when most between least_number and greatest_number and case when up then most >= next "
     "else most <= next end then least(div(most - next, step) + 1, 9e18)::bigint else 0 end"},
    {"greatest", "coalesce(most::text, '')"},
    {"next", "next::text"},
});

asio::awaitable<Lag> lag_of(const plan::Plan& plan, pg::Connection& on, const Sequence& sequence) {
  static constexpr auto& at = lag_columns;
  const Identifier column = identifier(sequence.column);
  const Sql table = plan.target.table.sql_name();
  const Sql ask = sql(
      "select {} from (select q.seqincrement > 0 as up, q.seqincrement::numeric as step, "
      "q.seqmin::numeric as least_number, q.seqmax::numeric as greatest_number, case when "
      "s.is_called then s.last_value::numeric + q.seqincrement else s.last_value::numeric end as "
      "next, case when q.seqincrement > 0 then (select max({})::numeric from {}) else (select "
      "min({})::numeric from {}) end as most from {} s, pg_catalog.pg_sequence q where q.seqrelid "
      "= "
      "{}) of_sequence",
      at.list(), column, table, column, table, sequence.sql_name(), sequence.id);
  const auto results = co_await on.query(ask);
  const pg::Result& row = results.back();
  co_return Lag{.is_behind = row.boolean(0, at["is_behind"]),
                .is_in_reach = row.boolean(0, at["is_in_reach"]),
                .steps = row.count(0, at["steps"]),
                .greatest = std::string(row.text(0, at["greatest"])),
                .next = std::string(row.text(0, at["next"]))};
}

std::string column_of(const plan::Plan& plan, const Sequence& sequence) {
  return fmt::format("{}.{}", plan.target.table.full_name(), sequence.column);
}

/// Whoever draws a number meanwhile brings it only further.
asio::awaitable<void> draw(pg::Connection& on, const Sequence& sequence, std::uint64_t steps) {
  const Sql statement = sql("select count(nextval({}::oid::regclass)) from generate_series(1, {})",
                            sequence.id, steps);
  co_await on.query(statement);
}

/// Nobody draws a number between what is read and what is set: a change that changes nothing locks
/// it until the end of the transaction, which nextval() waits for.
asio::awaitable<void> set_locked(const plan::Plan& plan, pg::Connection& on,
                                 const Sequence& sequence) {
  const Sql ask =
      sql("select seqcache from pg_catalog.pg_sequence where seqrelid = {}", sequence.id);
  const auto cache = co_await on.query(ask);
  const Sql lock =
      sql("alter sequence {} cache {}", sequence.sql_name(), cache.back().integer(0, 0));
  co_await on.query(lock);
  const Lag lag = co_await lag_of(plan, on, sequence);
  if (!lag.is_behind) co_return;
  const Sql set =
      sql("select setval({}::oid::regclass, {}::bigint)", sequence.id, literal(lag.greatest));
  co_await on.query(set);
}

asio::awaitable<void> set_sequence(const plan::Plan& plan, pg::Connection& on,
                                   const Sequence& sequence, std::vector<std::string>& notes) {
  const Lag lag = co_await lag_of(plan, on, sequence);
  if (!lag.is_behind) co_return;
  if (!lag.is_in_reach) {
    notes.push_back(
        fmt::format("{} has {}, which is no number of its sequence {}: it stays as it is",
                    column_of(plan, sequence), lag.greatest, sequence.name));
    co_return;
  }
  const bool is_near = lag.steps <= limits::sequence_steps_usual;
  if (!is_near && sequence.is_owned) {
    co_await set_locked(plan, on, sequence);
  } else if (is_near || lag.steps <= limits::sequence_steps_max) {
    co_await draw(on, sequence, lag.steps);
  } else {
    throw Failure(
        FailureKind::failed,
        fmt::format("--set-sequences: {} is {} numbers behind {}, and only its owner can bring it "
                    "that far",
                    sequence.name, format_count(lag.steps), column_of(plan, sequence)),
        "Load without --set-sequences, and let its owner set it.");
  }
}

}  // namespace

bool may_have_sequences(const plan::Plan& plan) { return !candidates(plan).empty(); }

asio::awaitable<void> set_sequences(const plan::Plan& plan, pg::Connection& on,
                                    std::vector<std::string>& notes) {
  if (!may_have_sequences(plan)) co_return;
  const std::vector<Sequence> sequences = co_await sequences_of(plan, on);
  for (const Sequence& sequence : sequences) co_await set_sequence(plan, on, sequence, notes);
}

asio::awaitable<void> require_settable_sequences(const plan::Plan& plan, pg::Connection& on) {
  if (!may_have_sequences(plan)) co_return;
  const std::vector<Sequence> sequences = co_await sequences_of(plan, on);
  for (const Sequence& sequence : sequences) {
    if (sequence.may_be_set && sequence.may_be_read) continue;
    throw Failure(
        FailureKind::failed,
        fmt::format("--set-sequences: no right on sequence {} of {}, or to read the column",
                    sequence.name, column_of(plan, sequence)),
        fmt::format("Its owner gives it: grant usage, select on sequence {} to ...; grant "
                    "select on {} to ...;",
                    sequence.name, plan.target.table.quoted_name));
  }
}

asio::awaitable<std::vector<std::string>> sequences_behind(const plan::Plan& plan,
                                                           pg::Connection& on) {
  std::vector<std::string> texts;
  const std::vector<Sequence> sequences = co_await sequences_of(plan, on);
  for (const Sequence& sequence : sequences) {
    if (!sequence.may_be_read || !sequence.has_index) continue;
    const Lag lag = co_await lag_of(plan, on, sequence);
    if (!lag.is_behind) continue;
    const Sql set = sql("select setval({}, {})", literal(sequence.name), literal(lag.greatest));
    texts.push_back(fmt::format(
        "{} has {}, and its sequence {} would give {} next: --set-sequences brings it behind that "
        "with a load; here: {};",
        column_of(plan, sequence), lag.greatest, sequence.name, lag.next, set.text()));
  }
  co_return texts;
}

}  // namespace sluice::load

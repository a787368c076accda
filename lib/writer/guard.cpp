#include "writer/guard.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/columns.hpp"

namespace sluice::writer {
namespace {

Sql trigger_mark(const tuple::Table& table) {
  return sql("case when {} then 't' else '' end", has_row_trigger(table));
}

/// The same as text_of_shape(), of what the server has. By a join, as the planner compares each of
/// a list of names with all that it knows of the names of columns.
Sql shape_of_table(const tuple::Table& table, const std::vector<std::string>& columns) {
  // A table that is made like another one has other oids and numbers.
  const SqlWords oid = table.id != 0 ? SqlWords("c.oid") : SqlWords("0");
  const SqlWords number = table.id != 0 ? SqlWords("a.attnum") : SqlWords("0");
  return sql(
      "(select format('%s%s%s%s%s%s', {}, c.relkind, c.relpersistence, {}, {}, (select "
      "string_agg(format(' %s:%s:%s:%s', a.attname, a.atttypid, a.atttypmod, {}), '' order by "
      "a.attname) from unnest(array[{}]::pg_catalog.name[]) fed (name) join "
      "pg_catalog.pg_attribute a on a.attname = fed.name where a.attrelid = c.oid and a.attnum > 0 "
      "and not a.attisdropped)) from pg_catalog.pg_class c where c.oid = to_regclass({}))",
      oid, trigger_mark(table), rules_digest(table), number, sql_list(columns, literal),
      literal(table.quoted_name));
}

std::string text_of_shape(const tuple::Table& table, const std::vector<std::string>& columns) {
  std::vector<const tuple::Column*> fed;
  for (const std::string& name : columns)
    if (const auto at = table.find(name)) fed.push_back(&table.columns[*at]);
  std::ranges::sort(fed, {}, &tuple::Column::name);
  std::string text = fmt::format("{}{}{}{}{}", table.id, table.kind, table.persistence,
                                 table.has_row_trigger ? "t" : "", table.rules);
  for (const tuple::Column* column : fed) {
    text += fmt::format(" {}:{}:{}:{}", column->name, column->declared.id,
                        column->declared.modifier, table.id != 0 ? column->number : 0);
  }
  return text;
}

/// Takes the lock of a COPY, until the end of the transaction.
Sql lock_statement(const Target& target, const tuple::Table& table,
                   const std::vector<std::string>& columns) {
  if (target.can_lock) return sql("lock table only {} in row exclusive mode; ", table.sql_name());
  bool has_identity = false;
  for (const std::string& column : columns) {
    const auto at = table.find(column);
    has_identity = has_identity || (at && table.columns[*at].identity);
  }
  return sql("explain (costs off) insert into {} ({}) {}select {} where false; ", table.sql_name(),
             sql_list(columns, identifier),
             has_identity ? SqlWords("overriding system value ") : SqlWords(""),
             sql_list(columns, [](const std::string&) { return SqlWords("null"); }));
}

/// What there is now, for people.
constexpr auto now_columns = columns_of({
    {"shape", "coalesce({}, '')"},
    {"is_there", "to_regclass({}) is not null"},
    {"trigger",
     "coalesce((select {} from pg_catalog.pg_class c where c.oid = to_regclass({})), '')"},
    {"rules", "coalesce((select {} from pg_catalog.pg_class c where c.oid = to_regclass({})), '')"},
});

/// ... and of the load, behind them.
constexpr auto load_columns = columns_of({
    {"state",
     "coalesce((select case when part_gone then 'part gone' else state end from pgsluice.loads "
     "where load_id = {}), 'gone')"},
    {"has_mark", "exists (select from pgsluice.unlogged_marks where load_id = {})"},
});

constexpr auto shown_columns = columns_of({
    {"name", "attname"},
    {"type", "format_type(atttypid, atttypmod)"},
    {"number", "attnum"},
});

}  // namespace

Guard::Guard(const Target& target, const tuple::Table& table, std::vector<std::string> columns)
    : table_(table.quoted_name),
      fed_(columns.size()),
      lock_(lock_statement(target, table, columns)),
      trigger_sql_(trigger_mark(table)),
      rules_sql_(rules_digest(table)),
      shape_sql_(shape_of_table(table, columns)),
      shape_(text_of_shape(table, columns)),
      has_trigger_(table.has_row_trigger),
      rules_(table.rules) {
  for (const std::string& name : columns)
    if (const auto at = table.find(name))
      columns_.emplace(name, Shown{table.columns[*at].type_name, table.columns[*at].number});
  condition_ = sql("coalesce({} = {}, false)", shape_sql_, literal(shape_));
}

void Guard::require_load(LoadId load, bool marked) {
  load_ = load;
  marked_ = marked;
  condition_ += sql(
      " and exists (select from pgsluice.loads where load_id = {} and state = 'unfinished' and not "
      "part_gone)",
      load.value);
  if (marked) {
    condition_ +=
        sql(" and exists (select from pgsluice.unlogged_marks where load_id = {})", load.value);
  }
}

void Guard::require_no_other_column() {
  no_other_column_ =
      sql(" and (select count(*) from pg_catalog.pg_attribute where attrelid = to_regclass({}) and "
          "attnum > 0 and not attisdropped and attgenerated = '') = {}",
          literal(table_), fed_);
}

/// Two queries: what the table and the load are, and the table's columns.
Sql Guard::what_is() const {
  const Literal table = literal(table_);
  const Sql of_load = load_ ? sql(", {}", load_columns.list(load_->value, load_->value)) : Sql();
  return sql(
      "select {}{}; select {} from pg_catalog.pg_attribute where attrelid = to_regclass({}) and "
      "attnum > 0 and not attisdropped",
      now_columns.list(shape_sql_, table, trigger_sql_, table, rules_sql_, table), of_load,
      shown_columns.list(), table);
}

asio::awaitable<std::string> Guard::what_changed(pg::Connection& on) const {
  static constexpr int of_load = now_columns.size();
  const Sql ask = what_is();
  const auto answers = co_await on.query(ask);
  const pg::Result& row = answers.front();
  if (!row.boolean(0, now_columns["is_there"])) co_return table_ + " is not there any more";
  if (has_trigger_ != (row.text(0, now_columns["trigger"]) == "t")) {
    co_return table_ +
        " has changed since the load began: a BEFORE or INSTEAD OF trigger for INSERT, of it or of "
        "what lies under it, " +
        (has_trigger_ ? "is not there any more" : "has come, which may change or drop rows");
  }
  if (rules_ != row.text(0, now_columns["rules"])) {
    co_return table_ +
        " has changed since the load began: a rule, or what the view is of, decides otherwise "
        "where "
        "rows go";
  }
  if (row.text(0, now_columns["shape"]) != shape_) co_return table_ + difference(answers.back());
  if (load_ && row.text(0, of_load + load_columns["state"]) == "part gone") {
    co_return "another run with --truncate has emptied a part of " + table_ +
        " (a partition, a child, or the table of a view): a part of the rows of this load is gone";
  }
  if (load_ && row.text(0, of_load + load_columns["state"]) == "finished")
    co_return "load " + std::to_string(load_->value) + " was finished by another run meanwhile";
  if (load_ && row.text(0, of_load + load_columns["state"]) != "unfinished") {
    co_return "load " + std::to_string(load_->value) +
        " was given up meanwhile: another run emptied the table, or began the load again";
  }
  if (marked_ && !row.boolean(0, of_load + load_columns["has_mark"])) {
    co_return table_ +
        " is unlogged, and the server has crashed and emptied it: the rows of this load are gone";
  }
  co_return table_ + " was changed for a moment";
}

/// What of the columns is not as planned; without such a thing it is another table.
std::string Guard::difference(const pg::Result& columns) const {
  std::map<std::string, Shown> are;
  for (std::size_t i = 0; i < columns.rows(); ++i) {
    Shown shown{std::string(columns.text(i, shown_columns["type"])),
                static_cast<std::int16_t>(columns.integer_32(i, shown_columns["number"]))};
    are.emplace(columns.text(i, shown_columns["name"]), std::move(shown));
  }
  std::string text;
  for (const auto& [name, was] : columns_) {
    const auto is = are.find(name);
    const bool has_type = is != are.end() && is->second.type == was.type;
    if (has_type && is->second.number == was.number) continue;
    text += (text.empty() ? " has changed since the load began: column \"" : "; column \"") + name;
    if (has_type) {
      text += "\" is another one, by a new name";
    } else if (is == are.end()) {
      text += "\" was " + was.type + ", and is not there any more";
    } else {
      text += "\" was " + was.type + ", and is " + is->second.type;
    }
  }
  if (!text.empty()) return text;
  return " is another table than the one that the load began with: it was dropped, renamed or "
         "replaced "
         "meanwhile";
}

}  // namespace sluice::writer

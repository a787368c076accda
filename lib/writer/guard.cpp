#include "writer/guard.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/identifier.hpp"

namespace sluice::writer {
namespace {

std::string trigger_mark(const tuple::Table& table) {
  return "case when " + has_row_trigger(table) + " then 't' else '' end";
}

/// The same as text_of_shape(), of what the server has.
std::string shape_of_table(const tuple::Table& table, const std::vector<std::string>& columns) {
  std::string names;
  for (const std::string& column : columns)
    names += (names.empty() ? "" : ", ") + quote_literal(column);
  // A table that is made like another one has other oids and numbers.
  const std::string oid = table.id != 0 ? "c.oid" : "0";
  const std::string number = table.id != 0 ? "a.attnum" : "0";
  return "(select format('%s%s%s%s%s%s', " + oid + ", c.relkind, c.relpersistence, " +
         trigger_mark(table) + ", " + rules_digest(table) +
         ", (select string_agg(format(' %s:%s:%s:%s', a.attname, a.atttypid, a.atttypmod, " +
         number +
         "), '' order by a.attname) from pg_catalog.pg_attribute a where a.attrelid = "
         "c.oid and a.attnum > 0 and not a.attisdropped and a.attname in (" +
         names + "))) from pg_catalog.pg_class c where c.oid = to_regclass(" +
         quote_literal(table.quoted_name) + "))";
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
std::string lock_statement(const Target& target, const tuple::Table& table,
                           const std::vector<std::string>& columns) {
  if (target.can_lock) return "lock table only " + table.quoted_name + " in row exclusive mode; ";
  std::string nulls;
  bool has_identity = false;
  for (const std::string& column : columns) {
    nulls += nulls.empty() ? "null" : ", null";
    const auto at = table.find(column);
    has_identity = has_identity || (at && table.columns[*at].identity);
  }
  return "explain (costs off) insert into " + table.quoted_name + " (" +
         quote_identifiers(columns) + ") " + (has_identity ? "overriding system value " : "") +
         "select " + nulls + " where false; ";
}

}  // namespace

Guard::Guard(const Target& target, const tuple::Table& table, std::vector<std::string> columns)
    : table_(table.quoted_name),
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
  condition_ = "coalesce(" + shape_sql_ + " = " + quote_literal(shape_) + ", false)";
}

void Guard::require_load(LoadId load, bool marked) {
  load_ = load;
  marked_ = marked;
  const std::string id = std::to_string(load.value);
  condition_ += " and exists (select from pgsluice.loads where load_id = " + id +
                " and state = 'unfinished' and not part_gone)";
  if (marked)
    condition_ += " and exists (select from pgsluice.unlogged_marks where load_id = " + id + ")";
}

asio::awaitable<std::string> Guard::what_changed(pg::Connection& on) const {
  std::string sql = "select coalesce(" + shape_sql_ + ", ''), to_regclass(" +
                    quote_literal(table_) + ") is not null, coalesce((select " + trigger_sql_ +
                    " from pg_catalog.pg_class c where c.oid = to_regclass(" +
                    quote_literal(table_) + ")), ''), coalesce((select " + rules_sql_ +
                    " from pg_catalog.pg_class c where c.oid = to_regclass(" +
                    quote_literal(table_) + ")), '')";
  if (load_) {
    const std::string id = std::to_string(load_->value);
    sql +=
        ", coalesce((select case when part_gone then 'part gone' else state end from "
        "pgsluice.loads where load_id = " +
        id + "), 'gone'), exists (select from pgsluice.unlogged_marks where load_id = " + id + ")";
  }
  sql +=
      "; select attname, format_type(atttypid, atttypmod), attnum from pg_catalog.pg_attribute "
      "where attrelid "
      "= "
      "to_regclass(" +
      quote_literal(table_) + ") and attnum > 0 and not attisdropped";
  const auto answers = co_await on.query(std::move(sql));
  const pg::Result& row = answers.front();
  if (!row.boolean(0, 1)) co_return table_ + " is not there any more";
  if (has_trigger_ != (row.text(0, 2) == "t")) {
    co_return table_ +
        " has changed since the load began: a BEFORE or INSTEAD OF trigger for INSERT, of it or of "
        "what lies under it, " +
        (has_trigger_ ? "is not there any more" : "has come, which may change or drop rows");
  }
  if (rules_ != row.text(0, 3)) {
    co_return table_ +
        " has changed since the load began: a rule, or what the view is of, decides otherwise "
        "where "
        "rows go";
  }
  if (row.text(0, 0) != shape_) co_return table_ + difference(answers.back());
  if (load_ && row.text(0, 4) == "part gone") {
    co_return "another run with --truncate has emptied a part of " + table_ +
        " (a partition, a child, or the table of a view): a part of the rows of this load is gone";
  }
  if (load_ && row.text(0, 4) != "unfinished") {
    co_return "load " + std::to_string(load_->value) +
        " was given up meanwhile: another run emptied the table, or began the load again";
  }
  if (marked_ && !row.boolean(0, 5)) {
    co_return table_ +
        " is unlogged, and the server has crashed and emptied it: the rows of this load are gone";
  }
  co_return table_ + " was changed for a moment";
}

/// What of the columns is not as planned; without such a thing it is another table.
std::string Guard::difference(const pg::Result& columns) const {
  std::map<std::string, Shown> are;
  for (std::size_t i = 0; i < columns.rows(); ++i) {
    Shown shown{std::string(columns.text(i, 1)),
                static_cast<std::int16_t>(columns.integer_32(i, 2))};
    are.emplace(columns.text(i, 0), std::move(shown));
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

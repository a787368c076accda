#include "writer/trial.hpp"

#include "base/identifier.hpp"
#include "base/limits.hpp"

namespace sluice::writer {
namespace {

Merge numbered(const tuple::Table& table) {
  Merge merge;
  merge.record_column = free_column_name(table);
  return merge;
}

}  // namespace

Trial::Trial(const Target& target, std::vector<std::string> columns, KeyJudges judges, bool is_part)
    : target_(target),
      columns_(std::move(columns)),
      judges_(std::move(judges)),
      is_part_(is_part),
      merge_(numbered(target_.table)),
      rows_(target_.table, columns_, merge_, " of a trial"),
      keys_(target_.table, judges_.columns, merge_, " of a trial's keys") {}

asio::awaitable<void> Trial::begin(pg::Connection& on) const {
  Sql make = rows_.create_statement();
  if (!judges_.empty()) make += keys_.create_statement();
  // Once a session, where that need not be taken back.
  const Sql begin = is_part_ ? sql("savepoint trial; {}{}", pg::own_path, make)
                             : sql("{}begin; {}", make, target_.settings_sql);
  try {
    co_await on.query(begin);
  } catch (const pg::PgError& error) {
    if (error.nature() == ErrorNature::lost) throw;
    throw Refusal(error);
  }
}

asio::awaitable<void> Trial::end(pg::Connection& on) const {
  co_await on.query(is_part_ ? "rollback to savepoint trial; release savepoint trial" : "rollback");
}

/// Sends the tuples, and gives the rows that the question's last statement has for an answer.
asio::awaitable<std::optional<pg::Result>> Trial::ask(pg::Connection& on, const Sql& copy,
                                                      const std::string& name,
                                                      const tuple::TupleRange& tuples,
                                                      const Sql& question) const {
  Sql before;
  Sql behind;
  if (target_.data_encoding != pg::utf8) {
    before = sql("set local client_encoding = {}; ", literal(target_.data_encoding));
    behind = sql("set local client_encoding = 'UTF8'; ");
  }
  std::string statements =
      before.text() + copy_statement(copy.text(), tuples) + behind.text() + question.text();
  bool listens = true;
  Copied copied = co_await run_copies(on, std::move(statements), {&tuples, 1}, name, listens);
  if (copied.refusal) throw Refusal(*copied.refusal);
  co_return std::move(copied.last_row);
}

asio::awaitable<Trial::Suspects> Trial::suspects(pg::Connection& on, const tuple::TupleRange& keys,
                                                 const std::vector<bool>& asked) const {
  const Sql copy = sql("copy {} ({}, {}) from stdin", keys_.sql_name(),
                       sql_list(judges_.columns, identifier), identifier(merge_.record_column));
  // A key is looked up in its index: the other ways read all of a table, for each chunk.
  const Sql question =
      sql("set local enable_hashjoin = off; set local enable_mergejoin = off; set local work_mem = "
          "'64MB'; {}",
          judges_.suspects_query(keys_.sql_name(), merge_.record_column, asked));
  const auto rows = co_await ask(on, copy, keys_.name(), keys, question);
  Suspects suspects{{}, std::vector<bool>(asked.size(), false)};
  for (std::size_t row = 0; rows && row < rows->rows(); ++row) {
    suspects.records.insert(rows->count(row, 0));
    const std::uint64_t judge = rows->count(row, 1);
    if (judge < suspects.found_by.size()) suspects.found_by[judge] = true;
  }
  co_return suspects;
}

asio::awaitable<std::vector<std::pair<std::uint64_t, Refusal>>> Trial::refused(
    pg::Connection& on, const tuple::TupleRange& tuples) const {
  const Sql columns = sql_list(columns_, identifier);
  const Sql copy = sql("copy {} ({}) from stdin", rows_.sql_name(), columns);
  // A table that was empty has its rows in the order in which they came.
  const Sql from =
      sql("(select {}, pg_catalog.row_number() over (order by pgsluice_sent.ctid) as {} from {} "
          "pgsluice_sent) pgsluice_numbered",
          columns, identifier(merge_.record_column), rows_.sql_name());
  const Sql question =
      target_.user_path_sql + find_refused_statement(target_.table, columns_, merge_, from,
                                                     limits::trial_refusals_max, false);
  const auto rows = co_await ask(on, copy, rows_.name(), tuples, question);
  std::vector<std::pair<std::uint64_t, Refusal>> refused;
  for (std::size_t row = 0; rows && row < rows->rows(); ++row) {
    pg::PgError error(pg::Phase::storing, SqlState(std::string(rows->text(row, 1))),
                      std::string(rows->text(row, 3)));
    error.constraint = rows->text_or(row, 2, "");
    error.detail = rows->text_or(row, 4, "");
    error.column = rows->text_or(row, 5, "");
    error.table = rows->text_or(row, 6, "");
    const std::uint64_t number = rows->count(row, 0);
    if (number == 0 || number > tuples.tuples) rows->refuse("a record is told that was not sent");
    refused.emplace_back(number - 1, Refusal(std::move(error)));
  }
  co_return refused;
}

}  // namespace sluice::writer

#include "writer/merge_writer.hpp"

#include <algorithm>
#include <functional>

#include "base/identifier.hpp"
#include "writer/copy_writer.hpp"
#include "writer/rule_counts.hpp"

namespace sluice::writer {
namespace {

/// What the staging table looks like. Behind a pooler a session may have had another load's: other
/// columns, other types, another name.
std::string description(const tuple::Table& table, const std::vector<std::string>& columns,
                        const std::string& record_column) {
  std::string text = quote_identifiers(columns) + record_column;
  for (const tuple::Column& column : table.columns) {
    const tuple::Type& type = column.base_type;
    text += "," + column.type_name + " " + std::to_string(type.id) + " " +
            std::to_string(type.modifier);
  }
  return text;
}

}  // namespace

TemporaryRows::TemporaryRows(const tuple::Table& table, const std::vector<std::string>& columns,
                             const Merge& merge, const std::string& purpose)
    : name_("pgsluice_" + std::to_string(table.id) + "_" +
            std::to_string(std::hash<std::string>{}(
                description(table, columns, merge.record_column) + purpose))) {
  create_ = sql(
      "{}create temporary table if not exists {} on commit delete rows as select {}, null::bigint "
      "as {} from {} with no data; ",
      merge_preparation(), identifier(name_), sql_list(columns, identifier),
      identifier(merge.record_column), table.sql_name());
}

RowCounts read_inserted(std::uint64_t rows, std::uint64_t inserted) {
  RowCounts counts;
  counts.rows_stored = std::min(inserted, rows);
  counts.rows_skipped = rows - counts.rows_stored;
  return counts;
}

MergeWriter::MergeWriter(const Target& target, std::vector<std::string> columns,
                         std::optional<LoadId> load, Merge merge, Sql condition)
    : Writer(target, columns, load, true),
      table_(target.table),
      columns_(std::move(columns)),
      merge_(std::move(merge)),
      staging_(table_, columns_, merge_),
      condition_(std::move(condition)) {}

/// The condition names the columns as the table has them, and the table too.
Sql MergeWriter::filter_statement() const {
  if (condition_.empty()) return {};
  return sql("delete from {} as {} where (\n{}\n) is not true; ", staging_.sql_name(),
             identifier(table_.name), condition_);
}

asio::awaitable<Writer::Written> MergeWriter::run(pg::Connection& on, std::string before,
                                                  std::span<const tuple::TupleRange> tuples,
                                                  std::vector<std::string> behind) const {
  // Parts of a batch follow each other in one transaction.
  StagedRecords staged{staging_.sql_name(), false, tuples.size() == 1};
  std::string statements = std::move(before) + staging_.create_statement().text();
  if (!behind.empty()) statements += sql("truncate {}; ", staged.table).text();
  Written written;
  std::optional<std::uint64_t> rows_before;
  const bool has_rules = merge_.on_conflict == OnConflict::error && table_.has_insert_rule;
  if (has_rules) {
    // What rules make of an INSERT its own answer does not tell.
    written.refusal = co_await begin_and_count(on, std::move(statements), rows_before);
    if (written.refusal) co_return written;
    statements.clear();
  }
  const std::string copy = sql("copy {} from stdin", staged.table).text();
  statements += as_statement(into_data_encoding());
  std::uint64_t sent = 0;
  for (const tuple::TupleRange& range : tuples) {
    statements += copy_statement(copy, range);
    sent += range.tuples;
    staged.keys_may_repeat = staged.keys_may_repeat || range.keys_may_repeat;
    staged.are_sorted = staged.are_sorted && range.keys_are_rising;
  }
  statements += as_statement(into_utf8());
  statements += filter_statement().text();
  statements += sql("{}; ", merge_statement(table_, columns_, merge_, staged)).text();
  for (const std::string& statement : behind) statements += statement + "; ";
  Copied copied = co_await run_copies(on, std::move(statements), tuples, staging_.name(), listens_);
  written.refusal = std::move(copied.refusal);
  if (!written.refusal && rows_before) {
    const auto rows_behind = co_await rows_inserted(on, table_);
    if (rows_behind) rows_before = *rows_behind - *rows_before;
  }
  // Of a query that was refused the last row is another statement's.
  if (!written.refusal && sent > 0) written.counts = counts_of(copied, sent, rows_before);
  written.last_row = std::move(copied.last_row);
  co_return written;
}

/// Runs what the transaction, or a part of it, begins with, and asks what rules have stored so far.
asio::awaitable<std::optional<Refusal>> MergeWriter::begin_and_count(
    pg::Connection& on, std::string statements, std::optional<std::uint64_t>& rows) const {
  std::optional<Refusal> refusal;
  bool is_begun = false;
  try {
    co_await on.query_in_user_path(std::move(statements));
    is_begun = true;
    rows = co_await rows_inserted(on, table_);
  } catch (pg::PgError& error) {
    error.phase = pg::Phase::storing;
    if (error.nature() == ErrorNature::lost) throw;
    refusal.emplace(error);
    refusal->before_tuples = !is_begun;
  }
  co_return refusal;
}

/// `by_rules`: rows that went into the table, where its rules rewrite an INSERT.
RowCounts MergeWriter::counts_of(const Copied& copied, std::uint64_t sent,
                                 std::optional<std::uint64_t> by_rules) const {
  const std::size_t first = into_utf8().empty() ? 0 : 1;
  const std::size_t merge = first + (condition_.empty() ? 0 : 1);
  std::uint64_t filtered = 0;
  if (!condition_.empty() && copied.touched.size() > first)
    filtered = std::min(copied.touched[first], sent);
  RowCounts counts;
  if (merge_.on_conflict != OnConflict::error) {
    if (copied.last_row) counts = read_merged(merge_, *copied.last_row, sent - filtered);
  } else if (by_rules) {
    counts = read_inserted(sent - filtered, *by_rules);
  } else if (copied.touched.size() > merge) {
    counts = read_inserted(sent - filtered, copied.touched[merge]);
  }
  counts.rows_filtered = filtered;
  return counts;
}

}  // namespace sluice::writer

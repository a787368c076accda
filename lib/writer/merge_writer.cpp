#include "writer/merge_writer.hpp"

#include <algorithm>
#include <functional>

#include "base/identifier.hpp"
#include "writer/copy_writer.hpp"

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

MergeWriter::MergeWriter(const Target& target, std::vector<std::string> columns,
                         std::optional<LoadId> load, Merge merge)
    : Writer(target, columns, load, true),
      table_(target.table),
      columns_(std::move(columns)),
      merge_(std::move(merge)) {
  staging_ =
      "pgsluice_" + std::to_string(table_.id) + "_" +
      std::to_string(std::hash<std::string>{}(description(table_, columns_, merge_.record_column)));
  create_sql_ = sql(
      "{}create temporary table if not exists {} on commit delete rows as select {}, null::bigint "
      "as {} from {} with no data; ",
      merge_preparation(), identifier(staging_), sql_list(columns_, identifier),
      identifier(merge_.record_column), table_.sql_name());
}

asio::awaitable<Writer::Written> MergeWriter::run(pg::Connection& on, std::string before,
                                                  std::span<const tuple::TupleRange> tuples,
                                                  std::vector<std::string> behind) const {
  // Parts of a batch follow each other in one transaction.
  StagedRecords staged{sql("pg_temp.{}", identifier(staging_)), false, tuples.size() == 1};
  std::string statements = std::move(before) + create_sql_.text();
  if (!behind.empty()) statements += sql("truncate {}; ", staged.table).text();
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
  statements += sql("{}; ", merge_statement(table_, columns_, merge_, staged)).text();
  for (const std::string& statement : behind) statements += statement + "; ";
  Copied copied = co_await run_copies(on, std::move(statements), tuples, staging_, listens_);
  Written written;
  written.refusal = std::move(copied.refusal);
  // Of a query that was refused the last row is another statement's.
  if (!written.refusal && copied.last_row)
    written.counts = read_merged(merge_, *copied.last_row, sent);
  written.last_row = std::move(copied.last_row);
  co_return written;
}

}  // namespace sluice::writer

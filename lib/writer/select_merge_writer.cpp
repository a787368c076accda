#include "writer/select_merge_writer.hpp"

#include "writer/rule_counts.hpp"

namespace sluice::writer {

SelectMergeWriter::SelectMergeWriter(const Target& target, const tuple::EncoderPlan& plan,
                                     const Selection& selection, std::optional<LoadId> load,
                                     std::size_t batch_rows, Merge merge)
    : SelectMergeWriter(target, plan, selection, load, batch_rows, merge,
                        TemporaryRows(target.table, selection.outputs, merge)) {}

SelectMergeWriter::SelectMergeWriter(const Target& target, const tuple::EncoderPlan& plan,
                                     const Selection& selection, std::optional<LoadId> load,
                                     std::size_t batch_rows, Merge merge, TemporaryRows rows)
    : InsertWriter(target, plan, selection,
                   into_temporary(rows.sql_name(), selection, merge.record_column), load,
                   batch_rows),
      table_(target.table),
      columns_(selection.outputs),
      merge_(std::move(merge)),
      rows_(std::move(rows)) {}

asio::awaitable<Writer::Written> SelectMergeWriter::run(pg::Connection& on, std::string before,
                                                        std::span<const tuple::TupleRange> tuples,
                                                        std::vector<std::string> behind) const {
  before += rows_.create_statement().text();
  // Parts of a batch follow each other in one transaction.
  if (!behind.empty()) before += sql("truncate {}; ", rows_.sql_name()).text();
  std::vector<std::string> nothing_behind;
  Written written =
      co_await InsertWriter::run(on, std::move(before), tuples, std::move(nothing_behind));
  if (written.refusal) co_return written;
  const RowCounts selected = written.counts;
  written.last_row.reset();
  try {
    written.counts = co_await merge_rows(on, selected.rows_stored, std::move(behind));
    written.counts.rows_filtered = selected.rows_filtered;
  } catch (pg::PgError& error) {
    error.phase = pg::Phase::storing;
    if (error.nature() == ErrorNature::lost) throw;
    written.refusal.emplace(error);
  }
  co_return written;
}

/// The statements run in the user's path, which the transaction has set.
asio::awaitable<RowCounts> SelectMergeWriter::merge_rows(pg::Connection& on, std::uint64_t rows,
                                                         std::vector<std::string> behind) const {
  const bool is_upsert = merge_.on_conflict != OnConflict::error;
  const StagedRecords staged{rows_.sql_name(), true, false};
  std::optional<std::uint64_t> rows_before;
  if (!is_upsert && table_.has_insert_rule) rows_before = co_await rows_inserted(on, table_);
  std::string statements = merge_statement(table_, columns_, merge_, staged).text();
  const auto merged = co_await on.query_in_user_path(std::move(statements));
  RowCounts counts = is_upsert ? read_merged(merge_, merged.back(), rows)
                               : read_inserted(rows, merged.back().affected());
  if (rows_before) {
    const auto rows_behind = co_await rows_inserted(on, table_);
    if (rows_behind) counts = read_inserted(rows, *rows_behind - *rows_before);
  }
  for (std::string& statement : behind) co_await on.query_in_user_path(std::move(statement));
  co_return counts;
}

}  // namespace sluice::writer

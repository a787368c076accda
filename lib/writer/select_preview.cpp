#include "writer/select_preview.hpp"

namespace sluice::writer {

SelectPreview::SelectPreview(const Target& target, const tuple::EncoderPlan& plan,
                             const Selection& selection, const Merge& merge)
    : SelectPreview(target, plan, selection, merge,
                    TemporaryRows(target.table, selection.outputs, merge)) {}

SelectPreview::SelectPreview(const Target& target, const tuple::EncoderPlan& plan,
                             const Selection& selection, const Merge& merge, TemporaryRows rows)
    : InsertWriter(target, plan, selection,
                   into_temporary(rows.sql_name(), selection, merge.record_column), std::nullopt,
                   1),
      rows_(std::move(rows)) {
  all_rows_ = sql("select {} from {} order by {}", sql_list(selection.outputs, identifier),
                  rows_.sql_name(), identifier(merge.record_column));
}

asio::awaitable<Writer::Written> SelectPreview::run(pg::Connection& on, std::string before,
                                                    std::span<const tuple::TupleRange> tuples,
                                                    std::vector<std::string> behind) const {
  before += rows_.create_statement().text();
  co_return co_await InsertWriter::run(on, std::move(before), tuples, std::move(behind));
}

asio::awaitable<pg::Result> SelectPreview::rows(pg::Connection& on) const {
  auto results = co_await on.query_in_user_path(all_rows_);
  co_return std::move(results.back());
}

}  // namespace sluice::writer

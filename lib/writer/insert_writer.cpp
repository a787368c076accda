#include "writer/insert_writer.hpp"

#include <algorithm>

#include "base/identifier.hpp"
#include "pg/pipeline.hpp"
#include "tuple/array_columns.hpp"
#include "writer/rule_counts.hpp"

namespace sluice::writer {
namespace {

/// One statement of a pipeline that carries tuples.
struct SentTuples {
  std::size_t command = 0;
  std::size_t range = 0;    ///< which of the ranges
  std::uint64_t first = 0;  ///< in it
  std::uint64_t end = 0;
};

/// The value that a text stands for. A cast reads it without the type's modifier, which is applied
/// when the value goes into its column: the same, but for two types whose input functions make
/// something else of a text when they know it.
std::string from_text(const std::string& text, const tuple::Column& column) {
  const tuple::Type& type = column.base_type;
  const bool depends = type.id == tuple::oid::numeric || type.id == tuple::oid::interval;
  if (!depends || type.modifier < 0) return text + "::" + column.cast_name;
  return std::string("pg_catalog.") +
         (type.id == tuple::oid::numeric ? "numeric_in" : "interval_in") + "(pg_catalog.textout(" +
         text + "), 0, " + std::to_string(type.modifier) + ")";
}

}  // namespace

InsertWriter::InsertWriter(const Target& target, const tuple::EncoderPlan& plan,
                           std::optional<LoadId> load, std::size_t batch_rows)
    : Writer(
          target, plan.column_names(), load,
          target.table.has_row_trigger || target.table.has_insert_rule || target.table.kind == 'v'),
      batch_rows_(batch_rows),
      table_(target.table) {
  const std::vector<std::string> names = plan.column_names();
  std::string casts;
  std::string arguments;
  bool has_identity = false;
  for (const std::string& name : names) {
    const tuple::Column& column = target.table.columns[*target.table.find(name)];
    fast_.array_types.push_back(column.base_type.array_id);
    fast_.element_types.push_back(column.base_type.id);
    slow_.array_types.push_back(tuple::oid::array_of_text);
    slow_.element_types.push_back(tuple::oid::text);
    // In the select list and not in FROM: there each array would become a table in memory first,
    // which costs the server more than the INSERT.
    const std::string value =
        "pg_catalog.unnest($" + std::to_string(fast_.array_types.size()) + ")";
    arguments += (arguments.empty() ? "" : ", ") + value;
    casts += (casts.empty() ? "" : ", ") + from_text(value, column);
    has_identity = has_identity || column.identity;
  }
  // COPY takes the value for an identity column as it is, whatever GENERATED says.
  const std::string insert = "insert into " + target.table.quoted_name + " (" +
                             quote_identifiers(names) + ") " +
                             (has_identity ? "overriding system value " : "") + "select ";
  fast_.sql = insert + arguments;
  slow_.sql = insert + casts;
  if (target.data_encoding == pg::utf8) return;
  for (Statement* statement : {&fast_, &slow_}) statement->sql = with_ascii_names(statement->sql);
}

/// What a pipeline sent and what came back.
struct InsertWriter::Sent {
  std::vector<SentTuples> statements;
  std::uint64_t rows_sent = 0;
  std::uint64_t rows = 0;
  std::optional<pg::Result> last_row;
  std::optional<pg::PipelineError> error;
};

asio::awaitable<Writer::Written> InsertWriter::run(pg::Connection& on, std::string before,
                                                   std::span<const tuple::TupleRange> tuples,
                                                   std::vector<std::string> behind) const {
  Written written;
  Sent sent;
  std::optional<std::uint64_t> rows_before;
  bool is_begun = false;
  try {
    // These are several statements in one text, which a pipeline does not take.
    if (!before.empty()) co_await on.query_in_user_path(std::move(before));
    is_begun = true;
    // What rules make of an INSERT its own answer does not tell.
    if (table_.has_insert_rule) rows_before = co_await rows_inserted(on, table_);
    co_await send(on, tuples, std::move(behind), sent);
    if (rows_before && !sent.error) sent.rows = *co_await rows_inserted(on, table_) - *rows_before;
  } catch (pg::PgError& error) {
    error.phase = pg::Phase::copy;  // whether anything is stored is not known without a ledger
    if (error.nature() == ErrorNature::lost) throw;
    written.refusal.emplace(error);
    written.refusal->before_tuples = !is_begun;
  }
  if (written.refusal) co_return written;
  if (!sent.error) {
    written.counts.rows_stored = std::min(sent.rows, sent.rows_sent);
    written.counts.rows_skipped = sent.rows_sent - written.counts.rows_stored;
    written.last_row = std::move(sent.last_row);
    co_return written;
  }
  pg::PgError& error = sent.error->error;
  error.phase = pg::Phase::copy;
  if (error.nature() == ErrorNature::lost) throw pg::PgError(error);
  written.refusal.emplace(error);
  const auto at = std::ranges::find(sent.statements, sent.error->command, &SentTuples::command);
  if (at == sent.statements.end()) co_return written;
  written.refusal->lane = tuples[at->range].lane;
  written.refusal->first = at->first;
  written.refusal->end = at->end;
  co_return written;
}

asio::awaitable<void> InsertWriter::send(pg::Connection& on,
                                         std::span<const tuple::TupleRange> tuples,
                                         std::vector<std::string> behind, Sent& sent) const {
  const auto on_result = [&sent](std::size_t command, pg::Result result) {
    const bool carries =
        std::ranges::binary_search(sent.statements, command, {}, &SentTuples::command);
    if (carries) sent.rows += result.affected();
    if (!carries && result.rows() > 0) sent.last_row = std::move(result);
  };
  pg::Pipeline pipeline(on, on_result);
  for (std::size_t i = 0; i < tuples.size() && !pipeline.error(); ++i) {
    tuple::TupleRange range = tuples[i];
    const Statement& statement = statement_of(range.lane);
    tuple::ArrayColumns columns(statement.element_types);
    std::vector<pg::Parameter> parameters(columns.size());
    // Whatever is executed takes the place of the statement without a name: this comes first.
    if (!into_data_encoding().empty()) co_await pipeline.execute(into_data_encoding());
    co_await pipeline.prepare("", statement.sql, statement.array_types);
    for (std::uint64_t first = 0; !pipeline.error();) {
      const std::size_t taken = columns.take(range, batch_rows_, limits::batch_bytes_max);
      // A range without tuples is a statement too: what refuses that refuses no tuple.
      const bool is_empty = tuples[i].tuples == 0;
      if (taken == 0 && !is_empty) break;
      for (std::size_t c = 0; c < columns.size(); ++c)
        parameters[c] = {.bytes = columns.column(c), .is_binary = true};
      sent.statements.push_back({pipeline.commands(), i, first, first + taken});
      const pg::RawParameters raw(parameters);
      co_await pipeline.execute_prepared("", raw);
      first += taken;
      sent.rows_sent += taken;
      if (is_empty) break;
    }
    if (!into_utf8().empty() && !pipeline.error()) co_await pipeline.execute(into_utf8());
  }
  for (std::size_t i = 0; i < behind.size() && !pipeline.error(); ++i)
    co_await pipeline.execute(behind[i]);
  sent.error = co_await pipeline.finish();
}

}  // namespace sluice::writer

#include "writer/insert_writer.hpp"

#include <algorithm>

#include "base/identifier.hpp"
#include "tuple/array_columns.hpp"
#include "tuple/text_rows.hpp"
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

/// A statement has at most 65535 parameters; the server takes no less time for each where they are
/// more than this.
constexpr std::size_t slow_parameters_max = 4096;

std::string slow_column(std::size_t number) { return "c" + std::to_string(number); }

/// Whether the input function makes something else of a text when it knows the type's modifier.
/// That of a parameter does not, and it is applied when the value goes into its column: the same
/// for other types.
bool reads_modifier(const tuple::Type& type) {
  return type.modifier >= 0 && (type.id == tuple::oid::numeric || type.id == tuple::oid::interval);
}

/// What is inserted for a value of the slow lane. REQUIRES: where its type reads the modifier, it
/// comes as a text.
std::string slow_value(const std::string& column, const tuple::Type& type) {
  if (!reads_modifier(type)) return column;
  return std::string("pg_catalog.") +
         (type.id == tuple::oid::numeric ? "numeric_in" : "interval_in") + "(pg_catalog.textout(" +
         column + "), 0, " + std::to_string(type.modifier) + ")";
}

/// A name that no column of a file is likely to have: beside such a one the list could not say
/// which it means, and the server would refuse it.
Identifier field_name(std::size_t number) {
  return identifier("pgsluice field " + std::to_string(number));
}

std::string field_text(std::size_t number) { return sql("{}", field_name(number)).text(); }

/// The file's row as the list sees it, of values that stand to its left.
std::string row_of_values(const std::vector<Sql>& values, const Selection& selection) {
  return sql(" cross join lateral (select {}) as {}{}", joined(values, ", "), row_of_file,
             where_clause(selection.condition))
      .text();
}

}  // namespace

Sql tuple_field(std::size_t number) { return sql("pgsluice_fed.{}", field_name(number)); }

InsertWriter::InsertWriter(const Target& target, const tuple::EncoderPlan& plan,
                           std::optional<LoadId> load, std::size_t batch_rows)
    : Writer(
          target, plan.column_names(), load,
          may_drop_rows(target.table) || target.table.has_insert_rule || target.table.kind == 'v'),
      batch_rows_(batch_rows),
      table_(target.table),
      has_rules_(target.table.has_insert_rule) {
  const std::vector<std::string> names = plan.column_names();
  bool has_identity = false;
  for (const std::string& name : names) {
    const tuple::Column& column = target.table.columns[*target.table.find(name)];
    add_column(column);
    slow_values_ += (slow_values_.empty() ? "" : ", ") +
                    slow_value("r." + slow_column(types_.size()), column.base_type);
    has_identity = has_identity || column.identity;
  }
  // COPY takes the value for an identity column as it is, whatever GENERATED says.
  insert_ = "insert into " + target.table.quoted_name + " (" + quote_identifiers(names) + ") " +
            (has_identity ? "overriding system value " : "") + "select ";
  // It is read where the session's encoding is the data's.
  if (target.data_encoding != pg::utf8) insert_ = with_ascii_names(insert_);
}

void InsertWriter::add_column(const tuple::Column& column) {
  const tuple::Type& type = column.base_type;
  types_.push_back(type.id);
  array_types_.push_back(type.array_id);
  slow_types_.push_back(reads_modifier(type) ? tuple::oid::text : type.id);
}

InsertWriter::InsertWriter(const Target& target, const tuple::EncoderPlan& plan,
                           const Selection& selection, const std::string& record_column,
                           std::optional<LoadId> load, std::size_t batch_rows)
    : InsertWriter(target, plan, selection, into_target(target, selection, record_column), load,
                   batch_rows) {}

InsertWriter::Into InsertWriter::into_temporary(Sql name, const Selection& selection,
                                                const std::string& record_column) {
  Into into{.name = std::move(name),
            .columns = selection.outputs,
            .guarded = selection.outputs,
            .numbers_records = true,
            .has_rules = false,
            .counts_may_differ = true};
  into.columns.push_back(record_column);
  return into;
}

InsertWriter::Into InsertWriter::into_target(const Target& target, const Selection& selection,
                                             const std::string& record_column) {
  const tuple::Table& table = target.table;
  const bool is_stage = table.id == 0;
  const bool has_rules = table.has_insert_rule && !is_stage;
  Into into{.name = table.sql_name(),
            .columns = selection.outputs,
            .guarded = selection.outputs,
            .numbers_records = !record_column.empty(),
            .has_rules = has_rules,
            .counts_may_differ = !selection.condition.empty() || may_drop_rows(table) ||
                                 has_rules || table.kind == 'v'};
  if (into.numbers_records) {
    into.columns.push_back(record_column);
    into.guarded.push_back(record_column);
  }
  return into;
}

InsertWriter::InsertWriter(const Target& target, const tuple::EncoderPlan& plan,
                           const Selection& selection, Into into, std::optional<LoadId> load,
                           std::size_t batch_rows)
    : Writer(target, into.guarded, load, into.counts_may_differ),
      batch_rows_(batch_rows),
      table_(target.table),
      has_rules_(into.has_rules),
      selects_(true),
      filters_(!selection.condition.empty()) {
  std::vector<Sql> fast;
  std::vector<Sql> slow;
  for (const std::string& name : plan.column_names()) {
    const tuple::Column& column = selection.csv.columns[*selection.csv.find(name)];
    add_column(column);
    // A call of the system's, or the field as it is.
    const Sql slow_text =
        Sql::trusted(slow_value(tuple_field(types_.size()).text(), column.base_type));
    fast.push_back(sql("{} as {}", tuple_field(types_.size()), identifier(name)));
    slow.push_back(sql("{} as {}", slow_text, identifier(name)));
  }
  from_values_ = row_of_values(fast, selection);
  slow_from_values_ = row_of_values(slow, selection);
  if (plan.number_records) {
    tuple::Column number;
    number.base_type = {.id = tuple::oid::int8, .array_id = tuple::oid::array_of_int8};
    add_column(number);
  }
  const bool has_identity = std::ranges::any_of(selection.outputs, [this](const auto& name) {
    return table_.columns[*table_.find(name)].identity;
  });
  insert_ = sql("insert into {} ({}) {}select {}", into.name, sql_list(into.columns, identifier),
                has_identity ? SqlWords("overriding system value ") : SqlWords(""), selection.list)
                .text();
  if (into.numbers_records) insert_ += sql("\n, {}", tuple_field(types_.size())).text();
  insert_ += "\n";
}

std::string InsertWriter::fast_sql() const {
  // In the select list and not in FROM: there each array would become a table in memory first,
  // which costs the server more than the INSERT.
  std::string sql = insert_;
  if (selects_) sql += " from (select ";
  for (std::size_t i = 1; i <= types_.size(); ++i) {
    sql += (i == 1 ? "" : ", ") + ("pg_catalog.unnest($" + std::to_string(i)) + ")";
    if (selects_) sql += " as " + field_text(i);
  }
  if (selects_) sql += ") as pgsluice_fed" + from_values_;
  return sql;
}

/// "(values ($1, $2), ($3, $4)) r (c1, c2)"
std::string InsertWriter::slow_rows(std::size_t rows) const {
  std::string sql = "(values ";
  std::size_t parameter = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    sql += row == 0 ? "(" : ", (";
    for (std::size_t i = 0; i < types_.size(); ++i)
      sql += (i == 0 ? "$" : ", $") + std::to_string(++parameter);
    sql += ")";
  }
  sql += selects_ ? ") pgsluice_fed (" : ") r (";
  for (std::size_t i = 1; i <= types_.size(); ++i)
    sql += (i == 1 ? "" : ", ") + (selects_ ? field_text(i) : slow_column(i));
  return sql + ")";
}

/// Of no rows: a statement that inserts nothing.
std::string InsertWriter::slow_sql(std::size_t rows) const {
  const std::string some = slow_rows(std::max<std::size_t>(rows, 1));
  if (selects_ && rows > 0) return insert_ + " from " + some + slow_from_values_;
  if (selects_)
    return insert_ + " from (select * from " + some + " where false) pgsluice_fed" +
           slow_from_values_;
  return insert_ + slow_values_ + " from " + some + (rows == 0 ? " where false" : "");
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
    if (has_rules_) rows_before = co_await rows_inserted(on, table_);
    co_await send(on, tuples, std::move(behind), sent);
    if (rows_before && !sent.error) sent.rows = *co_await rows_inserted(on, table_) - *rows_before;
  } catch (pg::PgError& error) {
    error.phase = pg::Phase::storing;  // whether anything is stored is not known without a ledger
    if (error.nature() == ErrorNature::lost) throw;
    written.refusal.emplace(error);
    written.refusal->before_tuples = !is_begun;
  }
  if (written.refusal) co_return written;
  if (!sent.error) {
    written.counts.rows_stored = std::min(sent.rows, sent.rows_sent);
    (filters_ ? written.counts.rows_filtered : written.counts.rows_skipped) =
        sent.rows_sent - written.counts.rows_stored;
    written.last_row = std::move(sent.last_row);
    co_return written;
  }
  pg::PgError& error = sent.error->error;
  error.phase = pg::Phase::storing;
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
    // Whatever is executed takes the place of the statement without a name: this comes first.
    if (!into_data_encoding().empty()) co_await pipeline.execute(into_data_encoding());
    if (tuples[i].lane == tuple::LaneName::fast) {
      co_await send_fast(pipeline, tuples[i], i, sent);
    } else {
      co_await send_slow(pipeline, tuples[i], i, sent);
    }
    if (!into_utf8().empty() && !pipeline.error()) co_await pipeline.execute(into_utf8());
  }
  for (std::size_t i = 0; i < behind.size() && !pipeline.error(); ++i)
    co_await pipeline.execute(behind[i]);
  sent.error = co_await pipeline.finish();
}

// A range without tuples is a statement too: what refuses that refuses no tuple.

asio::awaitable<void> InsertWriter::send_fast(pg::Pipeline& pipeline, tuple::TupleRange range,
                                              std::size_t number, Sent& sent) const {
  const bool is_empty = range.tuples == 0;
  tuple::ArrayColumns columns(types_);
  std::vector<pg::Parameter> parameters(columns.size());
  const std::string sql = fast_sql();
  co_await pipeline.prepare("", sql, array_types_);
  for (std::uint64_t first = 0; !pipeline.error();) {
    const std::size_t taken = columns.take(range, batch_rows_, limits::batch_bytes_max);
    if (taken == 0 && !is_empty) break;
    for (std::size_t c = 0; c < columns.size(); ++c)
      parameters[c] = {.bytes = columns.column(c), .is_binary = true};
    sent.statements.push_back({pipeline.commands(), number, first, first + taken});
    const pg::RawParameters raw(parameters);
    co_await pipeline.execute_prepared("", raw);
    first += taken;
    sent.rows_sent += taken;
    if (is_empty) break;
  }
}

asio::awaitable<void> InsertWriter::send_slow(pg::Pipeline& pipeline, tuple::TupleRange range,
                                              std::size_t number, Sent& sent) const {
  const bool is_empty = range.tuples == 0;
  const std::size_t rows_max =
      std::clamp<std::size_t>(slow_parameters_max / types_.size(), 1, batch_rows_);
  tuple::TextRows rows;
  std::vector<pg::Parameter> parameters;
  std::vector<std::uint32_t> types;
  std::optional<std::size_t> prepared;  ///< for how many rows
  for (std::uint64_t first = 0; !pipeline.error();) {
    const std::size_t taken = rows.take(range, rows_max, limits::batch_bytes_max);
    if (taken == 0 && !is_empty) break;
    if (prepared != taken) {
      types.clear();
      for (std::size_t row = 0; row < std::max<std::size_t>(taken, 1); ++row)
        types.insert(types.end(), slow_types_.begin(), slow_types_.end());
      const std::string sql = slow_sql(taken);
      co_await pipeline.prepare("", sql, types);
      prepared = taken;
    }
    parameters.assign(types.size(), {.is_null = true});
    for (std::size_t i = 0; i < rows.fields().size(); ++i) {
      if (!rows.fields()[i]) continue;
      parameters[i] = {.bytes = *rows.fields()[i]};
      if (parameters[i].bytes.find('\0') == std::string_view::npos) continue;
      // A parameter in text form ends there, and no text may have it: the server says so of one in
      // binary form.
      sent.statements.push_back({pipeline.commands(), number, first, first + taken});
      const std::vector<pg::Parameter> text{
          {.bytes = parameters[i].bytes, .type = tuple::oid::text, .is_binary = true}};
      const pg::RawParameters raw_text(text);
      co_await pipeline.execute("select $1", raw_text);
    }
    sent.statements.push_back({pipeline.commands(), number, first, first + taken});
    const pg::RawParameters raw(parameters);
    co_await pipeline.execute_prepared("", raw);
    first += taken;
    sent.rows_sent += taken;
    if (is_empty) break;
  }
}

}  // namespace sluice::writer

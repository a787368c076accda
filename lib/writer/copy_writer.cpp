#include "writer/copy_writer.hpp"

#include <algorithm>
#include <charconv>

#include "base/identifier.hpp"
#include "base/limits.hpp"
#include "pg/copy_in.hpp"
#include "writer/selection.hpp"

namespace sluice::writer {
namespace {

/// The server repeats it in its answer. A trigger may have raised the same SQLSTATE before.
constexpr const char* refused_already = "pgsluice: the server has refused it already";

/// Of so many columns COPY's search for each name in all of them takes a half of a millisecond; of
/// 1,600, eight, for each chunk.
constexpr std::size_t many_columns = 400;

/// Whether COPY takes these columns where none are named. What lies under a view is not asked.
bool are_all(const tuple::Table& table, const std::vector<std::string>& columns) {
  if (table.id == 0 || (table.kind != 'r' && table.kind != 'p')) return false;
  std::vector<std::string_view> taken;
  for (const tuple::Column& column : table.columns)
    if (!column.generated) taken.push_back(column.name);
  return std::ranges::equal(columns, taken);
}

asio::awaitable<void> send(pg::Connection& on, const tuple::TupleRange& tuples, bool listens,
                           bool& given_up) {
  pg::CopyIn copy(on);
  for (const std::string_view piece : tuples.pieces) {
    if (co_await copy.write(piece, listens)) continue;
    given_up = true;
    co_await copy.abort(refused_already);
    co_return;
  }
  co_await copy.finish();
}

}  // namespace

CopyWriter::CopyWriter(const Target& target, const std::vector<std::string>& columns,
                       std::optional<LoadId> load, const Sql& condition)
    : Writer(target, columns, load, may_drop_rows(target.table) || !condition.empty()),
      copy_sql_("copy " + target.table.quoted_name + " (" + quote_identifiers(columns) +
                ") from stdin"),
      copy_all_sql_("copy " + target.table.quoted_name + " from stdin"),
      where_(where_clause(condition).text()),
      relation_name_(target.table.name) {
  if (columns.size() >= many_columns && are_all(target.table, columns)) take_all_columns();
}

asio::awaitable<Writer::Written> CopyWriter::run(pg::Connection& on, std::string before,
                                                 std::span<const tuple::TupleRange> tuples,
                                                 std::vector<std::string> behind) const {
  before += as_statement(into_data_encoding());
  const std::string& copy_sql = takes_all_columns() ? copy_all_sql_ : copy_sql_;
  for (const tuple::TupleRange& copy : tuples) before += copy_statement(copy_sql, copy, where_);
  before += as_statement(into_utf8());
  for (const std::string& statement : behind) before += statement + "; ";
  Copied copied = co_await run_copies(on, std::move(before), tuples, relation_name_, listens_);
  Written written;
  written.counts.rows_stored = copied.rows;
  std::uint64_t sent = 0;
  for (const tuple::TupleRange& range : tuples) sent += range.tuples;
  // A smaller number is right only where a trigger drops rows, or a condition leaves them out.
  if (counts_may_differ() && copied.rows < sent)
    (where_.empty() ? written.counts.rows_skipped : written.counts.rows_filtered) =
        sent - copied.rows;
  written.refusal = std::move(copied.refusal);
  written.last_row = std::move(copied.last_row);
  co_return written;
}

std::string as_statement(const std::string& sql) { return sql.empty() ? sql : sql + "; "; }

std::string copy_statement(const std::string& copy_sql, const tuple::TupleRange& tuples,
                           const std::string& where) {
  return copy_sql + (tuples.lane == tuple::LaneName::fast ? " (format binary)" : " (format text)") +
         where + "; ";
}

asio::awaitable<Copied> run_copies(pg::Connection& on, std::string sql,
                                   std::span<const tuple::TupleRange> copies,
                                   const std::string& relation_name, bool& listens) {
  Copied copied;
  std::optional<pg::PgError> refused;
  const auto statements = static_cast<std::size_t>(std::ranges::count(sql, ';')) + 1;
  std::size_t left = statements + limits::extra_results_max;
  std::size_t begun = 0;
  bool in_copy = false;
  bool given_up = false;
  co_await on.send(std::move(sql));
  for (;;) {
    std::optional<pg::Result> result = co_await on.next(pg::Phase::storing);
    if (!result) break;
    if (left-- == 0) result->refuse("it has no end");
    if (result->is_error()) {
      if (!refused) refused = on.in_utf8(result->error(pg::Phase::storing));
    } else if (result->status() == PGRES_COPY_IN) {
      if (in_copy || begun == copies.size()) result->refuse("it waits for another COPY");
      in_copy = true;
      co_await send(on, copies[begun++], listens, given_up);
    } else if (in_copy) {
      copied.rows += result->copied();
      in_copy = false;
    } else if (result->rows() > 0) {
      copied.last_row = std::move(result);
    } else if (begun == copies.size()) {
      copied.touched.push_back(result->affected());
    }
  }
  if (!refused && (in_copy || begun != copies.size()))
    on.trust().lose("a COPY was not begun or not ended", pg::Phase::storing);
  if (!refused) co_return copied;
  if (given_up && refused->state == sql_state::query_canceled &&
      refused->message.contains(refused_already)) {
    // What the server had to say was no refusal: this error is the answer to our giving up.
    listens = false;
    throw pg::PgError(pg::Phase::storing, SqlState(sql_state::serialization_failure),
                      "a message of the server was taken for a refusal");
  }
  copied.refusal.emplace(*refused);
  copied.refusal->before_tuples = begun == 0;
  if (!in_copy) co_return copied;
  copied.refusal->lane = copies[begun - 1].lane;
  copied.refusal->copy_line = copy_line_of(refused->context, relation_name);
  if (const auto tuple = tuple_number_in(refused->context, relation_name)) {
    copied.refusal->first = *tuple;
    copied.refusal->end = *tuple + 1;
  }
  co_return copied;
}

std::string copy_line_of(const std::string& context, const std::string& relation_name) {
  // Functions that a row called stand above; COPY's own line is the last, and what follows the
  // number may hold anything.
  for (std::size_t begin = 0; begin < context.size();) {
    const std::size_t end = std::min(context.find('\n', begin), context.size());
    const std::string line = context.substr(begin, end - begin);
    const std::size_t name = line.find(relation_name);
    if (line.find("COPY") != std::string::npos && name != std::string::npos &&
        line.find_first_of("123456789", name + relation_name.size()) != std::string::npos)
      return line;
    begin = end + 1;
  }
  return {};
}

std::optional<std::uint64_t> tuple_number_in(const std::string& context,
                                             const std::string& relation_name) {
  const std::string line = copy_line_of(context, relation_name);
  if (line.empty()) return std::nullopt;
  const std::size_t name = line.find(relation_name) + relation_name.size();
  const std::size_t digit = line.find_first_of("123456789", name);
  std::uint64_t number = 0;
  const auto [stop, error] =
      std::from_chars(line.data() + digit, line.data() + line.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number - 1;
}

}  // namespace sluice::writer

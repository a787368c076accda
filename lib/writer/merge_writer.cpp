#include "writer/merge_writer.hpp"

#include <algorithm>
#include <functional>

#include "base/identifier.hpp"
#include "writer/copy_writer.hpp"

namespace sluice::writer {

MergeWriter::MergeWriter(const Target& target, std::vector<std::string> columns,
                         std::optional<LoadId> load, Merge merge)
    : Writer(target, columns, load, true),
      table_(target.table),
      columns_(std::move(columns)),
      merge_(std::move(merge)) {
  // Behind a pooler a session may have had another load's table: other columns, another name.
  const std::string names = quote_identifiers(columns_);
  staging_ = "pgsluice_" + std::to_string(table_.id) + "_" +
             std::to_string(std::hash<std::string>{}(names));
  create_sql_ = "create temporary table if not exists " + staging_ +
                " on commit delete rows as select " + names + ", null::bigint as " + record_column +
                " from " + table_.quoted_name + " with no data; ";
}

asio::awaitable<Writer::Written> MergeWriter::run(pg::Connection& on, std::string before,
                                                  std::span<const tuple::TupleRange> tuples,
                                                  std::vector<std::string> behind) const {
  std::string sql = std::move(before) + create_sql_;
  // Parts of a batch follow each other in one transaction.
  const std::string staging = "pg_temp." + staging_;
  if (!behind.empty()) sql += "truncate " + staging + "; ";
  const std::string copy = "copy " + staging + " from stdin";
  std::uint64_t sent = 0;
  bool keys_may_repeat = false;
  for (const tuple::TupleRange& range : tuples) {
    sql += copy_statement(copy, range);
    sent += range.tuples;
    keys_may_repeat = keys_may_repeat || range.keys_may_repeat;
  }
  sql += merge_statement(table_, columns_, merge_, staging, keys_may_repeat) + "; ";
  for (const std::string& statement : behind) sql += statement + "; ";
  Copied copied = co_await run_copies(on, std::move(sql), tuples, staging_, listens_);
  Written written;
  written.refusal = std::move(copied.refusal);
  // Of a query that was refused the last row is another statement's.
  if (!written.refusal && copied.last_row)
    written.counts = read_merged(merge_, *copied.last_row, sent);
  written.last_row = std::move(copied.last_row);
  co_return written;
}

}  // namespace sluice::writer

#include "writer/merge.hpp"

#include <algorithm>

#include "base/identifier.hpp"

namespace sluice::writer {
namespace {

/// "a, b" with a prefix and a suffix for each.
std::string list(const std::vector<std::string>& columns, const std::string& prefix,
                 const std::string& suffix = "") {
  std::string text;
  for (const std::string& column : columns) {
    text += (text.empty() ? "" : ", ");
    text += prefix;
    text += quote_identifier(column);
    text += suffix;
  }
  return text;
}

bool is_in(const std::vector<std::string>& columns, const std::string& name) {
  return std::ranges::find(columns, name) != columns.end();
}

/// A column of the record that stands for all with its key. One after the other, the first of them
/// would make the row and the others would update some of its columns: so the other columns are the
/// first one's.
std::string value_of_column(const std::string& column, const Merge& merge, const std::string& key) {
  const std::string name = quote_identifier(column);
  const bool updates_in_turn =
      merge.on_conflict == OnConflict::update && merge.dedupe == Dedupe::last;
  if (!updates_in_turn || is_in(merge.update_columns, column) || is_in(merge.key, column))
    return name;
  return "first_value(" + name + ") over (partition by " + key + " order by " + record_column +
         ") as " + name;
}

/// The records, each key once.
std::string records(const std::vector<std::string>& columns, const Merge& merge,
                    const std::string& from, bool keys_may_repeat) {
  if (!keys_may_repeat) return "select " + list(columns, "") + " from " + from;
  // DISTINCT ON takes NULLs for equal.
  std::string key = list(merge.key, "");
  if (!merge.nulls_are_equal) {
    key += ", case when num_nulls(" + list(merge.key, "") + ") > 0 then ";
    key += record_column;
    key += " end";
  }
  std::string values;
  for (const std::string& column : columns)
    values += (values.empty() ? "" : ", ") + value_of_column(column, merge, key);
  return "select distinct on (" + key + ") " + values + " from " + from + " order by " + key +
         ", " + record_column + (merge.dedupe == Dedupe::last ? " desc" : "");
}

std::string conflict_clause(const Merge& merge) {
  if (merge.on_conflict == OnConflict::error) return "";
  std::string clause = " on conflict (" + list(merge.key, "") + ") do ";
  if (merge.on_conflict == OnConflict::nothing) return clause + "nothing";
  clause += "update set ";
  bool is_first = true;
  for (const std::string& column : merge.update_columns) {
    const std::string name = quote_identifier(column);
    clause += (is_first ? "" : ", ") + name + " = excluded." + name;
    is_first = false;
  }
  if (!merge.only_if_changed) return clause;
  // It compares what is stored, so that it is there for each type and sees each change.
  return clause + " where record_image_ne(row(" + list(merge.update_columns, "pgsluice_target.") +
         "), row(" + list(merge.update_columns, "excluded.") + "))";
}

}  // namespace

std::string merge_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                            const Merge& merge, const std::string& from, bool keys_may_repeat) {
  const bool has_identity = std::ranges::any_of(columns, [&target](const std::string& name) {
    return target.columns[*target.find(name)].identity;
  });
  const std::string insert = "insert into " + target.quoted_name + " as pgsluice_target (" +
                             list(columns, "") + ") " +
                             (has_identity ? "overriding system value " : "");
  const std::string rows = records(columns, merge, from, keys_may_repeat);
  if (merge.on_conflict == OnConflict::error && !keys_may_repeat) return insert + rows;
  // A row that an INSERT makes was deleted or locked by nobody; one that ON CONFLICT updates was.
  return "with " + (keys_may_repeat ? "records as materialized (" + rows + "), " : "") +
         "merged as (" + insert + (keys_may_repeat ? "select * from records" : rows) +
         conflict_clause(merge) +
         " returning xmax = 0 as is_new) select count(*) filter (where is_new), "
         "count(*) filter (where not is_new), " +
         (keys_may_repeat ? "(select count(*) from records)" : "null::bigint") + " from merged";
}

RowCounts read_merged(const Merge& merge, const pg::Result& row, std::uint64_t staged) {
  RowCounts counts;
  if (row.rows() == 0) {  // a plain INSERT
    counts.rows_stored = std::min(row.affected(), staged);
    counts.rows_skipped = staged - counts.rows_stored;
    return counts;
  }
  counts.rows_stored = row.count(0, 0);
  counts.rows_updated = row.count(0, 1);
  const std::uint64_t distinct = row.is_null(0, 2) ? staged : row.count(0, 2);
  // None is below 2^63, so the sum of two does not wrap.
  if (distinct > staged || counts.rows_stored + counts.rows_updated > distinct)
    row.refuse("more rows came of a merge than went into it");
  const std::uint64_t rest = distinct - counts.rows_stored - counts.rows_updated;
  (merge.only_if_changed ? counts.rows_unchanged : counts.rows_skipped) = rest;
  counts.rows_skipped += staged - distinct;
  return counts;
}

asio::awaitable<std::vector<UniqueKey>> unique_keys(pg::Connection& on, const tuple::Table& table) {
  const auto results = co_await on.query(
      "select i.indexrelid::bigint, i.indisprimary, "
      "coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false), a.attname, "
      "coalesce(c.collisdeterministic, true) "
      "from pg_index i "
      "cross join lateral unnest(i.indkey::int2[]) with ordinality as k (attnum, number) "
      "join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum "
      "left join pg_collation c on c.oid = i.indcollation[k.number - 1] "
      "where i.indrelid = " +
      std::to_string(table.id) +
      " and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null "
      "and i.indexprs is null and k.number <= i.indnkeyatts "
      "order by i.indisprimary desc, i.indexrelid, k.number");
  const pg::Result& rows = results.front();
  std::vector<UniqueKey> keys;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    if (row == 0 || rows.integer(row, 0) != rows.integer(row - 1, 0)) {
      keys.emplace_back();
      keys.back().is_primary = rows.boolean(row, 1);
      keys.back().nulls_are_equal = rows.boolean(row, 2);
    }
    keys.back().columns.emplace_back(rows.text(row, 3));
    keys.back().collates_bytewise.push_back(rows.boolean(row, 4));
  }
  co_return keys;
}

}  // namespace sluice::writer

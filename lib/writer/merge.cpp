#include "writer/merge.hpp"

#include <algorithm>

#include "base/identifier.hpp"

namespace sluice::writer {
namespace {

// Counts conflicts: a temporary sequence costs less than a column of RETURNING, and partitions,
// whose rows have no system columns there, can be counted so too. A conflict counts when its row is
// locked, so another session's row that came in between is one.
constexpr const char* counter = "'pg_temp.pgsluice_conflicts'";

std::string next_value() { return std::string("pg_catalog.nextval(") + counter + ")"; }
std::string current_value() { return std::string("pg_catalog.currval(") + counter + ")"; }

/// Two loads into a table whose records go in the order of their files would lock rows in different
/// orders: they take turns, a transaction each.
std::string lock_statement(const tuple::Table& target) {
  return "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('pgsluice merges', " +
         std::to_string(target.id) + ")); ";
}

/// Where the block on the server leaves what it has counted.
constexpr const char* result_setting = "'pgsluice.merged'";

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

/// One merge of a staging table, as the parts of its statements.
struct Statement {
  const tuple::Table& target;
  const std::vector<std::string>& columns;
  const Merge& merge;
  const std::string& from;
  bool are_sorted = false;  ///< as they lie there

  std::string record() const { return quote_identifier(merge.record_column); }
  std::string record_key() const;
  std::string order() const;
  std::string value_of_column(const std::string& column) const;
  std::string distinct_records() const;
  std::string chosen_records() const;
  std::string all_records() const {
    return "select " + list(columns, "") + " from " + from + order();
  }
  std::string insert() const;
  std::string conflict_clause() const;
  std::string insert_one() const;
  std::string whole(const std::string& rows, bool is_distinct, const std::string& into = "") const;
  std::string each(const std::string& rows) const;
  std::string block(const std::string& condition, const std::string& otherwise,
                    const std::string& rows) const;
  std::string repeats() const;
  std::string has_nulls() const;
};

/// The key, and where NULLs are not equal what tells records with one apart.
std::string Statement::record_key() const {
  std::string key = distinct_key(merge);
  if (merge.nulls_are_equal) return key;
  return key + ", case when pg_catalog.num_nulls(" + list(merge.key, "") +
         ") operator(pg_catalog.>) 0 then " + record() + " end";
}

/// ORDER BY of the records as they go into the target.
std::string Statement::order() const {
  if (merge.in_file_order) return " order by " + record();
  if (are_sorted) return {};  // the server would keep 8 % of its time for finding that out
  return " order by " + order_of_key(merge) + ", " + record();
}

/// A column of the record that stands for all with its key. One after the other, the first of them
/// would make the row and the others would update some of its columns: so the other columns are the
/// first one's.
std::string Statement::value_of_column(const std::string& column) const {
  const std::string name = quote_identifier(column);
  const bool updates_in_turn =
      merge.on_conflict == OnConflict::update && merge.dedupe == Dedupe::last;
  if (!updates_in_turn || is_in(merge.update_columns, column) || is_in(merge.key, column))
    return name;
  return "pg_catalog.first_value(" + name + ") over (partition by " + record_key() + " order by " +
         order_of_key(merge) + ", " + record() + ") as " + name;
}

/// The records, each key once.
std::string Statement::distinct_records() const {
  std::string values;
  for (const std::string& column : columns)
    values += (values.empty() ? "" : ", ") + value_of_column(column);
  std::string sorted = order_of_key(merge);
  if (!merge.nulls_are_equal) sorted += record_key().substr(distinct_key(merge).size());
  return "select distinct on (" + record_key() + ") " + values + ", " + record() + " from " + from +
         " order by " + sorted + ", " + record() + (merge.dedupe == Dedupe::last ? " desc" : "");
}

/// Those as they go into the target.
std::string Statement::chosen_records() const {
  return "select " + list(columns, "") + " from (" + distinct_records() + ") chosen order by " +
         (merge.in_file_order ? record() : order_of_key(merge));
}

std::string Statement::insert() const {
  const bool has_identity = std::ranges::any_of(columns, [this](const std::string& name) {
    return target.columns[*target.find(name)].identity;
  });
  return "insert into " + target.quoted_name + " as pgsluice_target (" + list(columns, "") + ") " +
         (has_identity ? "overriding system value " : "");
}

std::string Statement::conflict_clause() const {
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
  const std::string counts = next_value() + " operator(pg_catalog.>) 0";
  if (!merge.only_if_changed) return clause + " where " + counts;
  // It compares what is stored, so that it is there for each type and sees each change. An equal
  // row counts twice: a trigger that leaves a row alone is another matter.
  return clause + " where case when pg_catalog.record_image_ne(row(" +
         list(merge.update_columns, "pgsluice_target.") + "), row(" +
         list(merge.update_columns, "excluded.") + ")) then " + counts + " else " + next_value() +
         " operator(pg_catalog.+) " + next_value() + " operator(pg_catalog.<) 0 end";
}

/// One statement for all. It gives how many rows were made or updated, what was counted, nothing,
/// and how many records stood for all.
std::string Statement::whole(const std::string& rows, bool is_distinct,
                             const std::string& into) const {
  std::string sql = "with ";
  if (is_distinct) sql += "records as materialized (" + rows + "), ";
  sql += "merged as (" + insert() + (is_distinct ? "select * from records" : rows) +
         conflict_clause() + " returning 1) select pg_catalog.count(*), " + current_value() +
         " operator(pg_catalog.-) 1, null::pg_catalog.int8, ";
  sql += is_distinct ? "(select pg_catalog.count(*) from records)" : "null::pg_catalog.int8";
  return sql + into + " from merged";
}

/// Inserts the record that the block is at.
std::string Statement::insert_one() const {
  return insert() + "values (" + list(columns, "pgsluice_one.") + ")" + conflict_clause() + "; ";
}

/// One statement for each, inside the block.
std::string Statement::each(const std::string& rows) const {
  return "for pgsluice_one in " + rows + " loop pgsluice_before := " + current_value() + "; " +
         insert_one() + "pgsluice_counted := pgsluice_counted operator(pg_catalog.+) 1; " +
         "pgsluice_before := " + current_value() + " operator(pg_catalog.-) pgsluice_before; " +
         "if found then pgsluice_made := pgsluice_made operator(pg_catalog.+) 1; " +
         "pgsluice_moved := pgsluice_moved operator(pg_catalog.+) pgsluice_before; " +
         "elsif pgsluice_before operator(pg_catalog.=) 2 then " +
         "pgsluice_equal := pgsluice_equal operator(pg_catalog.+) 1; " +
         "pgsluice_moved := pgsluice_moved operator(pg_catalog.+) 2; end if; end loop; ";
}

/// A block that takes `rows` one after the other where the condition is true, and else runs
/// `otherwise`; an empty condition is always true. Then what it has counted.
std::string Statement::block(const std::string& condition, const std::string& otherwise,
                             const std::string& rows) const {
  std::string body =
      "#variable_conflict use_column\n"
      "declare pgsluice_one record; pgsluice_before pg_catalog.int8; "
      "pgsluice_made pg_catalog.int8 := 0; pgsluice_moved pg_catalog.int8 := 0; "
      "pgsluice_equal pg_catalog.int8 := 0; pgsluice_counted pg_catalog.int8 := 0; begin ";
  if (!condition.empty()) body += "if " + condition + " then ";
  body += each(rows);
  if (!condition.empty()) body += "else " + otherwise + "; end if; ";
  body += std::string("perform pg_catalog.set_config(") + result_setting +
          ", (array[pgsluice_made, pgsluice_moved, pgsluice_equal, pgsluice_counted])"
          "::pg_catalog.text, true); end";
  return "do " + quote_literal(body) +
         "; select merged[1], merged[2], merged[3], merged[4] from (select "
         "pg_catalog.current_setting(" +
         result_setting + ")::pg_catalog.int8[] as merged) result";
}

/// A key comes twice.
std::string Statement::repeats() const {
  return "exists (select from (select pg_catalog.row_number() over (partition by " + record_key() +
         " order by " + order_of_key(merge) + ", " + record() + ") as nth from " + from +
         ") numbered where nth operator(pg_catalog.>) 1)";
}

/// A record will be refused, whether another one would stand for it or not.
std::string Statement::has_nulls() const {
  return "exists (select from " + from + " where pg_catalog.num_nulls(" + list(merge.not_null, "") +
         ") operator(pg_catalog.>) 0)";
}

constexpr const char* into_block =
    " into pgsluice_made, pgsluice_moved, pgsluice_equal, pgsluice_counted";

/// REQUIRES: each record goes into the target, in turn.
std::string merge_in_turn(const Statement& s, bool keys_may_repeat) {
  const std::string all = s.all_records();
  if (s.merge.one_by_one) return s.block("", "", all);
  // DO NOTHING looks at each row anyway, those of its own statement included.
  if (!keys_may_repeat || s.merge.on_conflict == OnConflict::nothing) return s.whole(all, false);
  if (s.merge.in_file_order || s.merge.judges_rows || s.merge.only_if_changed)
    return s.block(s.repeats(), s.whole(all, false, into_block), all);
  const std::string chosen = s.chosen_records();
  if (s.merge.not_null.empty()) return s.whole(chosen, true);
  return s.block(s.has_nulls(), s.whole(chosen, true, into_block), all);
}

std::string joined(const std::vector<std::string>& compared,
                   const std::vector<std::string>& operators) {
  std::string text;
  for (std::size_t i = 0; i < compared.size(); ++i) {
    text += (i == 0 ? "" : ", ") + compared[i];
    if (!operators.empty()) text += operators[i];
  }
  return text;
}

}  // namespace

std::string free_column_name(const tuple::Table& table) {
  std::string name = Merge{}.record_column;
  while (std::ranges::find(table.columns, name, &tuple::Column::name) != table.columns.end())
    name += "_";
  return name;
}

std::string distinct_key(const Merge& merge) { return joined(merge.compared, {}); }

std::string order_of_key(const Merge& merge) { return joined(merge.compared, merge.operators); }

std::string merge_preparation() {
  // A cache is for speed: a value then costs less than a tenth of a microsecond.
  return "create temporary sequence if not exists pgsluice_conflicts cache 1000; ";
}

std::string counter_reset() {
  return std::string("select pg_catalog.setval(") + counter + ", 1); ";
}

std::string merge_statement(const tuple::Table& target, const std::vector<std::string>& columns,
                            const Merge& merge, const StagedRecords& staged) {
  const Statement s{target, columns, merge, staged.table, staged.are_sorted};
  if (merge.on_conflict == OnConflict::error) {
    return s.insert() + "select " + list(columns, "") + " from " + staged.table +
           (merge.in_file_order ? " order by " + s.record() : "");
  }
  std::string sql = counter_reset();
  if (merge.in_file_order) sql = lock_statement(target) + sql;
  if (merge.takes_all_in_turn()) return sql + merge_in_turn(s, staged.keys_may_repeat);
  const std::string chosen = s.chosen_records();
  return sql + (merge.one_by_one ? s.block("", "", chosen) : s.whole(chosen, true));
}

RowCounts read_merged(const Merge& merge, const pg::Result& row, std::uint64_t staged) {
  RowCounts counts;
  if (row.rows() == 0) {  // a plain INSERT
    counts.rows_stored = std::min(row.affected(), staged);
    counts.rows_skipped = staged - counts.rows_stored;
    return counts;
  }
  const auto number = [&row](int column) { return row.count(0, column); };
  const std::uint64_t made = number(0);
  const std::uint64_t counted = row.is_null(0, 3) ? staged : number(3);
  if (counted > staged || made > counted) row.refuse("more rows came of a merge than went into it");
  // Without triggers a record that makes no row and updates none is equal, or not wanted.
  const std::uint64_t rest = counted - made;
  if (!row.is_null(0, 2)) {
    counts.rows_unchanged = number(2);
  } else if (merge.only_if_changed) {
    counts.rows_unchanged = rest;
  }
  if (counts.rows_unchanged > rest || 2 * counts.rows_unchanged > number(1) ||
      number(1) - 2 * counts.rows_unchanged > made)
    row.refuse("the counts of a merge do not add up");
  counts.rows_updated = number(1) - 2 * counts.rows_unchanged;
  counts.rows_stored = made - counts.rows_updated;
  counts.rows_skipped = rest - counts.rows_unchanged;
  // Records for which another one stood: in turn, each would have updated the row.
  const bool are_updates = merge.on_conflict == OnConflict::update && merge.takes_all_in_turn();
  (are_updates ? counts.rows_updated : counts.rows_skipped) += staged - counted;
  return counts;
}

std::string find_refused_statement(const tuple::Table& target,
                                   const std::vector<std::string>& columns, const Merge& merge,
                                   const std::string& from, std::size_t count_max) {
  const Statement s{target, columns, merge, from};
  const bool is_upsert = merge.on_conflict != OnConflict::error;
  const bool chooses = is_upsert && !merge.takes_all_in_turn();
  const std::string rows =
      "select * from " + (chooses ? "(" + s.distinct_records() + ") chosen" : from);
  const std::string in_order = " order by " + s.record();
  const std::string record = "pgsluice_one." + s.record();
  const std::string at_most = " operator(pg_catalog.<) " + std::to_string(count_max);
  // Whoever refers to a record that comes later (23503) waits, as a whole statement would let him.
  const std::string handler =
      " exception when others then get stacked diagnostics pgsluice_state = returned_sqlstate, "
      "pgsluice_constraint = constraint_name, pgsluice_message = message_text, pgsluice_detail = "
      "pg_exception_detail; if pgsluice_state operator(pg_catalog.~) '^(40|53|57|58|55P03)' then "
      "raise; end if; pgsluice_said := pg_catalog.json_build_array(" +
      record +
      ", pgsluice_state, pgsluice_constraint, pg_catalog.left(pgsluice_message, 2000), "
      "pg_catalog.left(pgsluice_detail, 2000)); ";
  std::string body =
      "#variable_conflict use_column\n"
      "declare pgsluice_one record; pgsluice_state pg_catalog.text; pgsluice_constraint "
      "pg_catalog.text; pgsluice_message pg_catalog.text; pgsluice_detail pg_catalog.text; "
      "pgsluice_said pg_catalog.json; pgsluice_found pg_catalog.json[] := '{}'; "
      "pgsluice_waiting pg_catalog.int8[] := '{}'; pgsluice_unmet pg_catalog.json[] := '{}'; "
      "pgsluice_left pg_catalog.int8[]; begin "
      "for pgsluice_one in " +
      rows + in_order + " loop begin " + s.insert_one() + handler +
      "if pgsluice_state operator(pg_catalog.=) '23503' and "
      "pg_catalog.cardinality(pgsluice_waiting)" +
      at_most + " then pgsluice_waiting := pg_catalog.array_append(pgsluice_waiting, " + record +
      "); pgsluice_unmet := pg_catalog.array_append(pgsluice_unmet, pgsluice_said); else "
      "pgsluice_found := pg_catalog.array_append(pgsluice_found, pgsluice_said); end if; end; "
      "exit when not pg_catalog.cardinality(pgsluice_found)" +
      at_most + "; end loop; ";
  body +=
      "while pg_catalog.cardinality(pgsluice_found)" + at_most +
      " and pg_catalog.cardinality(pgsluice_waiting) operator(pg_catalog.>) 0 loop "
      "pgsluice_left := '{}'; pgsluice_unmet := '{}'; for pgsluice_one in select * from (" +
      rows + ") pgsluice_rows where " + s.record() +
      " operator(pg_catalog.=) any (pgsluice_waiting)" + in_order + " loop begin " +
      s.insert_one() + handler + "pgsluice_left := pg_catalog.array_append(pgsluice_left, " +
      record +
      "); pgsluice_unmet := pg_catalog.array_append(pgsluice_unmet, pgsluice_said); end; end loop; "
      "exit when pg_catalog.cardinality(pgsluice_left) operator(pg_catalog.=) "
      "pg_catalog.cardinality(pgsluice_waiting); pgsluice_waiting := pgsluice_left; end loop; "
      "if pg_catalog.cardinality(pgsluice_found)" +
      at_most +
      " then pgsluice_found := pg_catalog.array_cat(pgsluice_found, pgsluice_unmet); end if; "
      "perform pg_catalog.set_config('pgsluice.refused', "
      "pg_catalog.array_to_json(pgsluice_found)::pg_catalog.text, true); end";
  return "set constraints all immediate; do " + quote_literal(body) +
         "; select (refused operator(pg_catalog.->>) 0)::pg_catalog.int8, refused "
         "operator(pg_catalog.->>) 1, refused operator(pg_catalog.->>) 2, refused "
         "operator(pg_catalog.->>) 3, refused operator(pg_catalog.->>) 4 from "
         "pg_catalog.json_array_elements(pg_catalog.current_setting('pgsluice.refused')"
         "::pg_catalog.json) found (refused) order by 1";
}

}  // namespace sluice::writer
